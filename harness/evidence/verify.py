"""Judges a bundle again from its bytes alone: no lab, no network, no word of the run is believed.

Numbered steps; each problem is named. 1 seal: every file is there, unchanged, and nothing else. 2 plan: the
gates' checkers, parameters and floors are those of the installed manifest. 3 record: planned = started = finished, once
each. 4 judgement: all checkers and falsifications again over the stored histories, with the same results.
5 composition: clauses, overall verdict and exit code follow. 6 rendering: the pages say what the record says.

    report = verify(Path("reports/latest"), expected)
    report.problems        # empty: the bundle is what it says
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.canonical import UNREADABLE
from harness.errors import EvidenceError
from harness.evidence import render
from harness.evidence.bundle import Bundle, RunEvent, pretty
from harness.evidence.drawing import drawings
from harness.evidence.judgement import counts_of, exceptions_of, floors_of, judge_gate, windows_of
from harness.evidence.requirements import Expected
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    GateResult,
    Plan,
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
    problems += _check_record(plan, events, signoff)
    judged = 0
    for result in signoff.plays:
        if result.checks or result.verdict is Verdict.PASS:
            judged += 1
            problems += _judge_again(bundle, result, plan)
    problems += _check_drills(plan, signoff, expected)
    problems += _check_composition(signoff, expected)
    problems += _check_rendering(bundle, signoff)
    return Report(signoff, tuple(problems), judged)


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
    installed = {spec.id: spec for spec in expected.manifest}
    for spec in plan.gates:
        if spec.id not in installed:
            problems.append(f"plan.json: {spec.id} is not in the installed manifest")
        elif spec != installed[spec.id].grounded(spec.on):
            problems.append(
                f"plan.json: {spec.id} has other checkers, parameters or floors than the installed manifest says"
            )
    return problems


def _check_record(plan: Plan | None, events: list[RunEvent], signoff: Signoff) -> list[str]:
    planned = {play for spec in plan.gates for play in plays_of(spec, plan.profile, plan.seed)} if plan else set()
    problems = []
    for result in signoff.plays:
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
    known, told = {result.id for result in signoff.gates}, {result.play for result in signoff.plays}
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
        if by_id.get(spec.id) != merge_plays(spec.id, own, planned, expected):
            problems.append(f"signoff.json: {spec.id} is not the merge of its plays")
    strangers = {result.id for result in signoff.drills} - {spec.id for spec in specs}
    problems += [f"signoff.json: {name} is told as a drill, and none was planned" for name in sorted(strangers)]
    return problems


def _judge_again(bundle: Bundle, result: GateResult, plan: Plan | None) -> list[str]:
    spec = next((spec for spec in plan.gates if spec.id == result.id), None) if plan is not None else None
    if spec is None:
        return [f"{result.id}: it has a verdict, but no plan"]
    try:
        history, sabotaged = bundle.histories(spec, result.play)
        again = judge_gate(spec, history, sabotaged, result.trouble)
        told = bundle.result(result.play)
    except (OSError, EvidenceError) as error:
        return [f"{result.id}: its history cannot be judged again: {error}"]
    problems = []
    for name, recorded in (("checks", result.checks), ("falsification", result.falsifications)):
        path = bundle.folder_of(result.play) / f"{name}.json"
        if not path.is_file() or path.read_bytes() != pretty(recorded):
            problems.append(f"{result.play.base}/{name}.json: it does not say what signoff.json says")
    if told != result:
        problems.append(f"{result.play.base}/verdict.json: it does not say what signoff.json says")
    if again.verdict is not result.verdict:
        problems.append(
            f"{result.id}: judged again it is {again.verdict.value}, the signoff says {result.verdict.value}"
        )
    if again.checks != result.checks:
        problems.append(f"{result.id}: judged again its checks differ from those recorded")
    if again.falsifications != result.falsifications:
        problems.append(f"{result.id}: judged again its falsifications differ from those recorded")
    if again.reasons != result.reasons:
        problems.append(f"{result.id}: judged again its reasons differ from those recorded")
    if result.counts != counts_of(history):
        problems.append(f"{result.id}: its counts are not those of its history")
    for name, data in drawings(history, result.windows) if result.seed is not None else ():
        path = bundle.folder_of(result.play) / name
        if not path.is_file() or path.read_bytes() != data:
            problems.append(f"{result.play.base}/{name}: it does not show what the history says")
    problems += _check_schedule(bundle, result)
    if result.exceptions != exceptions_of(history):
        problems.append(f"{result.id}: its exceptions are not those of its history")
    if result.windows != windows_of(history):
        problems.append(f"{result.id}: its fault windows are not those of its history")
    if result.floors != floors_of(spec):
        problems.append(f"{result.id}: its floors are not those of its plan")
    return problems


class _Scheduled(msgspec.Struct):
    """What verification needs of a window in schedule.json."""

    name: str
    target: str
    fault: dict[str, object]


class _Schedule(msgspec.Struct):
    windows: list[_Scheduled]


def _check_schedule(bundle: Bundle, result: GateResult) -> list[str]:
    """What a drill that passed has played is what its schedule says, no window less."""
    if result.seed is None or result.verdict is not Verdict.PASS:
        return []
    path = bundle.folder_of(result.play) / "schedule.json"
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_Schedule)
    except (OSError, *UNREADABLE) as error:
        return [f"{result.play.base}/schedule.json: it cannot be read: {error}"]
    planned = sorted((window.name, str(window.fault.get("kind")), window.target) for window in saved.windows)
    if planned != sorted((window.name, window.kind, window.target) for window in result.windows):
        return [f"{result.play.base}/schedule.json: its windows are not those that were played"]
    return []


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
