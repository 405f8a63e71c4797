"""I17: the retired ways in."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.legacy import LegacyLane
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("legacy-lane")
def test_legacy_lane_by_hand(case: Case) -> None:
    judge_case("legacy-lane", case)


@quick
@given(seeds, sizes)
def test_legacy_lane_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("legacy-lane"), generate(seed, size))


def frame(script: Script, kind: str, *, injected: bool = True, to_server: bool = False, **fields: object) -> None:
    seen = h.FrameSeen("to_server" if to_server else "to_client", kind, injected)
    script.put("frame", data=pack(seen), **fields)


def verdict(script: Script) -> Verdict:
    return judge(LegacyLane(), script.history()).verdict


def test_the_rejects_of_another_connection_do_not_count() -> None:
    script = Script()
    frame(script, "legacy", connection="c1")
    script.put("reject", connection="c2", data=pack(h.Rejected("legacy")))
    assert verdict(script) is Verdict.FAIL


def test_a_foreign_frame_without_a_connection_is_undecided() -> None:
    script = Script()
    frame(script, "legacy")
    assert verdict(script) is Verdict.UNKNOWN


def test_an_event_that_was_delivered_too_may_be_applied() -> None:
    script = Script()
    frame(script, "legacy", connection="c1", key="k1")
    script.put("reject", connection="c1", data=pack(h.Rejected("legacy")))
    script.row("deliver", "s", 1, "k1", connection="c1")
    script.row("apply", "s", 1, "k1", connection="c1")
    assert verdict(script) is Verdict.PASS


def test_a_command_that_the_middlebox_injected_is_not_the_desktop_s() -> None:
    script = Script()
    script.put("connect", replica="d1", connection="c1", identity="i")
    frame(script, "Subscribe", injected=False, to_server=True, connection="c1")
    frame(script, "CallReducer", to_server=True, connection="c1")
    assert verdict(script) is Verdict.PASS
    frame(script, "CallReducer", injected=False, to_server=True, connection="c1")
    assert verdict(script) is Verdict.FAIL


def test_a_socket_is_known_by_its_subscription_alone() -> None:
    script = Script()
    frame(script, "CallReducer", injected=False, to_server=True, connection="c1")
    assert verdict(script) is Verdict.UNKNOWN
    frame(script, "SubscribeMulti", injected=False, to_server=True, connection="c1")
    assert verdict(script) is Verdict.FAIL


def test_the_event_must_have_crossed_at_its_own_place() -> None:
    script = Script()
    script.row("deliver", "s", 2, "k1")
    script.row("apply", "s", 1, "k1")
    assert verdict(script) is Verdict.FAIL
