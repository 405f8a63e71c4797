"""I6: one place for each event, and the real order."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.order import InconsistentOffset
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("inconsistent-offset")
def test_inconsistent_offset_by_hand(case: Case) -> None:
    judge_case("inconsistent-offset", case)


@quick
@given(seeds, sizes)
def test_inconsistent_offset_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("inconsistent-offset"), generate(seed, size))


def verdict(script: Script) -> Verdict:
    return judge(InconsistentOffset(), script.history()).verdict


def test_an_answer_lost_and_asked_again_keeps_its_first_place() -> None:
    script = Script()
    script.answer(script.invoke("s", "k1"), "info")
    script.publish("s", "k2", 2)
    script.publish("s", "k1", 1)
    script.publish("s", "k3", 3)
    assert verdict(script) is Verdict.PASS


def test_after_a_definite_failure_the_order_counts_from_the_next_attempt() -> None:
    script = Script()
    script.answer(script.invoke("s", "k1"), "fail")
    script.publish("s", "k2", 2)
    script.publish("s", "k1", 1)
    assert verdict(script) is Verdict.FAIL


def test_what_is_still_under_way_has_no_order() -> None:
    script = Script()
    first = script.invoke("s", "k1")
    script.publish("s", "k2", 2)
    script.answer(first, seq=1)
    script.publish("s", "k3", 3)
    assert verdict(script) is Verdict.PASS


def test_streams_have_orders_of_their_own() -> None:
    script = Script()
    script.publish("s", "k1", 9)
    script.publish("t", "k2", 1)
    script.publish("s", "k3", 10)
    assert verdict(script) is Verdict.PASS


def test_an_append_and_a_publish_share_one_order() -> None:
    script = Script()
    script.answer(script.invoke("s", "k1", "append"), seq=2)
    script.publish("s", "k2", 1)
    assert verdict(script) is Verdict.FAIL


def test_a_place_is_held_for_ever_within_an_epoch() -> None:
    for how, expected in (("kill", Verdict.FAIL), ("wipe", Verdict.PASS), ("restore", Verdict.PASS)):
        script = Script()
        script.row("deliver", "s", 1, "k1")
        script.row("deliver", "s", 1, "k1")
        script.put(
            "restart", data=pack(h.Restarted("wipe" if how == "wipe" else "restore" if how == "restore" else "kill", 1))
        )
        script.row("deliver", "s", 1, "k2")
        assert verdict(script) is expected, how


def test_a_final_read_of_another_epoch_says_nothing_of_the_order() -> None:
    script = Script()
    script.publish("s", "k1")
    script.publish("s", "k2")
    script.publish("s", "k2b", 3)
    script.publish("s", "k2c", 4)
    script.put("restart", data=pack(h.Restarted("wipe", 1)))
    script.read("server", "s", (1, "k2"), (2, "k1"))
    assert verdict(script) is Verdict.PASS


def test_rows_without_our_key_agree_by_their_hash() -> None:
    for other, expected in (("a" * 64, Verdict.PASS), ("b" * 64, Verdict.FAIL)):
        script = Script()
        script.put("deliver", stream="s", seq=1, hash="a" * 64, data=pack(h.Applied("")))
        script.put("deliver", stream="s", seq=1, hash=other, data=pack(h.Applied("")))
        assert verdict(script) is expected
