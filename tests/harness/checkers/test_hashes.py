"""I5: one payload, one hash."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.hashes import HashMismatch
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("hash-mismatch")
def test_hash_mismatch_by_hand(case: Case) -> None:
    judge_case("hash-mismatch", case)


@quick
@given(seeds, sizes)
def test_hash_mismatch_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("hash-mismatch"), generate(seed, size))


def test_after_two_unanswered_payloads_either_may_stand_but_only_one() -> None:
    script = Script()
    for payload in ("a" * 64, "b" * 64):
        invoke = script.put("publish", "invoke", stream="s", key="k1", hash=payload)
        script.put("publish", "info", op=invoke, stream="s", key="k1")
    script.put("deliver", stream="s", seq=1, key="k1", hash="b" * 64, data=pack(h.Applied("")))
    assert judge(HashMismatch(), script.history()).verdict is Verdict.PASS
    script.put("deliver", stream="s", seq=1, key="k1", hash="a" * 64, data=pack(h.Applied("")))
    assert judge(HashMismatch(), script.history()).verdict is Verdict.FAIL


def test_a_claim_over_more_than_the_payload_is_judged_by_what_it_is_over() -> None:
    script = Script()
    invoke = script.put("publish", "invoke", stream="s", key="k1", hash="a" * 64)
    script.put("publish", op=invoke, stream="s", key="k1", hash="a" * 64, data=pack(h.Published("b" * 64, "b" * 64)))
    script.put("deliver", stream="s", seq=1, key="k1", hash="a" * 64, data=pack(h.Applied("c" * 64, False, "c" * 64)))
    assert judge(HashMismatch(), script.history()).verdict is Verdict.PASS
    script.put("deliver", stream="s", seq=1, key="k1", hash="a" * 64, data=pack(h.Applied("a" * 64, False, "c" * 64)))
    assert judge(HashMismatch(), script.history()).total_findings == 1


def test_a_payload_that_was_definitely_refused_must_not_stand() -> None:
    script = Script()
    for payload, phase in (("a" * 64, "fail"), ("b" * 64, "info")):
        invoke = script.put("publish", "invoke", stream="s", key="k1", hash=payload)
        script.put("publish", "fail" if phase == "fail" else "info", op=invoke, stream="s", key="k1")
    script.put("deliver", stream="s", seq=1, key="k1", hash="a" * 64, data=pack(h.Applied("")))
    assert judge(HashMismatch(), script.history()).verdict is Verdict.FAIL


def test_an_invocation_that_was_never_answered_may_have_happened() -> None:
    script = Script()
    script.put("publish", "invoke", stream="s", key="k1", hash="a" * 64)
    script.put("deliver", stream="s", seq=1, key="k1", hash="c" * 64, data=pack(h.Applied("")))
    assert judge(HashMismatch(), script.history()).verdict is Verdict.FAIL


def test_the_acknowledged_payload_is_the_truth_whoever_saw_it_first() -> None:
    script = Script()
    invoke = script.invoke("s", "k1")
    script.put("deliver", stream="s", seq=1, key="k1", hash="a" * 64, data=pack(h.Applied("a" * 64)))
    script.answer(invoke, seq=1)
    assert judge(HashMismatch(), script.history()).verdict is Verdict.FAIL


def test_an_append_answers_without_data() -> None:
    script = Script()
    invoke = script.invoke("s", "k1", "append")
    script.put("append", op=invoke, stream="s", key="k1", seq=1)
    script.row("deliver", "s", 1, "k1")
    assert judge(HashMismatch(), script.history()).verdict is Verdict.PASS


def test_an_answer_computed_otherwise_is_a_finding() -> None:
    script = Script()
    invoke = script.invoke("s", "k1")
    script.put("publish", op=invoke, stream="s", key="k1", hash="a" * 64, data=pack(h.Published("")))
    assert judge(HashMismatch(), script.history()).verdict is Verdict.FAIL
