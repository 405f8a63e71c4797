"""I4: cursors behind what was applied."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.cursors import CursorAhead
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("cursor-ahead")
def test_cursor_ahead_by_hand(case: Case) -> None:
    judge_case("cursor-ahead", case)


@quick
@given(seeds, sizes)
def test_cursor_ahead_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("cursor-ahead"), generate(seed, size))


def checkpoint(script: Script, at: str, cursor: int, applied: int) -> None:
    seen = h.Checkpointed("save" if at == "save" else "resume", applied)
    script.put("checkpoint", replica="d1", stream="s", cursor=cursor, data=pack(seen))


def test_a_resume_behind_its_applied_state_may_go_on_after_either() -> None:
    for seq, expected in ((2, Verdict.PASS), (4, Verdict.PASS), (5, Verdict.FAIL), (1, Verdict.FAIL)):
        script = Script()
        script.bootstrap("s")
        checkpoint(script, "resume", 1, 3)
        script.row("apply", "s", seq, "k")
        assert judge(CursorAhead(), script.history()).verdict is expected, seq


def test_the_last_of_several_resumes_counts() -> None:
    script = Script()
    script.bootstrap("s")
    checkpoint(script, "resume", 1, 1)
    checkpoint(script, "resume", 2, 2)
    script.row("apply", "s", 3, "k")
    assert judge(CursorAhead(), script.history()).verdict is Verdict.PASS


def test_a_late_joiner_may_save_its_floor() -> None:
    script = Script()
    script.bootstrap("s", 7)
    checkpoint(script, "save", 7, 7)
    assert judge(CursorAhead(), script.history()).verdict is Verdict.PASS


def test_another_replica_s_applies_do_not_count() -> None:
    script = Script()
    script.row("apply", "s", 1, "k", replica="d2")
    checkpoint(script, "save", 1, 1)
    assert judge(CursorAhead(), script.history()).verdict is Verdict.FAIL
