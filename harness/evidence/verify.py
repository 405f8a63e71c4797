"""Judges a bundle again from its bytes alone: no lab, no network, no word of the run is believed.

Numbered steps; each problem is named. 1 seal: every file is there, unchanged, and nothing else. 2 plan: the
gates' checkers, parameters and floors are those of the installed manifest. 3 record: planned = started = finished, once
each. 4 judgement: all checkers and falsifications again over the stored histories, with the same results, those of
the known bugs and their green twins included. 5 composition: gates, clauses, overall verdict and exit code follow.
6 rendering: the pages say what the record says.

    report = verify(Path("reports/latest"), expected)
    report.problems        # empty: the bundle is what it says
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EvidenceError
from harness.evidence import render
from harness.evidence.again import judge_again
from harness.evidence.bundle import INSIDE, Bundle, RunEvent
from harness.evidence.defects import Defect
from harness.evidence.known_bad import DEFECT, SEED, due, gates_of, outcomes_of, twins_in, variant_in, with_known_bad
from harness.evidence.requirements import Expected
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    GateResult,
    Plan,
    Selection,
    Signoff,
    classes_of,
    exceptions_in,
    exit_code,
    invariants_of,
    merge_plays,
    overall,
    plays_of,
    requirements_of,
)
from harness.verdict import Verdict


@dataclass(frozen=True)
class Report:
    """`problems` in words, `judged` gates that were judged again."""

    signoff: Signoff | None
    problems: tuple[str, ...]
    judged: int


def verify(folder: Path, expected: Expected) -> Report:
    """All steps; never raises for a bad bundle."""
    if not folder.is_dir():
        return Report(None, (f"{folder} is no folder",), 0)
    bundle = Bundle(folder.resolve())
    try:
        problems = bundle.check_seal()
        signoff = bundle.read("signoff.json", Signoff)
        plan, events = bundle.plan(), bundle.events()
    except EvidenceError as error:
        return Report(None, (str(error),), 0)
    problems += _check_plan(plan, signoff, expected)
    plays = _plays(bundle, signoff, problems)
    problems += _check_record(plan, events, plays, {gate.id for gate in signoff.gates})
    judged = _judge_all(bundle, plays, plan, problems)
    problems += _check_known_bad(bundle, plan, signoff, expected)
    problems += _check_drills(plan, signoff, expected)
    problems += _check_composition(signoff, expected)
    problems += _check_rendering(bundle, signoff)
    return Report(signoff, tuple(problems), judged)


def _plays(bundle: Bundle, signoff: Signoff, problems: list[str]) -> list[GateResult]:
    """Each play as it was judged, before what known bugs showed of its gate."""
    plays = []
    for result in signoff.plays:
        path = bundle.folder_of(result.play) / "verdict.json"
        try:
            told = bundle.result(result.play)
        except EvidenceError as error:
            problems.append(str(error))
            told = None
        outcomes = signoff.known_bad if result.seed is None else ()
        if told is not None and with_known_bad(told, outcomes) != result:
            problems.append(f"{path.relative_to(bundle.folder)}: it does not say what signoff.json says")
        plays.append(told or result)
    return plays


def _judge_all(bundle: Bundle, plays: Iterable[GateResult], plan: Plan | None, problems: list[str]) -> int:
    """How many were judged again."""
    judged = 0
    for result in plays:
        if result.checks or result.verdict is Verdict.PASS:
            judged += 1
            problems += judge_again(bundle, result, plan)
    return judged


def _check_known_bad(bundle: Bundle, plan: Plan | None, signoff: Signoff, expected: Expected) -> list[str]:
    """Every known bug that was due was played, as the one that is installed; twins and variants are judged again."""
    defects = due(expected.defects, plan, signoff.gates)
    problems: list[str] = []
    try:
        if signoff.known_bad != outcomes_of(bundle, defects):
            problems.append("signoff.json: its known bugs are not those that were due, with what their bundles show")
        if defects:
            problems += _check_inner(twins_in(bundle), gates_of(defects), signoff, expected)
        for defect in defects:
            own = variant_in(bundle, defect)
            problems += _check_inner(own, (defect.gate,), signoff, expected)
            if own.read(DEFECT, Defect) != defect:
                problems.append(f"{INSIDE}/{defect.id}/{DEFECT}: it is another defect than the installed one")
    except EvidenceError as error:
        problems.append(str(error))
    return problems


def _check_inner(own: Bundle, gates: tuple[str, ...], signoff: Signoff, expected: Expected) -> list[str]:
    """A session of known bugs inside the run's bundle: planned as such, played once each, judged again."""
    plan, name = own.plan(), f"{INSIDE}/{own.folder.name}"
    if plan is None:
        return []  # without one it has no result, and that is what came of it
    problems = _check_specs(plan, signoff, expected)
    wanted = Plan(f"{signoff.run_id}/{name}", "smoke", SEED, Selection(gates), plan.gates)
    if plan != wanted:
        problems.append("plan.json: it is the plan of another session than this run's")
    plays = own.believed().values()
    problems += _check_record(plan, own.events(), plays, set(gates))
    _judge_all(own, plays, plan, problems)
    return [f"{name}: {problem}" for problem in problems]


def _check_plan(plan: Plan | None, signoff: Signoff, expected: Expected) -> list[str]:
    if plan is None:
        return ["plan.json: there is no plan, so nothing can have been planned"]
    problems = []
    if (plan.run_id, plan.seed, plan.profile, plan.selection) != (
        signoff.run_id,
        signoff.seed,
        signoff.profile,
        signoff.selection,
    ):
        problems.append("plan.json: it is the plan of another run than signoff.json")
    return problems + _check_specs(plan, signoff, expected)


def _check_specs(plan: Plan, signoff: Signoff, expected: Expected) -> list[str]:
    problems = []
    installed = {spec.id: spec for spec in expected.manifest}
    for spec in plan.gates:
        if spec.id not in installed:
            problems.append(f"plan.json: {spec.id} is not in the installed manifest")
        elif spec != installed[spec.id].grounded(signoff.lab.grounds if signoff.lab is not None else spec.on):
            problems.append(
                f"plan.json: {spec.id} has other checkers, parameters or floors than the installed manifest says"
            )
    return problems


def _check_record(
    plan: Plan | None, events: list[RunEvent], plays: Collection[GateResult], known: set[str]
) -> list[str]:
    planned = set(plan.plays) if plan is not None else set()
    problems = []
    for result in plays:
        starts = sum(e.play == result.play and e.event == "started" for e in events)
        ends = [e for e in events if e.play == result.play and e.event == "finished"]
        if result.verdict is Verdict.MISSING and not ends:
            continue
        if result.play not in planned or starts != 1 or len(ends) != 1:
            problems.append(
                f"record.jsonl: {result.play.scenario} was started {starts} times and finished {len(ends)} times, "
                "expected once each, as planned"
            )
        elif ends[0].verdict != result.verdict.value:
            problems.append(
                f"record.jsonl: {result.play.scenario} finished {ends[0].verdict}, "
                f"signoff.json says {result.verdict.value}"
            )
    # A play that only began (its worker died) is known by its gate; one of another gate is a stranger.
    told = {result.play for result in plays}
    strangers = {e.play for e in events if e.event == "finished" or e.gate not in known} - told
    problems += [
        f"record.jsonl: {name} was played, but the signoff does not know it"
        for name in sorted(play.scenario for play in strangers)
    ]
    return problems


def _check_drills(plan: Plan | None, signoff: Signoff, expected: Expected) -> list[str]:
    """A drill's gate is the merge of its plays, each of them there."""
    problems = []
    by_id = {gate.id: gate for gate in signoff.gates}
    specs = [spec for spec in plan.gates if spec.drill] if plan is not None else []
    for spec in specs:
        planned = plays_of(spec, signoff.profile, signoff.seed)
        own = [result for result in signoff.drills if result.id == spec.id]
        merged = merge_plays(spec.id, own, planned, expected)
        if by_id.get(spec.id) != with_known_bad(merged, signoff.known_bad):
            problems.append(f"signoff.json: {spec.id} is not the merge of its plays")
    strangers = {result.id for result in signoff.drills} - {spec.id for spec in specs}
    problems += [f"signoff.json: {name} is told as a drill, and none was planned" for name in sorted(strangers)]
    return problems


def _check_composition(signoff: Signoff, expected: Expected) -> list[str]:
    problems = []
    if tuple(gate.id for gate in signoff.gates) != expected.gates:
        problems.append("signoff.json: its gates are not those that the clauses name")
    problems += [
        f"signoff.json: {gate.id} decides other clauses than the matrix says"
        for gate in signoff.gates
        if gate.requirements != expected.of_gate(gate.id)
    ]
    if signoff.requirements != requirements_of(expected, signoff.gates):
        problems.append("signoff.json: its clause verdicts do not follow from its gates")
    if signoff.invariants_map != invariants_of(signoff.gates) or signoff.evidence_classes != classes_of(signoff.gates):
        problems.append("signoff.json: its invariants or evidence classes do not follow from its gates")
    if signoff.not_established != NOT_ESTABLISHED:
        problems.append("signoff.json: what it does not establish is not what no run establishes")
    if signoff.guards:
        problems.append("signoff.json: it tells guards apart from its gates, which they are")
    if signoff.exceptions != exceptions_in(signoff.plays):
        problems.append("signoff.json: its exceptions are not those that its gates rest on")
    if signoff.lab is None and any(gate.verdict is Verdict.PASS for gate in signoff.gates):
        problems.append("signoff.json: gates passed, and it names no lab")
    verdict = overall(
        signoff.gates, profile=signoff.profile, selection=signoff.selection, pinned=signoff.subject.is_pinned
    )
    if verdict is not signoff.verdict:
        problems.append(f"signoff.json: it says {signoff.verdict.value}, its gates give {verdict.value}")
    interrupted, changed, lab = signoff.interrupted, bool(signoff.subject.changed), signoff.lab
    code = int(exit_code(signoff.gates, expected, signoff.selection, lab, interrupted=interrupted, changed=changed))
    if code != signoff.exit_code:
        problems.append(f"signoff.json: it says exit {signoff.exit_code}, its gates give {code}")
    return problems


def _check_rendering(bundle: Bundle, signoff: Signoff) -> list[str]:
    problems = []
    for name, data in render.all_of(signoff):
        path = bundle.folder / name
        if not path.is_file() or path.read_bytes() != data:
            problems.append(f"{name}: it does not say what signoff.json says")
    return problems
