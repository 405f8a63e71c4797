"""I1: what may be absent, and what may not."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.writes import LostWrite
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("lost-write")
def test_lost_write_by_hand(case: Case) -> None:
    judge_case("lost-write", case)


@quick
@given(seeds, sizes)
def test_lost_write_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("lost-write"), generate(seed, size))


def verdict(script: Script, restores_excuse: bool = True) -> Verdict:
    return judge(LostWrite(restores_excuse=restores_excuse), script.history()).verdict


def test_a_replica_that_is_not_caught_up_is_not_judged() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.read("server", "s", (1, "k1"))
    script.read("d1", "s", caught_up=False)
    assert verdict(script) is Verdict.PASS
    script.read("d1", "s")
    assert verdict(script) is Verdict.FAIL


def test_a_server_that_is_not_caught_up_decides_nothing() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.read("server", "s", caught_up=False)
    assert verdict(script) is Verdict.UNKNOWN


def test_what_is_acknowledged_after_a_read_is_not_looked_for_in_it() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.read("d1", "s", (1, "k1"))
    script.publish("s", "k2", 2)
    script.read("server", "s", (1, "k1"), (2, "k2"))
    script.publish("s", "k3", 3)
    assert verdict(script) is Verdict.PASS


def test_an_append_is_judged_like_a_publish() -> None:
    script = Script()
    script.answer(script.invoke("s", "k1", "append"), seq=1)
    script.read("server", "s")
    assert verdict(script) is Verdict.FAIL


def test_a_row_in_another_stream_is_no_proof() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.row("final_read", "other", 1, "k1", replica="server")
    script.read("server", "s")
    assert verdict(script) is Verdict.FAIL


def test_a_prune_excuses_no_replica_that_started_at_nought() -> None:
    script = Script()
    script.bootstrap("s", 0)
    script.publish("s", "k1", 1)
    script.publish("s", "k2", 2)
    script.put("prune", stream="s", cursor=1)
    script.read("server", "s", (2, "k2"))
    script.read("d1", "s", (2, "k2"))
    assert verdict(script) is Verdict.FAIL


def test_what_was_invoked_after_the_prune_is_above_the_floor_whatever_its_seq() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.put("prune", stream="s", cursor=1)
    script.publish("s", "k2", 1)
    script.read("server", "s")
    assert verdict(script) is Verdict.FAIL


def test_an_event_tried_before_the_prune_may_have_been_pruned() -> None:
    script = Script()
    script.answer(script.invoke("s", "k1"), "info")
    script.publish("s", "k2", 2)
    script.put("prune", stream="s", cursor=1)
    script.publish("s", "k1", 1)
    script.read("server", "s", (2, "k2"))
    assert verdict(script) is Verdict.PASS


def test_a_seq_that_only_others_saw_excuses_too() -> None:
    script = Script()
    script.publish("s", "k1")
    script.publish("s", "k2", 2)
    script.row("deliver", "s", 1, "k1")
    script.put("prune", stream="s", cursor=1)
    script.read("server", "s", (2, "k2"))
    assert verdict(script) is Verdict.PASS


def test_a_restore_is_excused_unless_the_gate_demands_more() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.put("restart", data=pack(h.Restarted("restore", 1)))
    script.publish("s", "k2", 1)
    script.read("server", "s", (1, "k2"))
    assert verdict(script) is Verdict.PASS
    assert verdict(script, restores_excuse=False) is Verdict.FAIL


def test_only_what_was_restored_away_is_nothing_to_judge() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.put("restart", data=pack(h.Restarted("restore", 1)))
    script.read("server", "s", (1, "k1"))
    assert verdict(script) is Verdict.UNKNOWN


def test_an_acknowledgement_without_a_key_cannot_be_looked_for() -> None:
    script = Script()
    invoke = script.put("publish", "invoke", stream="s")
    script.put("publish", op=invoke, stream="s")
    script.read("server", "s")
    assert verdict(script) is Verdict.UNKNOWN


def test_a_key_that_is_acknowledged_twice_is_lost_once() -> None:
    script = Script()
    script.publish("s", "k1", 1)
    script.publish("s", "k1", 1)
    script.read("server", "s")
    assert judge(LostWrite(), script.history()).total_findings == 1
