"""I4 cursor-ahead: a persisted cursor never runs ahead of the applied state.

Owns checkpoints, saved and resumed; leaves the order of applies to replicas. Three things are judged:
the cursor against the applied state that was persisted with it, a saved cursor against what the
history shows as applied in the baseline so far, and the first apply after a resume, which must not
skip. What a resume found on disk counts as applied: the last lines of a killed process are lost.

    CursorAhead().check(history).verdict
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, middle, replaced, together, without
from harness.history import Checkpointed, History, Op, pack, unpack

Place = tuple[str, str]  # replica, stream


class CursorAhead(Checker, frozen=True):
    """I4: cursor <= applied state at every checkpoint, and a resume never skips."""

    name = "cursor-ahead"
    invariant = "I4"

    def check(self, history: History) -> CheckResult:
        walk = _Walk()
        for op in together(history, "bootstrap", "checkpoint", "apply"):
            if op.phase != "ok":
                continue
            if op.replica is None or op.stream is None:
                walk.lacking = walk.lacking or lack(op, "replica", "stream")
            elif op.f == "checkpoint":
                walk.checkpoint(op, (op.replica, op.stream))
            elif op.f == "bootstrap":
                walk.bootstrap(op, (op.replica, op.stream))
            else:
                walk.apply(op, (op.replica, op.stream))
        return self.result(walk.judged, walk.findings, walk.lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("roll a resumed cursor past the applied state", _roll_resume),
            Mutation("roll a saved cursor past the applied state", _roll_save),
            Mutation("save a cursor that nothing applied has reached", _roll_both),
            Mutation("drop the first apply after a resume", _skip),
        )


class _Walk:
    """One pass over a history: per replica and stream, how far it applied, and which resume waits for
    its first apply."""

    def __init__(self) -> None:
        self.judged, self.lacking = 0, ""
        self.findings: list[Found] = []
        self._high: dict[Place, int] = {}
        self._resumed: dict[Place, tuple[Op, int]] = {}

    def bootstrap(self, op: Op, place: Place) -> None:
        self._resumed.pop(place, None)
        self._high[place] = op.cursor or 0

    def apply(self, op: Op, place: Place) -> None:
        seq = op.seq
        if seq is None:
            self.lacking = self.lacking or lack(op, "seq")
            return
        waiting = self._resumed.pop(place, None) if self._resumed else None
        if waiting is not None:
            resume, applied = waiting
            cursor = resume.cursor or 0
            if not cursor < seq <= max(cursor, applied) + 1:
                self.findings.append(_skipped(resume, op, cursor))
        if seq > self._high.get(place, 0):
            self._high[place] = seq

    def checkpoint(self, op: Op, place: Place) -> None:
        cursor = op.cursor
        if cursor is None:
            self.lacking = self.lacking or lack(op, "cursor")
            return
        self.judged += 1
        seen = unpack(op, Checkpointed)
        high = self._high.get(place, 0)
        if cursor > seen.applied_seq:
            self.findings.append(_ahead(op, seen.at, f"the state persisted with it is at seq {seen.applied_seq}"))
        elif seen.at == "save" and cursor > high:
            self.findings.append(_ahead(op, seen.at, f"the highest seq applied or started from so far is {high}"))
        if seen.at == "resume":
            self._resumed[place] = (op, seen.applied_seq)
            self._high[place] = max(high, seen.applied_seq)


def _ahead(op: Op, at: str, behind: str) -> Found:
    return f"replica {op.replica}, stream {op.stream}: the cursor is {op.cursor} at {at}, but {behind}", (op.index,)


def _skipped(resume: Op, op: Op, cursor: int) -> Found:
    return (
        f"replica {op.replica}, stream {op.stream}: resumed at cursor {cursor}, expected seq {cursor + 1} next, "
        f"applied seq {op.seq} ({op.key})",
        (resume.index, op.index),
    )


def _checkpoints(history: History, at: str) -> list[tuple[Op, Checkpointed]]:
    found = ((op, unpack(op, Checkpointed)) for op in history.of("checkpoint") if op.phase == "ok")
    return [(op, seen) for op, seen in found if seen.at == at]


def _roll(history: History, at: str) -> History | None:
    victim = middle(_checkpoints(history, at))
    return None if victim is None else replaced(history, replace(victim[0], cursor=victim[1].applied_seq + 1))


def _roll_resume(history: History) -> History | None:
    return _roll(history, "resume")


def _roll_save(history: History) -> History | None:
    return _roll(history, "save")


def _roll_both(history: History) -> History | None:
    """Cursor and applied state both beyond everything that this history holds."""
    victim = middle(_checkpoints(history, "save"))
    if victim is None:
        return None
    beyond = 1 + max(
        max((op.seq or 0 for op in history.of("apply")), default=0),
        max((op.cursor or 0 for op in history.of("bootstrap")), default=0),
        max((seen.applied_seq for _, seen in _checkpoints(history, "resume")), default=0),
    )
    op, seen = victim
    return replaced(history, replace(op, cursor=beyond, data=pack(replace(seen, applied_seq=beyond))))


def _skip(history: History) -> History | None:
    """Resume, apply, apply: the middle one goes."""
    chains: dict[tuple[str | None, str | None], list[Op]] = {}
    victims: list[Op] = []
    for op in together(history, "bootstrap", "checkpoint", "apply"):
        place = (op.replica, op.stream)
        if op.f == "bootstrap":
            chains.pop(place, None)
        elif op.f == "checkpoint":
            seen = unpack(op, Checkpointed)
            if seen.at == "resume":
                chains.pop(place, None)
                if seen.applied_seq == op.cursor:
                    chains[place] = []
        elif place in chains:
            chains[place].append(op)
            if len(chains[place]) == 2:
                victims.append(chains.pop(place)[0])
    victim = middle(victims)
    return None if victim is None else without(history, victim.index)
