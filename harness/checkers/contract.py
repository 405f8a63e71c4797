"""I18 contract-broken: a documented answer is what the contract says.

Owns the comparison of two texts; leaves what is expected, and how an answer is put into words, to the
gate that asked. Every answered request is judged, refused ones too: a refusal can be what is documented.

    ContractBroken().check(history).findings
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, middle, replaced
from harness.history import Contract, History, Op, pack, unpack


class ContractBroken(Checker, frozen=True):
    """I18: expected = observed for the Contract of every request."""

    name = "contract-broken"
    invariant = "I18"

    def check(self, history: History) -> CheckResult:
        findings: list[Found] = []
        judged, lacking = 0, ""
        for op in _answers(history):
            if op.data is msgspec.UNSET:
                lacking = lacking or lack(op)
                continue
            judged += 1
            told = unpack(op, Contract)
            if told.expected != told.observed:
                findings.append(_broken(op, told))
        return self.result(judged, findings, lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("change an observed answer", _change_observed),
            Mutation("change what is expected", _change_expected),
            Mutation("lose an observed answer", _lose),
            Mutation("swap two different answers", _swap),
        )


def _answers(history: History) -> list[Op]:
    return [op for op in history.of("request") if op.phase in ("ok", "fail") and op.marker is None]


def _broken(op: Op, told: Contract) -> Found:
    status = "" if op.status is None else f" (status {op.status})"
    return f"{told.clause}: expected {told.expected!r}, observed {told.observed!r}{status}", (op.index,)


def _told(history: History) -> list[tuple[Op, Contract]]:
    return [(op, unpack(op, Contract)) for op in _answers(history) if op.data is not msgspec.UNSET]


def _changed(op: Op, told: Contract) -> Op:
    return replace(op, data=pack(told))


def _change_observed(history: History) -> History | None:
    victim = middle(_told(history))
    if victim is None:
        return None
    op, told = victim
    return replaced(history, _changed(op, replace(told, observed=f"{told.expected} (changed)")))


def _change_expected(history: History) -> History | None:
    victim = middle(_told(history))
    if victim is None:
        return None
    op, told = victim
    return replaced(history, _changed(op, replace(told, expected=f"not {told.observed}")))


def _lose(history: History) -> History | None:
    victim = middle([(op, told) for op, told in _told(history) if told.expected])
    return None if victim is None else replaced(history, _changed(victim[0], replace(victim[1], observed="")))


def _swap(history: History) -> History | None:
    told = _told(history)
    different = [(one, other) for one, other in pairwise(told) if one[1].expected != other[1].expected]
    pair = middle(different)
    if pair is None:
        return None
    (one, first), (other, second) = pair
    return replaced(
        history,
        _changed(one, replace(first, observed=second.observed)),
        _changed(other, replace(second, observed=first.observed)),
    )
