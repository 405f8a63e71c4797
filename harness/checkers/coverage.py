"""I13 idle-run: a run in which too little happened shows nothing.

Owns the floors of activity; leaves what the activity must look like to the other checkers. A floor that
was not reached is UNKNOWN and not FAIL: nothing was shown to be wrong (design, section 4).

    IdleRun(floors={"publish": 100, "apply": 200}).check(history).verdict
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import cast, get_args

import msgspec
from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Finding, Mutation, renumbered
from harness.history import F, History
from harness.verdict import Verdict

_KINDS = frozenset(get_args(F))
MAX_TOLD_CHARS = 200  # of one error


class IdleRun(Checker, frozen=True):
    """I13. `floors`: the least number of ok Ops per kind. A kind that is none is never reached."""

    name = "idle-run"
    invariant = "I13"

    floors: dict[str, int] = msgspec.field(default_factory=dict)

    def check(self, history: History) -> CheckResult:
        demanded = {kind: floor for kind, floor in self.floors.items() if floor > 0}
        if not demanded:
            return self.result(0, (), "no floor is set: a run without activity would pass")
        findings: list[Finding] = []
        judged = 0
        first = {op.f: op.index for op in reversed(history.ops) if op.phase in ("fail", "info") and op.error}
        for kind, floor in sorted(demanded.items(), key=lambda one: (first.get(cast(F, one[0]), sys.maxsize), one)):
            done = count_ok(history, kind)
            judged += done
            if done < floor:
                known = "" if kind in _KINDS else ", which is no kind of Op"
                told = f"{done} ok Ops of {kind}{known}, the floor is {floor}{_why_not(history, kind)}"
                findings.append(Finding(self.invariant, told))
        if not findings:
            return self.result(judged, ())
        reason = f"{len(findings)} of {len(demanded)} floors not reached"
        return CheckResult(self.name, self.invariant, Verdict.UNKNOWN, judged, tuple(findings), len(findings), reason)

    def mutations(self) -> tuple[Mutation, ...]:
        def each(kind: str, floor: int) -> tuple[Mutation, Mutation]:
            return (
                Mutation(f"drop every {kind}", lambda history: _drop_kind(history, kind)),
                Mutation(f"flip {kind} to info below its floor", lambda history: _flip(history, kind, floor)),
            )

        return tuple(one for kind, floor in sorted(self.floors.items()) if floor > 0 for one in each(kind, floor))


Mutate = Callable[[History], History | None]


def count_ok(history: History, kind: str) -> int:
    """How many Ops of this kind were ok."""
    return Counter(op.phase for op in history.of(cast(F, kind)))["ok"]


def _why_not(history: History, kind: str) -> str:
    """What most of those said that were not ok: the first that fails explains the others."""
    said = Counter(op.error for op in history.of(cast(F, kind)) if op.phase in ("fail", "info") and op.error)
    (most, times), *_ = said.most_common(1) or [("", 0)]
    return f"; {times} of {sum(said.values())} that were not ok: {most[:MAX_TOLD_CHARS]}" if most else ""


def _drop_kind(history: History, kind: str) -> History | None:
    if not history.of(cast(F, kind)):
        return None
    return renumbered(history, (op for op in history.ops if op.f != kind))


def _flip(history: History, kind: str, floor: int) -> History | None:
    """Keep the first floor - 1 acknowledgements of the kind."""
    left = floor - 1
    ops = []
    changed = False
    for op in history.ops:
        if op.f == kind and op.phase == "ok":
            if left:
                left -= 1
            else:
                op, changed = replace(op, phase="info"), True
        ops.append(op)
    return history.with_ops(ops) if changed else None
