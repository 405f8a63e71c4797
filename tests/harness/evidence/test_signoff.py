"""From gates to clauses to one verdict and one exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.evidence.judgement import GateSpec
from harness.evidence.requirements import Expected, Requirement
from harness.evidence.signoff import (
    GateResult,
    Profile,
    Selection,
    Signoff,
    classes_of,
    exit_code,
    invariants_of,
    merge_plays,
    missing,
    overall,
    plays_of,
    requirements_of,
)
from harness.verdict import Overall, Verdict
from tests.harness.evidence.bundles import LAB, make

P, F, U, M = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.MISSING
REQUIREMENTS = (
    Requirement("R-1", "000", "one", 1, "text", ("a/one", "a/two")),
    Requirement("R-2", "000", "two", 1, "text", ("b/three",)),
)
EXPECTED = Expected(REQUIREMENTS, {"b/three": "later"}, ())


def gates(*verdicts: Verdict, lab_failed: bool = False) -> tuple[GateResult, ...]:
    names = ("a/one", "a/two", "b/three")
    return tuple(GateResult(n, v, 1.0, lab_failed=lab_failed) for n, v in zip(names, verdicts, strict=False))


@pytest.mark.parametrize(
    ("verdicts", "profile", "only", "dirty", "said"),
    [
        ((P, P, P), "standard", (), False, "GO"),
        ((P, P, P), "release", (), False, "GO"),
        ((P, P, P), "smoke", (), False, "INCOMPLETE"),
        ((P, P, P), "standard", ("a/",), False, "INCOMPLETE"),
        ((P, P, P), "standard", (), True, "INCOMPLETE"),
        ((P, P, M), "standard", (), False, "INCOMPLETE"),
        ((P, U, P), "standard", (), False, "INCOMPLETE"),
        ((P, F, P), "smoke", ("a/",), True, "NO-GO"),
        ((), "standard", (), False, "INCOMPLETE"),
    ],
)
def test_overall(verdicts: tuple[Verdict, ...], profile: str, only: tuple[str, ...], dirty: bool, said: str) -> None:
    found = overall(gates(*verdicts), profile=profile, selection=Selection(only=only), pinned=not dirty)  # type: ignore[arg-type]
    assert found is Overall(said)


@pytest.mark.parametrize(
    ("verdicts", "only", "code"),
    [
        ((P, P, P), (), 0),
        ((P, P, M), (), 0),  # b/three is not built: it may be missing
        ((P, M, M), (), 3),  # a/two may not
        ((P, M, M), ("a/one",), 0),  # it was not selected
        ((M, M, M), ("a/",), 3),  # all skipped
        ((P, P, U), (), 3),  # not built does not excuse UNKNOWN
        ((P, U, P), (), 3),
        ((F, U, M), (), 1),
        ((M, M, M), ("b/three",), 3),  # nothing passed
        ((), (), 3),
    ],
)
def test_exit_codes(verdicts: tuple[Verdict, ...], only: tuple[str, ...], code: int) -> None:
    assert exit_code(gates(*verdicts), EXPECTED, Selection(only=only), LAB, interrupted=False) == code


def test_a_gate_without_its_ground_in_this_lane_may_be_missing() -> None:
    specs = tuple(GateSpec(name, (), on=on) for name, on in (("a/one", ("remote",)), ("a/two", ("lab", "remote"))))
    expected, remote = Expected(REQUIREMENTS, {"b/three": "later"}, specs), replace(LAB, grounds=("remote", "source"))
    assert exit_code(gates(M, P, M), expected, Selection(), LAB, interrupted=False) == 0
    assert exit_code(gates(M, P, M), expected, Selection(), remote, interrupted=False) == 3, "its ground is there"
    assert exit_code(gates(P, M, M), expected, Selection(), LAB, interrupted=False) == 3
    assert exit_code(gates(U, P, M), expected, Selection(), LAB, interrupted=False) == 3, "UNKNOWN is not excused"
    assert exit_code(gates(M, P, M), expected, Selection(), None, interrupted=False) == 3, "nobody knows what was there"
    assert overall(gates(M, P, P), profile="release", selection=Selection(), pinned=True) is Overall.INCOMPLETE


def test_a_lab_that_did_not_start_is_4_unless_something_failed() -> None:
    assert exit_code(gates(U, U, M, lab_failed=True), EXPECTED, Selection(), LAB, interrupted=False) == 4
    assert exit_code(gates(F, U, M, lab_failed=True), EXPECTED, Selection(), LAB, interrupted=False) == 1
    assert exit_code(gates(P, P, P), EXPECTED, Selection(), LAB, interrupted=True) == 130


def test_a_clause_is_as_good_as_its_worst_gate() -> None:
    found = requirements_of(EXPECTED, gates(P, U, P))
    assert [(r.id, r.verdict) for r in found] == [("R-1", U), ("R-2", P)]
    assert requirements_of(EXPECTED, gates(P))[0].verdict is M, "a gate without a result is MISSING"


def test_selection_by_name_and_prefix() -> None:
    selection = Selection(only=("a/", "b/three"), skip=("a/two",))
    assert [selection.takes(g) for g in ("a/one", "a/two", "b/three", "b/four", "ab/one")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert not Selection().partial
    assert Selection(skip=("x",)).partial


def test_process_rules_are_declared_and_not_decided() -> None:
    found = {i.id: i.verdict for i in invariants_of([GateResult("sync/runtime-to-desktop", P, 1.0)])}
    assert (found["INV-01"], found["INV-10"], found["INV-07"], found["INV-02"]) == (
        "declared",
        "declared",
        "PASS",
        "MISSING",
    )


def test_a_missing_evidence_class_is_seen() -> None:
    found = {c.name: c for c in classes_of([GateResult("desktop/x", P, 1.0), GateResult("guards/y", M, 0.0)])}
    assert found["desktop transport and parser"].verdict is P
    assert found["repository guards"].verdict is M
    assert found["runtime publisher"].verdict is U
    assert missing("a/one", EXPECTED, "why").requirements == ("R-1",)


DRILL = GateSpec("a/one", (), drill=True)


@pytest.mark.parametrize(("profile", "count"), [("smoke", 1), ("standard", 3), ("release", 5)])
def test_a_drill_is_played_once_for_each_seed_of_the_profile(profile: Profile, count: int) -> None:
    plays = plays_of(DRILL, profile, 7)
    assert [play.seed for play in plays] == list(range(7, 7 + count))
    assert plays[0].base == "drills/a/one/7"
    assert plays[0].scenario == "a/one@7"
    plain = plays_of(GateSpec("a/one", ()), profile, 7)
    assert [(play.base, play.scenario) for play in plain] == [("gates/a/one", "a/one")]


@pytest.mark.parametrize(
    ("verdicts", "merged"),
    [((P, P, P), P), ((P, F, U), F), ((P, U, P), U), ((P, P), M), ((F, P), F), ((), M)],
)
def test_a_drill_is_the_merge_of_its_plays(verdicts: tuple[Verdict, ...], merged: Verdict) -> None:
    planned = plays_of(DRILL, "standard", 7)
    plays = [
        GateResult("a/one", verdict, 1.5, counts={"publish": 2}, reasons=("why",), repeat=f"again {n}", seed=7 + n)
        for n, verdict in enumerate(verdicts)
    ]
    result = merge_plays("a/one", plays, planned, EXPECTED)
    assert result.verdict is merged
    assert result.requirements == ("R-1",)
    assert result.duration_s == 1.5 * len(plays)
    assert result.counts == ({"publish": 2 * len(plays)} if plays else {})
    assert sum("left no result" in reason for reason in result.reasons) == 3 - len(plays)
    if F in verdicts:
        assert result.repeat == f"again {verdicts.index(F)}"


def test_each_play_is_told_once_and_a_merge_not_at_all(tmp_path: Path) -> None:
    plays = tuple(GateResult("a/one", P, 1.0, seed=seed) for seed in (7, 8))
    told = replace(make(tmp_path).read("signoff.json", Signoff), gates=gates(P, P, M), drills=plays)
    assert [result.play.scenario for result in told.plays] == ["a/two", "b/three", "a/one@7", "a/one@8"]


def test_selection_by_pattern() -> None:
    assert Selection(only=("chaos/*",)).takes("chaos/half-open")
    assert Selection(only=("*/half-*",)).takes("chaos/half-open")
    assert not Selection(only=("chaos/*",), skip=("chaos/half*",)).takes("chaos/half-open")
