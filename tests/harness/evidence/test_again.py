"""One play judged again: what was recorded decides, and a drill has played its schedule."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.evidence.again import judge_again
from harness.evidence.bundle import Bundle
from harness.evidence.signoff import GateResult
from harness.verdict import Verdict
from tests.harness.evidence.bundles import GATE, history, make


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make(tmp_path)


def result_of(bundle: Bundle) -> GateResult:
    (result,) = bundle.believed().values()
    return result


def test_as_it_was_recorded_nothing_differs(bundle: Bundle) -> None:
    assert judge_again(bundle, result_of(bundle), bundle.plan()) == []


def test_without_a_plan_nothing_can_be_judged(bundle: Bundle) -> None:
    assert judge_again(bundle, result_of(bundle), None) == [f"{GATE}: it has a verdict, but no plan"]


def test_another_history_gives_another_verdict(bundle: Bundle) -> None:
    bundle.write(f"gates/{GATE}/history.jsonl", history("2").dump())
    problems = judge_again(bundle, result_of(bundle), bundle.plan())
    assert f"{GATE}: judged again it is FAIL, the signoff says PASS" in problems


def test_a_drill_that_passed_has_a_schedule(bundle: Bundle) -> None:
    drill = replace(result_of(bundle), seed=1)
    folder = bundle.folder_of(drill.play)
    folder.parent.mkdir(parents=True)
    bundle.folder_of(result_of(bundle).play).rename(folder)
    bundle.write(f"{drill.play.base}/history.jsonl", history("1", drill.play.scenario).dump())
    bundle.write(f"{drill.play.base}/sabotage/s/history.jsonl", history("2", f"{drill.play.scenario}#s").dump())
    problems = judge_again(bundle, drill, bundle.plan())
    assert any("schedule.json: it cannot be read" in problem for problem in problems)
    bundle.write(f"{drill.play.base}/schedule.json", b'{"windows": [{"name": "w", "target": "t", "fault": {}}]}')
    problems = judge_again(bundle, drill, bundle.plan())
    assert any("its windows are not those that were played" in problem for problem in problems)
    failed = replace(drill, verdict=Verdict.FAIL)
    assert not any("schedule.json" in problem for problem in judge_again(bundle, failed, bundle.plan()))
