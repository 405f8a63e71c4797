"""Epochs of the server's data: a deliberate wipe or restore starts a new one.

Owns which restarts count, and to which epoch an Op belongs; leaves what follows from it to the
checkers. What the server held before a restore binds nobody afterwards (design, section 5: I1 sets
"deliberate restores aside, which the scenario declares"). A row that crossed a connection belongs to
the epoch in which that connection was first seen: no socket outlives its server, but its last rows
may be recorded after the restart.

    epochs = Epochs(history)
    epochs.of(op)  # 0 before the first restore, 1 after it
"""

from __future__ import annotations

from bisect import bisect_left

from harness.history import History, Op, Restarted, unpack

_SERVER = (None, "server")  # a restart that names another replica is a desktop's own


def restores(history: History) -> list[int]:
    """Indices of the restarts that brought the server back with older data or none."""
    return [
        op.index
        for op in history.of("restart")
        if op.phase == "ok" and op.replica in _SERVER and unpack(op, Restarted).how in ("restore", "wipe")
    ]


class Epochs:
    """Which epoch an Op belongs to. `single` when nothing was restored, so that callers can be quick."""

    def __init__(self, history: History) -> None:
        self.starts = restores(history)
        self.single = not self.starts
        self._connections = {} if self.single else self._first_seen(history)

    def at(self, index: int) -> int:
        """How many restores lie before this index."""
        return bisect_left(self.starts, index)

    def of(self, op: Op) -> int:
        if self.single:
            return 0
        if op.connection is not None:
            return self._connections[op.connection]
        return self.at(op.index)

    def _first_seen(self, history: History) -> dict[str, int]:
        seen: dict[str, int] = {}
        for op in history.ops:
            if op.connection is not None and op.connection not in seen:
                seen[op.connection] = self.at(op.index)
        return seen
