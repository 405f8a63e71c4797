"""I15: the record is whole."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.record import RecordBroken
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("record-broken")
def test_record_broken_by_hand(case: Case) -> None:
    judge_case("record-broken", case)


@quick
@given(seeds, sizes)
def test_record_broken_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("record-broken"), generate(seed, size))


def test_an_invocation_that_completes_another_is_broken() -> None:
    script = Script()
    script.put("publish", "invoke", op=script.invoke("s", "k1"), stream="s", key="k2")
    assert judge(RecordBroken(), script.history()).verdict is Verdict.FAIL


def test_what_is_only_seen_needs_no_invocation() -> None:
    script = Script()
    script.put("socket", "fail", data=pack(h.SocketSeen("", "table")))
    script.put("settle", "info")
    script.put("publish", "info", marker="SIGNOFF-MARKER D01")
    script.put("connect", "fail", process="sink", fault="w1", identity="somebody")
    assert judge(RecordBroken(), script.history()).verdict is Verdict.PASS
