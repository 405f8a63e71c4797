"""I13: floors."""

from __future__ import annotations

from hypothesis import given

from harness.checkers.base import judge
from harness.checkers.coverage import IdleRun, count_ok
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("idle-run")
def test_idle_run_by_hand(case: Case) -> None:
    judge_case("idle-run", case)


@quick
@given(seeds, sizes)
def test_idle_run_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("idle-run"), generate(seed, size))


def test_a_floor_of_nought_demands_nothing() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    assert judge(IdleRun({"publish": 0}), script.history()).verdict is Verdict.UNKNOWN
    assert judge(IdleRun({"publish": 1, "apply": 0}), script.history()).verdict is Verdict.PASS
    assert IdleRun({"publish": 0}).mutations() == ()


def test_it_says_why_what_was_tried_did_not_count() -> None:
    script = Script()
    for number in range(3):
        script.put("publish", "fail", status=307, error="307 Temporary Redirect" if number else "refused")
    findings = judge(IdleRun({"apply": 1, "publish": 2}), script.history()).findings
    assert [one.message for one in findings] == [
        "0 ok Ops of publish, the floor is 2; 2 of 3 that were not ok: 307 Temporary Redirect",
        "0 ok Ops of apply, the floor is 1",
    ]


def test_only_ok_counts() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.answer(script.invoke("s", "k2"), "info")
    assert count_ok(script.history(), "publish") == 1
    assert count_ok(script.history(), "nonsense") == 0
