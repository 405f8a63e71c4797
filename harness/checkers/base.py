"""What a checker is: a frozen value with parameters, `History -> CheckResult`, and its own mutations.

A checker names one invariant. It is pure, and linear in the history. It also declares mutations: ways
to spoil a green history so that a violation of its invariant is certain. The runner judges mutated
copies of each run's own green histories; a mutation that the checker survives makes the gate UNKNOWN.

    result = judge(LostWrite(), history)
    result.verdict is Verdict.PASS
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import ClassVar, TypeVar

import msgspec

from harness.history import F, History, Op, Record
from harness.verdict import Verdict

MAX_FINDINGS = 20  # kept per check; the total is counted, so that a flood cannot fill a bundle


class Finding(Record, frozen=True):
    """One violation: which invariant, what is wrong (with expected and observed), and the Ops
    (by index) that show it."""

    invariant: str
    message: str
    ops: tuple[int, ...] = ()


class CheckResult(Record, frozen=True):
    """What one checker says of one history. `judged` counts the Ops (or pairs) it could decide on;
    nothing judged is UNKNOWN, never PASS."""

    checker: str
    invariant: str
    verdict: Verdict
    judged: int
    findings: tuple[Finding, ...] = ()
    total_findings: int = 0
    reason: str = ""
    params: dict[str, object] = {}


Found = tuple[str, tuple[int, ...]]  # a finding before it has its invariant: message, op indices


class Mutation(msgspec.Struct, frozen=True):
    """One way to spoil a green history. `mutate` gives None when the history has no victim for it."""

    name: str
    mutate: Callable[[History], History | None]


class Checker(Record, frozen=True):
    """Base of all checkers: the fields are the parameters, in plain numbers and texts, with the unit
    in their names. Subclasses set `name` and `invariant`, and implement `check` and `mutations`."""

    name: ClassVar[str]
    invariant: ClassVar[str]

    def check(self, history: History) -> CheckResult:
        raise NotImplementedError

    def mutations(self) -> tuple[Mutation, ...]:
        raise NotImplementedError

    def result(self, judged: int, findings: Iterable[Found], lacking: str = "") -> CheckResult:
        """FAIL with any finding, UNKNOWN when something was `lacking` (the reason) or nothing was
        judged, else PASS. Findings are (message, op indices) pairs."""
        found = list(findings)
        if found:
            verdict, reason = Verdict.FAIL, ""
        elif lacking or not judged:
            verdict, reason = Verdict.UNKNOWN, lacking or "nothing to judge in this history"
        else:
            verdict, reason = Verdict.PASS, ""
        kept = tuple(Finding(self.invariant, message, ops) for message, ops in found[:MAX_FINDINGS])
        return CheckResult(self.name, self.invariant, verdict, judged, kept, len(found), reason)


def judge(checker: Checker, history: History) -> CheckResult:
    """The checker's result; a checker that raises is UNKNOWN with the last line of its traceback."""
    try:
        return checker.check(history)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        return CheckResult(checker.name, checker.invariant, Verdict.UNKNOWN, 0, reason=f"the checker raised {reason}")


def fired(result: CheckResult) -> bool:
    """Whether the named invariant was seen broken: not PASS, and at least one finding of it. A floor
    that was not reached fires with the verdict UNKNOWN; a checker that raised does not fire."""
    return result.verdict is not Verdict.PASS and any(f.invariant == result.invariant for f in result.findings)


def lack(op: Op, *fields: str) -> str:
    """Why an Op cannot be judged: which of these fields it does not carry."""
    absent = [name for name in fields if getattr(op, name) is None]
    return f"op {op.index} ({op.f}, {op.phase}) carries no {' and no '.join(absent) or 'data'}"


def together(history: History, *kinds: F) -> Sequence[Op]:
    """The Ops of several kinds in the order of their index. Sorting joined runs is linear."""
    if len(kinds) == 1:
        return history.of(kinds[0])
    return sorted(chain.from_iterable(map(history.of, kinds)), key=attrgetter("index"))


BLOCK_OPS = 512  # of each replica in turn: what these Ops are compared with stays in the processor's cache


def side_by_side(reads: Sequence[Op]) -> list[Op]:
    """Final reads, a block of each replica's in turn, each replica's own in their order. All of them are compared with
    the same first sight of each event; one whole read after the other would fetch all of a long history from memory
    again for each replica, and judging would take more than ten times as long for ten times the Ops."""
    by_replica: dict[str | None, list[Op]] = {}
    for op in reads:
        by_replica.setdefault(op.replica, []).append(op)
    longest = max(map(len, by_replica.values()), default=0)
    return [
        op
        for start in range(0, longest, BLOCK_OPS)
        for own in by_replica.values()
        for op in own[start : start + BLOCK_OPS]
    ]


def sightings(history: History, *kinds: F) -> list[Op]:
    """The Ops of these kinds by their index, then the final reads side by side: whatever concerns one event is then
    near each other."""
    wanted = frozenset(kinds)
    seen = [op for op in history.ops if op.f in wanted]
    return seen + side_by_side(history.of("final_read"))


_T = TypeVar("_T")


def middle(candidates: Sequence[_T]) -> _T | None:
    """The victim of a mutation: the one in the middle, so that there is a before and an after."""
    return candidates[len(candidates) // 2] if candidates else None


def renumbered(history: History, ops: Iterable[Op]) -> History:
    """These Ops numbered 0, 1, 2 ... in the order given, so that a mutation breaks its own invariant
    and not I15. `op` follows its invocation; a completion goes when its invocation is gone. An Op
    that repeats an index is taken for an inserted copy."""
    place: dict[int, int] = {}
    kept: list[Op] = []
    for op in ops:
        refers = op.op
        if refers is not None and refers not in place:
            continue
        now = len(kept)
        target = None if refers is None else place[refers]
        if op.phase == "invoke":
            place.setdefault(op.index, now)
        if now != op.index or target != refers:
            op = msgspec.structs.replace(op, index=now, op=target)
        kept.append(op)
    return history.with_ops(kept)


def without(history: History, *indices: int) -> History:
    """The history less the Ops of these indices, numbered anew."""
    gone = set(indices)
    return renumbered(history, (op for op in history.ops if op.index not in gone))


def replaced(history: History, *changed: Op) -> History:
    """The history with each of these Ops in the place of the one that has its index."""
    by_index = {op.index: op for op in changed}
    return history.with_ops(by_index.get(op.index, op) for op in history.ops)


def inserted(history: History, after: int, *new: Op) -> History:
    """The history with these Ops put in behind the one of index `after`, at its time, numbered anew."""
    ops: list[Op] = []
    for op in history.ops:
        ops.append(op)
        if op.index == after:
            ops.extend(msgspec.structs.replace(copy, t_ns=op.t_ns) for copy in new)
    return renumbered(history, ops)


def swapped(history: History, one: Op, other: Op) -> History:
    """The history with two Ops in each other's place; index and time stay where they were."""
    first = msgspec.structs.replace(one, index=other.index, t_ns=other.t_ns)
    second = msgspec.structs.replace(other, index=one.index, t_ns=one.t_ns)
    return replaced(history, first, second)
