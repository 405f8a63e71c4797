"""I7: what must follow a cursor that cannot be served."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import CheckResult, judge
from harness.checkers.stale import StaleCursorIgnored
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.harness.checkers.test_situations import connected, holding, restored
from tests.model import generate


@each_case("stale-cursor-ignored")
def test_stale_cursor_ignored_by_hand(case: Case) -> None:
    judge_case("stale-cursor-ignored", case)


@quick
@given(seeds, sizes)
def test_stale_cursor_ignored_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("stale-cursor-ignored"), generate(seed, size), least=3)


@quick
@given(seeds, sizes)
def test_a_restored_server_gives_one_more_mutant(seed: int, size: int) -> None:
    kill_all(default("stale-cursor-ignored"), generate(seed, size, restore=True), least=4)


def told(script: Script) -> CheckResult:
    return judge(StaleCursorIgnored(), script.history())


def rows(*keys: str) -> list[tuple[int, str]]:
    return [(seq + 1, key) for seq, key in enumerate(keys)]


def test_the_first_start_may_not_be_above_the_floor_either() -> None:
    script = Script()
    script.bootstrap("s", 2)
    assert told(script).verdict is Verdict.FAIL
    script.put("prune", stream="s", cursor=2)  # the server pruned before the harness could say so
    assert told(script).verdict is Verdict.UNKNOWN


def test_a_read_before_the_servers_may_lack_what_came_between() -> None:
    script = Script()
    holding(script, 2)
    script.bootstrap("s", 0, baseline=2)
    script.read("d1", "s", *rows("k1", "k2"))
    script.read("server", "s", *rows("k1", "k2", "k3"))
    assert told(script).verdict is Verdict.PASS
    script.read("d1", "s", *rows("k1", "k2"))
    assert told(script).verdict is Verdict.FAIL


def test_a_replica_that_is_not_caught_up_owes_nothing_yet() -> None:
    script = Script()
    holding(script, 1)
    script.bootstrap("s", 0, baseline=2)
    script.read("server", "s", (1, "k1"))
    script.read("d1", "s", caught_up=False)
    assert told(script).verdict is Verdict.PASS


def test_a_replica_that_never_came_back_is_excused_by_a_restore() -> None:
    script = Script()
    holding(script, 2)
    script.bootstrap("s", 0, baseline=2)
    restored(script, 1)
    script.read("server", "s", *rows("k1", "n2"))
    script.read("d1", "s", *rows("k1", "k2"))
    assert told(script).verdict is Verdict.PASS
    connected(script)
    script.read("server", "s", *rows("k1", "n2"))
    script.read("d1", "s", *rows("k1", "k2"))
    assert told(script).verdict is Verdict.FAIL


def test_what_was_applied_after_the_server_was_read_is_no_contradiction() -> None:
    script = Script()
    holding(script, 2)
    restored(script, 1)
    connected(script)
    script.bootstrap("s", 0, baseline=2)
    script.read("server", "s", (1, "k1"))
    script.row("apply", "s", 2, "n2", baseline=2)
    script.read("d1", "s", *rows("k1", "n2"))
    assert told(script).verdict is Verdict.PASS
    script.read("d1", "s", (1, "n1"), (2, "n2"))
    assert told(script).verdict is Verdict.FAIL


def test_each_expected_situation_must_be_seen() -> None:
    script = Script()
    holding(script, 1)
    script.bootstrap("s", 0, baseline=2)
    script.read("server", "s", (1, "k1"))
    both = judge(StaleCursorIgnored(expect=("anew", "stale")), script.history())
    assert (both.verdict, both.reason) == (Verdict.UNKNOWN, "no cursor was seen in the situation: stale")
    assert judge(StaleCursorIgnored(expect=("anew",)), script.history()).verdict is Verdict.PASS


def test_silence_is_excused_where_nothing_is_above_the_floor() -> None:
    for there, verdict in (([], Verdict.PASS), ([(3, "k3")], Verdict.FAIL)):
        script = Script()
        holding(script, 1)
        script.put("prune", stream="s", cursor=2)
        connected(script)
        script.read("server", "s", *there)
        assert told(script).verdict is verdict


def test_a_replica_that_is_gone_again_decides_nothing() -> None:
    script = Script()
    holding(script, 1)
    script.put("prune", stream="s", cursor=2)
    connected(script)
    script.put("disconnect", replica="d1", data=pack(h.Disconnected("fault")))
    script.read("server", "s", (3, "k3"))
    assert told(script).verdict is Verdict.UNKNOWN
    assert "was not there to show what follows" in told(script).reason


def test_an_unreadable_checkpoint_is_the_checkers_unknown() -> None:
    script = Script()
    holding(script, 1)
    script.put("checkpoint", replica="d1", stream="s", cursor=1, data=pack(h.Bootstrapped("?")))
    assert told(script).verdict is Verdict.UNKNOWN
