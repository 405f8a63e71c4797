"""Known bugs: only a marked, named red beside a green twin is a catch, and a gate that misses one is UNKNOWN."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.checkers.base import CheckResult, Finding
from harness.evidence import known_bad
from harness.evidence.bundle import Bundle, pretty
from harness.evidence.defects import Outcome
from harness.evidence.judgement import Falsification
from harness.evidence.known_bad import Played
from harness.evidence.signoff import GateResult, Plan, Profile, Selection, Signoff
from harness.evidence.verify import verify
from harness.history import History, Op
from harness.verdict import Verdict
from tests.harness.evidence.bundles import DEFECT, EXPECTED, GATE, SPEC, finish, history, make_with_known_bad

BUG = "known-bad/D1"

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


WITH_DEFECT = replace(EXPECTED, defects=(DEFECT,))


@pytest.mark.parametrize(
    ("made", "verdict"),
    [({}, "PASS"), ({"variant": "1"}, "UNKNOWN"), ({"twin": "2"}, "UNKNOWN"), ({"marker": "quiet"}, "UNKNOWN")],
)
def test_known_bugs_are_judged_again_too(tmp_path: Path, made: dict[str, str], verdict: str) -> None:
    report = verify(make_with_known_bad(tmp_path, **made).folder, WITH_DEFECT)
    assert report.problems == ()
    assert report.signoff is not None
    assert report.signoff.gates[0].verdict.value == verdict


def edited_variant(bundle: Bundle) -> None:
    """What the variant recorded is made green, or red."""
    name = f"{BUG}/gates/{GATE}/history.jsonl"
    other = "1" if b'"2"' in (bundle.folder / name).read_bytes() else "2"
    bundle.write(name, history(other, marker=DEFECT.marker).dump())
    bundle.seal()


def dropped_variant(bundle: Bundle) -> None:
    shutil.rmtree(bundle.folder / BUG)
    bundle.seal()


def another_defect(bundle: Bundle) -> None:
    bundle.write(f"{BUG}/defect.json", pretty(replace(DEFECT, sha256="0" * 64)))
    bundle.seal()


def changed_plan(of: str, **changes: object) -> Callable[[Bundle], None]:
    def tamper(bundle: Bundle) -> None:
        name = f"known-bad/{of}/plan.json"
        bundle.write(name, pretty(replace(bundle.read(name, Plan), **changes)))
        bundle.seal()

    return tamper


def marked_twin(bundle: Bundle) -> None:
    name = f"known-bad/reference/gates/{GATE}/history.jsonl"
    bundle.write(name, history("1", marker=DEFECT.marker).dump())
    bundle.seal()


def finished_otherwise(bundle: Bundle) -> None:
    path = bundle.folder / BUG / "record.jsonl"
    path.write_bytes(re.sub(rb'"verdict":"[A-Z]+"', b'"verdict":"MISSING"', path.read_bytes()))
    bundle.seal()


def hidden_trouble(bundle: Bundle) -> None:
    """What went wrong stands in the history; here the verdict says nothing of it."""
    name = f"{BUG}/gates/{GATE}/history.jsonl"
    seen = history("2", marker=DEFECT.marker)
    seen = History(seen.anchor, [*seen.ops, Op(len(seen.ops), 9, "gate", "trouble", "info", error="no end")])
    bundle.write(name, seen.dump())
    bundle.seal()


def weaker_twin(bundle: Bundle) -> None:
    name = "known-bad/reference/plan.json"
    bundle.write(name, pretty(replace(bundle.read(name, Plan), gates=(replace(SPEC, sabotages=()),))))
    bundle.seal()


def forgets_its_known_bugs(bundle: Bundle) -> None:
    signoff = bundle.read("signoff.json", Signoff)
    gate = bundle.read(f"gates/{GATE}/verdict.json", GateResult)
    finish(bundle, replace(signoff, gates=(gate, *signoff.gates[1:]), known_bad=()))


def broken_record(bundle: Bundle) -> None:
    bundle.write(f"{BUG}/record.jsonl", b"{\n")
    bundle.seal()


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (edited_variant, f"{BUG}: {GATE}: judged again"),
        (dropped_variant, "its known bugs are not those that were due"),
        (another_defect, "it is another defect than the installed one"),
        (weaker_twin, "known-bad/reference: plan.json"),
        (forgets_its_known_bugs, "its known bugs are not those that were due"),
        (broken_record, "a line of the run's record is none"),
        (changed_plan("D1", run_id="another"), f"{BUG}: plan.json: it is the plan of another session"),
        (changed_plan("D1", seed=99), f"{BUG}: plan.json: it is the plan of another session"),
        (changed_plan("reference", profile="release"), "known-bad/reference: plan.json: it is the plan of another"),
        (changed_plan("reference", gates=(replace(SPEC, on=("remote",)),)), "known-bad/reference: plan.json: a/one"),
        (marked_twin, "its known bugs are not those that were due"),
        (finished_otherwise, f"{BUG}: record.jsonl: a/one finished MISSING"),
        (hidden_trouble, f"{BUG}: {GATE}: its trouble is not that of its history"),
    ],
)
@pytest.mark.parametrize("variant", ["1", "2"])
def test_each_way_to_lie_about_known_bugs_is_named(
    tmp_path: Path, variant: str, tamper: Callable[[Bundle], None], said: str
) -> None:
    bundle = make_with_known_bad(tmp_path, variant=variant)
    tamper(bundle)
    problems = verify(bundle.folder, WITH_DEFECT).problems
    assert any(said in problem for problem in problems), problems


def test_a_survivor_cannot_be_told_as_a_pass(tmp_path: Path) -> None:
    bundle = make_with_known_bad(tmp_path, variant="1")
    signoff = bundle.read("signoff.json", Signoff)
    kinder = replace(signoff.gates[0], verdict=Verdict.PASS, reasons=())
    finish(bundle, replace(signoff, gates=(kinder, *signoff.gates[1:])))
    problems = verify(bundle.folder, WITH_DEFECT).problems
    assert any("does not say what signoff.json says" in problem for problem in problems)
