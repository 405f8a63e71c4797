"""What all checkers share: results, what fires, and the tools of mutations."""

from __future__ import annotations

import pytest

from harness.checkers.base import (
    MAX_FINDINGS,
    Checker,
    CheckResult,
    Mutation,
    fired,
    inserted,
    judge,
    lack,
    middle,
    renumbered,
    replaced,
    side_by_side,
    sightings,
    swapped,
    together,
    without,
)
from harness.checkers.coverage import IdleRun
from harness.checkers.record import RecordBroken
from harness.history import History
from harness.verdict import Verdict
from tests.harness.checkers.cases import Script


class Crashes(Checker, frozen=True):
    name = "crashes"
    invariant = "I0"

    def check(self, history: History) -> CheckResult:
        raise KeyError("nothing of it")

    def mutations(self) -> tuple[Mutation, ...]:
        return ()


def script() -> Script:
    made = Script()
    made.publish("s", "k1", 1)
    made.publish("s", "k2", 2)
    made.row("deliver", "s", 1, "k1")
    return made


def whole(history: History) -> bool:
    return judge(RecordBroken(), history).verdict is Verdict.PASS


def test_a_checker_that_raises_is_unknown_and_does_not_fire() -> None:
    result = judge(Crashes(), script().history())
    assert result.verdict is Verdict.UNKNOWN
    assert "KeyError" in result.reason
    assert not fired(result)


def test_findings_win_over_what_is_lacking_and_are_capped() -> None:
    many = [("wrong", (1,))] * (MAX_FINDINGS + 5)
    result = Crashes().result(3, many, "something absent")
    assert (result.verdict, len(result.findings), result.total_findings) == (
        Verdict.FAIL,
        MAX_FINDINGS,
        MAX_FINDINGS + 5,
    )
    assert Crashes().result(3, [], "something absent").reason == "something absent"
    assert Crashes().result(0, []).verdict is Verdict.UNKNOWN
    assert Crashes().result(3, []).verdict is Verdict.PASS


def test_a_floor_that_was_not_reached_fires_though_it_is_unknown() -> None:
    result = judge(IdleRun({"apply": 1}), script().history())
    assert result.verdict is Verdict.UNKNOWN
    assert fired(result)
    assert not fired(judge(IdleRun({"publish": 1}), script().history()))


def test_lack_names_the_absent_fields() -> None:
    op = script().ops[4]
    assert lack(op, "seq", "replica", "cursor") == "op 4 (deliver, ok) carries no replica and no cursor"


def test_together_is_in_order_of_index() -> None:
    history = script().history()
    assert [op.index for op in together(history, "deliver", "publish")] == [0, 1, 2, 3, 4]
    assert [op.index for op in together(history, "deliver")] == [4]


def test_final_reads_stand_side_by_side_each_in_its_own_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.checkers.base.BLOCK_OPS", 2)
    script = Script()
    script.read("server", "s", (1, "k1"), (2, "k2"), (3, "k3"))
    script.read("d1", "s", (1, "k1"), (2, "k2"), (3, "k3"))
    script.row("apply", "s", 1, "k1")
    history = script.history()
    assert [op.index for op in side_by_side(history.of("final_read"))] == [0, 1, 4, 5, 2, 3, 6, 7]
    assert [op.index for op in sightings(history, "apply")] == [8, 0, 1, 4, 5, 2, 3, 6, 7]


def test_dropping_an_invocation_drops_its_completion() -> None:
    left = without(script().history(), 0)
    assert [(op.index, op.f, op.op) for op in left.ops] == [
        (0, "publish", None),
        (1, "publish", 0),
        (2, "deliver", None),
    ]
    assert whole(left)


def test_insertions_move_the_references_of_what_follows() -> None:
    history = script().history()
    longer = inserted(history, 0, history.ops[4], history.ops[4])
    assert [op.op for op in longer.ops] == [None, None, None, 0, None, 4, None]
    assert whole(longer)


def test_a_copied_invocation_does_not_take_its_completion_away() -> None:
    history = script().history()
    assert [op.op for op in inserted(history, 0, history.ops[0]).ops] == [None, None, 0, None, 3, None]


def test_swapped_ops_leave_index_and_time_in_place() -> None:
    history = script().history()
    other = swapped(history, history.ops[1], history.ops[4])
    assert [op.f for op in other.ops] == ["publish", "deliver", "publish", "publish", "publish"]
    assert [op.t_ns for op in other.ops] == [op.t_ns for op in history.ops]
    assert [op.index for op in other.ops] == [0, 1, 2, 3, 4]


def test_nothing_changed_is_nothing_copied() -> None:
    history = script().history()
    assert all(a is b for a, b in zip(renumbered(history, history.ops).ops, history.ops, strict=True))
    assert replaced(history).ops == history.ops


def test_the_middle_one() -> None:
    assert middle([1, 2, 3]) == 2
    assert middle([]) is None
