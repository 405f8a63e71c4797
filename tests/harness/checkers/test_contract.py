"""I18: documented answers."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.contract import ContractBroken
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("contract-broken")
def test_contract_broken_by_hand(case: Case) -> None:
    judge_case("contract-broken", case)


@quick
@given(seeds, sizes)
def test_contract_broken_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("contract-broken"), generate(seed, size))


def test_invocations_and_markers_are_no_answers() -> None:
    script = Script()
    script.put("request", "invoke", data=pack(h.Contract("c", "200", "")))
    script.put("request", "info", marker="SIGNOFF-MARKER D20")
    assert judge(ContractBroken(), script.history()).verdict is Verdict.UNKNOWN


def test_data_of_another_shape_is_undecided() -> None:
    script = Script()
    script.put("request", data=pack(h.Contract("c", "200", "200")))
    script.put("request", data=pack(h.Rejected("legacy")))
    assert judge(ContractBroken(), script.history()).verdict is Verdict.UNKNOWN
