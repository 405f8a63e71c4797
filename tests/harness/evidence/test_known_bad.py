"""Known bugs: only a marked, named red beside a green twin is a catch, and a gate that misses one is UNKNOWN."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.checkers.base import CheckResult, Finding
from harness.evidence import known_bad
from harness.evidence.bundle import Bundle
from harness.evidence.defects import Outcome
from harness.evidence.judgement import Falsification
from harness.evidence.known_bad import Played
from harness.evidence.signoff import GateResult, Plan, Profile, Selection
from harness.verdict import Verdict
from tests.harness.evidence.bundles import DEFECT, GATE, SPEC, make_with_known_bad

GREEN = GateResult(GATE, Verdict.PASS, 1.0)
RED = replace(
    GREEN,
    verdict=Verdict.FAIL,
    checks=(CheckResult("contract-broken", "I18", Verdict.FAIL, 3, (Finding("I18", "lost"),), 1),),
)
MARK = ("SIGNOFF-MARKER D1",)
OTHER = replace(RED, checks=(CheckResult("hash-mismatch", "I5", Verdict.FAIL, 1, (Finding("I5", "x"),), 1),))


@pytest.mark.parametrize(
    ("twin", "variant", "caught", "reason"),
    [
        (Played(GREEN, ()), Played(RED, MARK), "CAUGHT", "I18: lost"),
        (None, Played(RED, MARK), "NO RESULT", "left no result on its twin"),
        (Played(GREEN, ()), None, "NO RESULT", "left no result on the variant"),
        (Played(RED, ()), Played(RED, MARK), "NO RESULT", "green twin of a/one is FAIL"),
        (Played(GREEN, MARK), Played(RED, MARK), "NO RESULT", "has a bug itself"),
        (Played(GREEN, ()), Played(RED, ()), "NO RESULT", "marker 'SIGNOFF-MARKER D1' was not received"),
        (Played(GREEN, ()), Played(RED, ("SIGNOFF-MARKER D10",)), "NO RESULT", "was not received"),
        (Played(GREEN, ()), Played(replace(RED, trouble="it died"), MARK), "NO RESULT", "it died"),
        (Played(GREEN, ()), Played(GREEN, MARK), "SURVIVED", "fired: nothing"),
        (Played(GREEN, ()), Played(OTHER, MARK), "SURVIVED", "fired: ['I5']"),
    ],
)
def test_caught_needs_the_named_invariant_the_marker_and_a_green_twin(
    twin: Played | None, variant: Played | None, caught: str, reason: str
) -> None:
    outcome = known_bad.judge_variant(DEFECT, twin, variant)
    assert (outcome.caught, outcome.defect, outcome.gate, outcome.invariant) == (caught, "D1", GATE, "I18")
    assert reason in outcome.reason


@pytest.mark.parametrize(
    ("profile", "verdict", "on", "expected"),
    [
        ("standard", Verdict.PASS, "lab", (DEFECT,)),
        ("release", Verdict.FAIL, "lab", (DEFECT,)),
        ("standard", Verdict.MISSING, "lab", ()),
        ("standard", Verdict.PASS, "remote", ()),
        ("smoke", Verdict.PASS, "lab", ()),
    ],
)
def test_due_is_what_was_decided_on_servers_of_the_runs_own(
    profile: Profile, verdict: Verdict, on: str, expected: tuple[object, ...]
) -> None:
    plan = Plan("r", profile, 1, Selection(), (replace(SPEC, on=(on,)),))
    stranger = replace(DEFECT, id="D2", gate="b/two")
    assert known_bad.due((DEFECT, stranger), plan, [replace(GREEN, verdict=verdict)]) == expected
    assert known_bad.due((DEFECT,), None, []) == ()


def test_outcomes_come_from_the_bundles_alone(tmp_path: Path) -> None:
    bundle = make_with_known_bad(tmp_path)
    (outcome,) = known_bad.outcomes_of(bundle, (DEFECT,))
    assert outcome.caught == "CAUGHT"
    (known_bad.variant_in(bundle, DEFECT).folder / "record.jsonl").unlink()
    (outcome,) = known_bad.outcomes_of(bundle, (DEFECT,))
    assert (outcome.caught, outcome.reason) == (
        "NO RESULT",
        f"{GATE} left no result on the variant: see its ci/pytest.log",
    )
    assert known_bad.outcomes_of(Bundle(tmp_path / "empty"), (DEFECT,))[0].caught == "NO RESULT"


def test_a_gate_stands_only_when_each_of_its_known_bugs_was_caught() -> None:
    caught = Outcome("D1", GATE, "I18", "CAUGHT", "I18: lost")
    missed = Outcome("D2", GATE, "I1", "SURVIVED", "nothing fired")
    nothing = Outcome("D3", GATE, "I1", "NO RESULT", "it died")
    assert known_bad.with_known_bad(GREEN, ()) == GREEN
    assert known_bad.with_known_bad(GREEN, (replace(caught, gate="b/two"),)) == GREEN
    good = known_bad.with_known_bad(GREEN, (caught,))
    assert (good.verdict, good.reasons) == (Verdict.PASS, ())
    assert good.falsifications == (Falsification("known-bad", "", "D1", "I18", "red"),)
    for one in (missed, nothing):
        bad = known_bad.with_known_bad(GREEN, (caught, one))
        assert bad.verdict is Verdict.UNKNOWN
        assert one.defect in bad.reasons[0]
        assert bad.falsifications[1].outcome != "red"
    failed = known_bad.with_known_bad(RED, (missed,))
    assert failed.verdict is Verdict.FAIL
