"""The verdict algebra: one merge, worst first, and nothing is UNKNOWN."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.verdict import Exit, Verdict, merge

WORST_FIRST = [Verdict.FAIL, Verdict.UNKNOWN, Verdict.MISSING, Verdict.PASS]
verdicts = st.sampled_from(Verdict)


def test_the_empty_merge_is_unknown() -> None:
    assert merge([]) is Verdict.UNKNOWN


@given(st.lists(verdicts, min_size=1))
def test_the_worst_wins(found: list[Verdict]) -> None:
    assert merge(found) is min(found, key=WORST_FIRST.index)


@given(st.lists(verdicts, min_size=1), st.data())
def test_order_and_repetition_do_not_matter(found: list[Verdict], data: st.DataObject) -> None:
    assert merge(found) is merge(data.draw(st.permutations(found))) is merge(found + found)


@given(st.lists(verdicts, min_size=1), st.lists(verdicts, min_size=1))
def test_merging_merges_is_merging_all(one: list[Verdict], other: list[Verdict]) -> None:
    assert merge([merge(one), merge(other)]) is merge(one + other)


def test_only_all_pass_is_pass() -> None:
    assert merge([Verdict.PASS, Verdict.PASS]) is Verdict.PASS
    assert all(merge([Verdict.PASS, other]) is not Verdict.PASS for other in WORST_FIRST[:3])


def test_exit_codes_are_those_of_the_interface() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "GATE_FAILED": 1,
        "USAGE": 2,
        "UNDECIDED": 3,
        "LAB": 4,
        "EVIDENCE": 5,
        "INTERNAL": 70,
        "INTERRUPTED": 130,
    }
