"""I2 duplicate-apply and I3 gap-or-reorder: what a replica did with the events it was given.

Owns the count and the order of applies inside one baseline; leaves persisted cursors to cursors and
the content of the events to order and hashes. A baseline is opened only by a bootstrap; a snapshot
delivered again after a reconnect is no excuse to apply again (design, section 5). A resume from a
checkpoint may move the position up to the applied state that was persisted, because the last lines
of a killed process are lost; it never moves it back.

    GapOrReorder().check(history).findings
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import (
    Checker,
    CheckResult,
    Found,
    Mutation,
    inserted,
    lack,
    middle,
    replaced,
    swapped,
    together,
    without,
)
from harness.history import Checkpointed, History, Op, unpack

Baseline = tuple[str, int, str]  # replica, baseline, stream


class DuplicateApply(Checker, frozen=True):
    """I2: at most one apply per (replica, baseline, stream, key)."""

    name = "duplicate-apply"
    invariant = "I2"

    def check(self, history: History) -> CheckResult:
        seen: dict[Baseline, dict[str, int]] = {}
        findings: list[Found] = []
        judged, lacking = 0, ""
        for op in history.of("apply"):
            replica, baseline, stream, key = op.replica, op.baseline, op.stream, op.key
            if op.phase != "ok":
                continue
            if replica is None or baseline is None or stream is None or key is None:
                lacking = lacking or lack(op, "replica", "baseline", "stream", "key")
                continue
            judged += 1
            keys = seen.get((replica, baseline, stream))
            if keys is None:
                keys = seen[(replica, baseline, stream)] = {}
            first = keys.setdefault(key, op.index)
            if first != op.index:
                findings.append(_twice(op, first))
        return self.result(judged, findings, lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("duplicate an apply", _duplicate),
            Mutation("apply a key again under a new seq and idem key", _again),
            Mutation("re-identify an apply as an earlier one", _same_key),
        )


class GapOrReorder(Checker, frozen=True):
    """I3: per replica, baseline and stream, applied seqs run from the bootstrap's cursor + 1 upward
    without a hole, a step back or a repetition."""

    name = "gap-or-reorder"
    invariant = "I3"

    def check(self, history: History) -> CheckResult:
        at: dict[Baseline, int] = {}
        current: dict[tuple[str, str], int] = {}
        findings: list[Found] = []
        judged, lacking = 0, ""
        for op in together(history, "bootstrap", "checkpoint", "apply"):
            replica, stream, seq = op.replica, op.stream, op.seq
            if op.phase != "ok":
                continue
            if replica is None or stream is None:
                lacking = lacking or lack(op, "replica", "stream")
            elif op.f == "bootstrap":
                if op.baseline is None or op.cursor is None:
                    lacking = lacking or lack(op, "baseline", "cursor")
                    continue
                if op.baseline <= current.get((replica, stream), -1):
                    findings.append(_reopened(op, current[replica, stream]))
                current[replica, stream] = op.baseline
                at[replica, op.baseline, stream] = op.cursor
            elif op.f == "checkpoint":
                _resume(op, at, current.get((replica, stream)))
            elif op.baseline is None or seq is None:
                lacking = lacking or lack(op, "baseline", "seq")
            else:
                judged += 1
                place = (replica, op.baseline, stream)
                before = at.get(place)
                if before is None or seq != before + 1:
                    findings.append(_out_of_turn(op, before))
                at[place] = seq if before is None or seq > before else before
        return self.result(judged, findings, lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("drop an apply that has a successor", _drop_inner),
            Mutation("swap two neighbouring applies", _swap),
            Mutation("duplicate an apply", _duplicate),
            Mutation("drop the bootstraps of a baseline", _drop_bootstrap),
            Mutation("roll the start of a baseline back", _start_early),
        )


def _resume(op: Op, at: dict[Baseline, int], baseline: int | None) -> None:
    """Take over the applied state that a resume found on disk."""
    if baseline is None or op.replica is None or op.stream is None:
        return
    seen = unpack(op, Checkpointed)
    place = (op.replica, baseline, op.stream)
    if seen.at == "resume" and seen.applied_seq > at[place]:
        at[place] = seen.applied_seq


def _where(op: Op) -> str:
    return f"replica {op.replica}, baseline {op.baseline}, stream {op.stream}"


def _twice(op: Op, first: int) -> Found:
    return f"{_where(op)}: event {op.key} (seq {op.seq}) was applied again, first at op {first}", (first, op.index)


def _reopened(op: Op, current: int) -> Found:
    return f"{_where(op)}: a bootstrap must open a new baseline, above {current}", (op.index,)


def _out_of_turn(op: Op, before: int | None) -> Found:
    if before is None:
        return f"{_where(op)}: seq {op.seq} ({op.key}) was applied in a baseline without a bootstrap", (op.index,)
    seq = op.seq or 0
    kind = "gap" if seq > before + 1 else "repeated" if seq == before else "out of order"
    return f"{_where(op)}: {kind}: expected seq {before + 1}, applied seq {seq} ({op.key})", (op.index,)


def _steps(history: History) -> list[tuple[Op, Op]]:
    """Pairs of an apply and the one right after it in the same baseline, with no checkpoint resumed and
    no bootstrap between."""
    last: dict[tuple[str | None, str | None], Op] = {}
    pairs: list[tuple[Op, Op]] = []
    for op in together(history, "bootstrap", "checkpoint", "apply"):
        if op.phase != "ok":
            continue
        place = (op.replica, op.stream)
        if op.f == "apply":
            before = last.get(place)
            if before is not None and before.baseline == op.baseline:
                pairs.append((before, op))
            last[place] = op
        elif op.f == "bootstrap" or unpack(op, Checkpointed).at == "resume":
            last.pop(place, None)
    return pairs


def _applies(history: History) -> list[Op]:
    return [op for op in history.of("apply") if op.phase == "ok"]


def _duplicate(history: History) -> History | None:
    victim = middle(_applies(history))
    return None if victim is None else inserted(history, victim.index, victim)


def _again(history: History) -> History | None:
    victim = middle(_applies(history))
    if victim is None:
        return None
    last = next(op for op in reversed(_applies(history)) if _where(op) == _where(victim))
    return inserted(history, last.index, replace(victim, seq=(last.seq or 0) + 1, idem_key=f"{victim.idem_key}-again"))


def _same_key(history: History) -> History | None:
    pair = middle(_steps(history))
    return None if pair is None else replaced(history, replace(pair[1], key=pair[0].key))


def _drop_inner(history: History) -> History | None:
    pair = middle(_steps(history))
    return None if pair is None else without(history, pair[0].index)


def _swap(history: History) -> History | None:
    pair = middle(_steps(history))
    return None if pair is None else swapped(history, *pair)


def _opened(history: History) -> list[Op]:
    """Bootstraps of baselines in which something was applied."""
    used = {(op.replica, op.baseline, op.stream) for op in _applies(history)}
    opened = (op for op in history.of("bootstrap") if op.phase == "ok")
    return [op for op in opened if (op.replica, op.baseline, op.stream) in used]


def _drop_bootstrap(history: History) -> History | None:
    victim = middle(_opened(history))
    return None if victim is None else without(history, victim.index)


def _start_early(history: History) -> History | None:
    """A bootstrap one below where the next Op of that replica and stream, an apply, begins."""
    wanted = {op.index for op in _opened(history)}
    last: dict[tuple[str | None, str | None], Op] = {}
    victims: list[Op] = []
    for op in together(history, "bootstrap", "checkpoint", "apply"):
        before = last.get((op.replica, op.stream))
        if op.f == "apply" and before is not None and before.index in wanted:
            victims.append(before)
        last[op.replica, op.stream] = op
    victim = middle(victims)
    return None if victim is None else replaced(history, replace(victim, cursor=(victim.cursor or 0) - 1))
