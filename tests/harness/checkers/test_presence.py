"""I10: rows and live connections."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.presence import PresenceDrift
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("presence-drift")
def test_presence_drift_by_hand(case: Case) -> None:
    judge_case("presence-drift", case)


@quick
@given(seeds, sizes)
def test_presence_drift_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("presence-drift"), generate(seed, size))


def test_a_missing_row_fails_even_where_nothing_had_gone() -> None:
    script = Script()
    script.put("presence", data=pack(h.Presence((), ("a" * 32,))))
    assert judge(PresenceDrift(), script.history()).verdict is Verdict.FAIL


def test_an_unsettled_reading_does_not_count_as_the_one_that_is_needed() -> None:
    script = Script()
    script.put("presence", data=pack(h.Presence(("a" * 32,), ("a" * 32,))))
    script.put("presence", data=pack(h.Presence(("a" * 32,), ("a" * 32,), False, ("b" * 32,))))
    assert judge(PresenceDrift(), script.history()).verdict is Verdict.UNKNOWN
