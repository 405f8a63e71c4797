"""I14: counters and bounds."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import CheckResult, judge
from harness.checkers.metrics import MetricsLie
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("metrics-lie")
def test_metrics_lie_by_hand(case: Case) -> None:
    judge_case("metrics-lie", case)


@quick
@given(seeds, sizes)
def test_metrics_lie_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("metrics-lie"), generate(seed, size), least=6)


def told(script: Script, **means: int) -> CheckResult:
    """What is said of a last reading with these meanings."""
    script.put("metrics", data=pack(h.Metrics({}, means)))
    return judge(MetricsLie(required=()), script.history())


def test_only_what_lies_before_the_reading_counts() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    assert told(script, accepted=1, duplicates=0).verdict is Verdict.PASS
    script.publish("s", "k2", 2)
    assert told(script, accepted=1).verdict is Verdict.FAIL


def test_a_publish_under_way_may_have_been_taken() -> None:
    script = Script()
    begun = script.invoke("s", "k1")
    script.put("metrics", data=pack(h.Metrics({}, {"accepted": 1})))
    script.answer(begun, seq=1)
    assert judge(MetricsLie(required=()), script.history()).verdict is Verdict.PASS


def test_what_the_subject_writes_when_it_opens_a_stream_may_be_counted_too() -> None:
    for own, verdict in ((2, Verdict.PASS), (0, Verdict.FAIL)):
        script = Script()
        script.put("open", stream="s", data=pack(h.Opened(own)))
        script.publish("s", "k1", 1)
        assert told(script, accepted=3, published=1).verdict is verdict


def test_one_that_ran_before_may_bring_older_events_to_a_new_server() -> None:
    for ran_before, verdict in ((True, Verdict.PASS), (False, Verdict.FAIL)):
        script = Script()
        script.publish("s", "k1", 1)
        script.put("metrics", data=pack(h.Metrics({}, {"accepted": 1, "published": 90}, ran_before=ran_before)))
        assert judge(MetricsLie(required=()), script.history()).verdict is verdict
        script.put("metrics", data=pack(h.Metrics({}, {"accepted": 2}, ran_before=ran_before)))
        assert judge(MetricsLie(required=()), script.history()).verdict is Verdict.FAIL


def test_what_is_not_stated_is_named() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    result = told(script, accepted=1, duplicates=0, published=1)
    assert (result.verdict, result.reason) == (Verdict.PASS, "not stated: failures, outbox")


def test_a_refusal_is_no_duplicate() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.answer(script.invoke("s", "k1"), "fail")
    assert told(script, duplicates=0).verdict is Verdict.PASS
    assert told(script, duplicates=1).verdict is Verdict.FAIL


def test_an_event_of_two_names_widens_the_bounds() -> None:
    script = Script()
    for name in ("i1", "i2"):
        begun = script.put("publish", "invoke", stream="s", key="k1", idem_key=name)
        script.put("publish", op=begun, stream="s", key="k1", idem_key=name)
    for accepted, duplicates in ((1, 1), (2, 0)):
        assert told(script, accepted=accepted, duplicates=duplicates).verdict is Verdict.PASS
    assert told(script, accepted=3).verdict is Verdict.FAIL


def test_rows_of_others_are_not_the_runtimes() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.read("server", "s", (1, "k1"), (2, "by-hand"))
    assert told(script, published=1).verdict is Verdict.PASS
    assert told(script, published=0).verdict is Verdict.FAIL


def test_a_kill_of_the_server_takes_the_lower_bound_and_raises_the_upper() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.read("server", "s", (1, "k1"))
    script.put("restart", data=pack(h.Restarted("kill", 1)))
    for published in (0, 1, 2):
        assert told(script, published=published).verdict is Verdict.PASS
    assert told(script, published=3).verdict is Verdict.FAIL


def test_an_outbox_is_judged_at_rest_only() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    assert told(script, outbox=7).verdict is Verdict.UNKNOWN
    script.put("settle")
    assert told(script, outbox=7).verdict is Verdict.FAIL
    script.put("restart", data=pack(h.Restarted("restore", 1)))
    assert told(script, outbox=7).verdict is Verdict.UNKNOWN


def test_a_parked_event_may_stay_in_the_outbox() -> None:
    script = Script()
    script.publish("s", "poison")
    script.put("settle")
    script.read("server", "s")
    assert told(script, outbox=1).verdict is Verdict.PASS
    assert told(script, outbox=2).verdict is Verdict.FAIL


def test_counters_that_begin_again_are_judged_without_a_restart() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.put("metrics", data=pack(h.Metrics({}, {"accepted": 0})))
    checker = MetricsLie(required=(), survive_restart=False)
    assert judge(checker, script.history()).verdict is Verdict.FAIL
