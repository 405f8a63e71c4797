"""I2 and I3: applied once, and in turn."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("duplicate-apply")
def test_duplicate_apply_by_hand(case: Case) -> None:
    judge_case("duplicate-apply", case)


@quick
@given(seeds, sizes)
def test_duplicate_apply_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("duplicate-apply"), generate(seed, size))


@each_case("gap-or-reorder")
def test_gap_or_reorder_by_hand(case: Case) -> None:
    judge_case("gap-or-reorder", case)


@quick
@given(seeds, sizes)
def test_gap_or_reorder_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("gap-or-reorder"), generate(seed, size))


def test_streams_replicas_and_baselines_are_apart() -> None:
    script = Script()
    for stream, replica, baseline in (("s", "d1", 1), ("t", "d1", 1), ("s", "d2", 1), ("s", "d1", 2)):
        script.bootstrap(stream, 0, replica, baseline)
        script.row("apply", stream, 1, "k1", replica=replica, baseline=baseline)
    assert judge(DuplicateApply(), script.history()).verdict is Verdict.PASS
    assert judge(GapOrReorder(), script.history()).verdict is Verdict.PASS


def test_the_same_seq_under_another_key_is_no_duplicate_but_out_of_turn() -> None:
    script = Script()
    script.bootstrap("s")
    script.row("apply", "s", 1, "k1")
    script.row("apply", "s", 1, "k2")
    assert judge(DuplicateApply(), script.history()).verdict is Verdict.PASS
    assert judge(GapOrReorder(), script.history()).verdict is Verdict.FAIL


def test_a_marker_is_no_apply() -> None:
    script = Script()
    script.bootstrap("s")
    script.put("apply", "info", marker="SIGNOFF-MARKER D12")
    assert judge(DuplicateApply(), script.history()).verdict is Verdict.UNKNOWN


def test_a_gap_is_reported_once() -> None:
    script = Script()
    script.bootstrap("s")
    for seq in (1, 3, 4, 5):
        script.row("apply", "s", seq, f"k{seq}")
    assert judge(GapOrReorder(), script.history()).total_findings == 1


def test_a_resume_moves_the_position_up_and_never_back() -> None:
    script = Script()
    script.bootstrap("s")
    script.row("apply", "s", 1, "k1")
    script.row("apply", "s", 2, "k2")
    resume = pack(h.Checkpointed("resume", 1))
    script.put("checkpoint", replica="d1", stream="s", cursor=1, data=resume)
    script.row("apply", "s", 2, "k2")
    assert judge(GapOrReorder(), script.history()).verdict is Verdict.FAIL


def test_a_save_does_not_move_the_position() -> None:
    script = Script()
    script.bootstrap("s")
    script.put("checkpoint", replica="d1", stream="s", cursor=1, data=pack(h.Checkpointed("save", 1)))
    script.row("apply", "s", 2, "k2")
    assert judge(GapOrReorder(), script.history()).verdict is Verdict.FAIL


def test_an_apply_that_names_no_baseline_leaves_it_open() -> None:
    script = Script()
    script.bootstrap("s")
    script.row("apply", "s", 1, "k1")
    script.row("apply", "s", 2, "k2", baseline=None)
    assert judge(DuplicateApply(), script.history()).verdict is Verdict.UNKNOWN
    assert judge(GapOrReorder(), script.history()).verdict is Verdict.UNKNOWN
