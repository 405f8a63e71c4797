"""I15 record-broken: the history itself is whole.

Owns the shape of the record: numbering, time, and the pairing of invocations with completions; leaves
the digests of files and the plan to the evidence. An invocation that never completed is allowed (as
`info`); things that are only seen are single Ops without an invocation (docs/history.md).

    RecordBroken().check(history).verdict
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, inserted, middle, replaced
from harness.history import History, Op

INVOKED = frozenset(("publish", "append", "subscribe", "connect", "mint", "use_token", "probe"))
"""Kinds that are always invoked: their ok or fail without an invocation is a broken record."""
_SEES_ONLY = "sink"  # its connects are attempts that arrived: who made them invoked nothing at the harness


class RecordBroken(Checker, frozen=True):
    """I15, for one history: every Op is judged."""

    name = "record-broken"
    invariant = "I15"

    def check(self, history: History) -> CheckResult:
        findings: list[Found] = []
        if history.truncated:
            findings.append((f"the history is cut off after {len(history.ops)} Ops: its last line is broken", ()))
        open_kinds: dict[int, str] = {}
        done: set[int] = set()
        t_ns = 0
        for place, op in enumerate(history.ops):
            if op.index != place:
                findings.append((f"expected index {place}, found {op.index}", (op.index,)))
            if op.t_ns < t_ns:
                findings.append((f"op {op.index}: time runs back from {t_ns} ns to {op.t_ns} ns", (op.index,)))
            t_ns = op.t_ns
            if op.op is not None:
                wrong = _pairing(op, op.op, open_kinds, done)
                if wrong:
                    findings.append((wrong, (op.op, op.index)))
            elif op.phase == "invoke":
                open_kinds[op.index] = op.f
            elif op.f in INVOKED and op.marker is None and op.process != _SEES_ONLY:
                findings.append((f"op {op.index}: {op.f} {op.phase} without its invocation", (op.index,)))
        return self.result(len(history.ops), findings)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("drop an Op and leave the hole", _hole),
            Mutation("retime an Op before the one above it", _retime),
            Mutation("cut the last line", _cut),
            Mutation("complete an invocation twice", _twice),
            Mutation("point a completion at itself", _dangling),
        )


def _pairing(op: Op, invoked: int, open_kinds: dict[int, str], done: set[int]) -> str:
    """What is wrong with a completion, if anything; notes it as completed."""
    if op.phase == "invoke":
        return f"op {op.index}: an invocation cannot complete another (op {invoked})"
    kind = open_kinds.get(invoked)
    if kind is None:
        return f"op {op.index}: completes op {invoked}, which is no earlier invocation"
    if kind != op.f:
        return f"op {op.index}: a {op.f} completes op {invoked}, which is a {kind}"
    if invoked in done:
        return f"op {op.index}: op {invoked} ({op.f}) is completed a second time"
    done.add(invoked)
    return ""


def _hole(history: History) -> History | None:
    if len(history.ops) < 2:
        return None
    gone = (len(history.ops) - 1) // 2
    return history.with_ops(op for place, op in enumerate(history.ops) if place != gone)


def _retime(history: History) -> History | None:
    pairs = zip(history.ops, history.ops[1:], strict=False)
    pair = middle([(before, op) for before, op in pairs if before.t_ns > 0])
    return None if pair is None else replaced(history, replace(pair[1], t_ns=pair[0].t_ns - 1))


def _cut(history: History) -> History | None:
    return History(history.anchor, history.ops[:-1], truncated=True) if history.ops else None


def _completions(history: History) -> list[Op]:
    return [op for op in history.ops if op.op is not None]


def _twice(history: History) -> History | None:
    victim = middle(_completions(history))
    return None if victim is None else inserted(history, victim.index, victim)


def _dangling(history: History) -> History | None:
    victim = middle(_completions(history))
    return None if victim is None else replaced(history, replace(victim, op=victim.index))
