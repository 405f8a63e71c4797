"""I12 fault-without-effect: a window of a fault that nobody saw bite shows nothing.

Owns the windows of faults (which began, how they ended) and the question whether each has its witness:
traffic inside it, enough of an effect measured by the lab, and the effect's times inside the window.
Leaves what the subject did meanwhile to the other checkers. A window that lacks its witness is UNKNOWN
and not FAIL: nothing was shown to be wrong. A fault Op without data is a sabotage's, and no window.

    FaultWithoutEffect().check(history).verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness.checkers.base import (
    MAX_FINDINGS,
    Checker,
    CheckResult,
    Finding,
    Found,
    Mutation,
    middle,
    replaced,
    without,
)
from harness.history import F, Faulted, Healed, History, Op, pack, unpack
from harness.verdict import Verdict


class Window(NamedTuple):
    """One fault that began, and every Op that says it ended. A whole one has one of them."""

    on: Op
    began: Faulted
    offs: tuple[tuple[Op, Healed], ...]

    @property
    def name(self) -> str:
        return f"window {self.on.fault} ({self.began.kind} on {self.began.target}, op {self.on.index})"

    @property
    def off(self) -> Op | None:
        """Where it ended first; None when it never did."""
        return self.offs[0][0] if self.offs else None


def told(history: History, kind: F) -> list[Op]:
    """The ok Ops of fault_on or fault_off that carry data."""
    return [op for op in history.of(kind) if op.phase == "ok" and op.data is not msgspec.UNSET]


def windows(history: History) -> list[Window]:
    """Every window, in the order of their beginnings."""
    offs: dict[str | None, list[tuple[Op, Healed]]] = {}
    for op in told(history, "fault_off"):
        offs.setdefault(op.fault, []).append((op, unpack(op, Healed)))
    began = told(history, "fault_on")
    return [Window(op, unpack(op, Faulted), tuple(offs.get(op.fault, ()))) for op in began]


class FaultWithoutEffect(Checker, frozen=True):
    """I12: every window is judged; UNKNOWN with a finding for each part that a witness lacks."""

    name = "fault-without-effect"
    invariant = "I12"

    def check(self, history: History) -> CheckResult:
        all_of_them = windows(history)
        if not all_of_them:
            return self.result(0, (), "no fault was ever on")
        found = list(_problems(history, all_of_them))
        if not found:
            return self.result(len(all_of_them), ())
        kept = tuple(Finding(self.invariant, message, ops) for message, ops in found[:MAX_FINDINGS])
        reason = f"what witnesses {len(all_of_them)} windows lacks {len(found)} parts"
        judged = len(all_of_them)
        return CheckResult(self.name, self.invariant, Verdict.UNKNOWN, judged, kept, len(found), reason)

    def mutations(self) -> tuple[Mutation, ...]:
        def witness(**fields: float) -> Callable[[History], History | None]:
            return lambda history: _change(history, lambda seen, _: replace(seen, **fields))

        return (
            Mutation("measure nothing", witness(measured=0.0)),
            Mutation("need nothing", witness(needed=0.0)),
            Mutation("take the traffic away", witness(traffic=0)),
            Mutation("drop the end of a window", _drop_off),
            Mutation(
                "retime the witness to before its window",
                lambda history: _change(history, lambda seen, on: replace(seen, first_ns=on.t_ns - 1)),
            ),
        )


def _problems(history: History, all_of_them: list[Window]) -> Iterator[Found]:
    names: dict[str | None, int] = {}
    for window in all_of_them:
        first = names.setdefault(window.on.fault, window.on.index)
        if window.on.fault is None:
            yield f"{window.name} has no name: its end cannot be told", (window.on.index,)
        elif first != window.on.index:
            yield f"{window.name} has the name of another, begun at op {first}", (first, window.on.index)
        if len(window.offs) != 1:
            ends = tuple(op.index for op, _ in window.offs)
            yield f"{window.name} ended {len(ends)} times, expected once", (window.on.index, *ends)
        for off, seen in window.offs:
            for lacking in _lacking(window, off, seen):
                yield f"{window.name}: {lacking}", (window.on.index, off.index)
    for op in told(history, "fault_off"):
        if op.fault not in names:
            yield f"window {op.fault} ended at op {op.index} and never began", (op.index,)


def _lacking(window: Window, off: Op, seen: Healed) -> Iterator[str]:
    """Which parts of its witness this window lacks."""
    began = window.began
    if (seen.kind, seen.target) != (began.kind, began.target):
        yield f"its witness is of {seen.kind} on {seen.target}"
    if seen.traffic <= 0:
        yield "nothing was attempted inside it"
    if seen.needed <= 0:
        yield f"its witness needs {seen.needed:g}, so that anything would do ({seen.effect})"
    elif seen.measured < seen.needed:
        yield f"it did not bite: {seen.effect}: measured {seen.measured:g}, needed {seen.needed:g}"
    start, end = window.on.t_ns, off.t_ns
    if not (0 < seen.first_ns <= seen.last_ns and start <= seen.first_ns and seen.last_ns <= end):
        yield (
            f"its effect was seen from {seen.first_ns} to {seen.last_ns} ns, expected inside the window, "
            f"{start} to {end} ns"
        )


def _witnessed(history: History) -> tuple[Window, Op, Healed] | None:
    return middle([(window, *window.offs[0]) for window in windows(history) if window.offs])


def _change(history: History, of: Callable[[Healed, Op], Healed]) -> History | None:
    victim = _witnessed(history)
    if victim is None:
        return None
    window, off, seen = victim
    return replaced(history, replace(off, data=pack(of(seen, window.on))))


def _drop_off(history: History) -> History | None:
    victim = _witnessed(history)
    return None if victim is None else without(history, *(op.index for op, _ in victim[0].offs))
