"""I12: windows and their witnesses."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.windows import FaultWithoutEffect, windows
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("fault-without-effect")
def test_fault_without_effect_by_hand(case: Case) -> None:
    judge_case("fault-without-effect", case)


@quick
@given(seeds, sizes)
def test_fault_without_effect_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("fault-without-effect"), generate(seed, size))


def begin(script: Script, name: str | None) -> None:
    script.put("fault_on", fault=name, data=pack(h.Faulted("down", "server")))


def end(script: Script, name: str | None) -> None:
    at_ns = len(script.ops) * 10
    script.put("fault_off", fault=name, data=pack(h.Healed("down", "server", 1, "attempts", 1, 1, at_ns - 5, at_ns)))


def test_a_window_knows_its_end() -> None:
    script = Script()
    begin(script, "w1")
    begin(script, "w2")
    end(script, "w1")
    one, other = windows(script.history())
    assert one.off is not None
    assert (one.off.index, other.off) == (2, None)


def test_a_name_is_used_once() -> None:
    script = Script()
    for _ in range(2):
        begin(script, "w1")
        end(script, "w1")
    result = judge(FaultWithoutEffect(), script.history())
    assert result.verdict is Verdict.UNKNOWN
    assert any("has the name of another, begun at op 0" in finding.message for finding in result.findings)


def test_a_window_without_a_name_has_no_end() -> None:
    script = Script()
    begin(script, None)
    end(script, None)
    result = judge(FaultWithoutEffect(), script.history())
    assert (result.verdict, result.judged) == (Verdict.UNKNOWN, 1)
    assert "has no name" in result.findings[0].message


def test_an_end_that_failed_is_none() -> None:
    script = Script()
    begin(script, "w1")
    script.put("fault_off", "info", fault="w1", error="the proxy did not answer")
    assert "ended 0 times" in judge(FaultWithoutEffect(), script.history()).findings[0].message
