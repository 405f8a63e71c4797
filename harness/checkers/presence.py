"""I10 presence-drift: presence rows and live connections are the same, both ways.

Owns the comparison of one settled reading with what the lab knows; leaves the waiting to the gate
(half-open sockets take 130 s on a 1.2.0 server). HTTP calls come and go as rows too, so a row that is
neither a live subscriber's nor a gone one's is not judged.

    PresenceDrift(needs_gone=True).check(history).verdict
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, middle, replaced
from harness.history import History, Op, Presence, pack, unpack

_GHOST = "f" * 32  # a connection id that no server gives


class PresenceDrift(Checker, frozen=True):
    """I10. At least one settled reading must have live connections and, unless `needs_gone` is false,
    one must have connections that had ended: otherwise nothing was shown."""

    name = "presence-drift"
    invariant = "I10"

    needs_gone: bool = True

    def check(self, history: History) -> CheckResult:
        readings = _settled(history)
        findings: list[Found] = []
        for op, seen in readings:
            rows = set(seen.rows)
            findings.extend(
                (f"connection {one} is live and has no presence row (op {op.index})", (op.index,))
                for one in seen.live
                if one not in rows
            )
            findings.extend(
                (f"connection {one} had ended and its presence row is still there (op {op.index})", (op.index,))
                for one in seen.gone
                if one in rows
            )
        return self.result(len(readings), findings, self._lacking([seen for _, seen in readings]))

    def _lacking(self, readings: list[Presence]) -> str:
        if not any(seen.live for seen in readings):
            return "no settled reading has a live connection: presence was not shown"
        if self.needs_gone and not any(seen.gone for seen in readings):
            return "no settled reading has a connection that had ended: its removal was not shown"
        return ""

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("drop the row of a live connection", _drop_live),
            Mutation("insert the row of a connection that had ended", _keep_gone),
            Mutation("insert a ghost", _ghost),
        )


def _settled(history: History) -> list[tuple[Op, Presence]]:
    readings = ((op, unpack(op, Presence)) for op in history.of("presence") if op.phase == "ok")
    return [(op, seen) for op, seen in readings if seen.settled]


def _changed(history: History, op: Op, seen: Presence) -> History:
    return replaced(history, replace(op, data=pack(seen)))


def _drop_live(history: History) -> History | None:
    victim = middle([(op, seen) for op, seen in _settled(history) if seen.live])
    if victim is None:
        return None
    op, seen = victim
    lost = seen.live[len(seen.live) // 2]
    return _changed(history, op, replace(seen, rows=tuple(row for row in seen.rows if row != lost)))


def _keep_gone(history: History) -> History | None:
    victim = middle([(op, seen) for op, seen in _settled(history) if seen.gone])
    if victim is None:
        return None
    op, seen = victim
    return _changed(history, op, replace(seen, rows=(*seen.rows, seen.gone[len(seen.gone) // 2])))


def _ghost(history: History) -> History | None:
    victim = middle(_settled(history))
    if victim is None:
        return None
    op, seen = victim
    return _changed(history, op, replace(seen, rows=(*seen.rows, _GHOST), gone=(*seen.gone, _GHOST)))
