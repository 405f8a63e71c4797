"""From a run's own record to its signoff: what each gate of the matrix came to, sealed with all that is rendered.

What was planned and has not been started and finished once each is MISSING, whatever a test runner says.

    signoff = conclude(bundle, config, expected, request, lab, subject, interrupted=False, ...)
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.config import Config
from harness.errors import EvidenceError
from harness.evidence import render
from harness.evidence.bundle import Bundle, RunEvent, pretty
from harness.evidence.known_bad import due, outcomes_of, with_known_bad
from harness.evidence.redact import Redactor
from harness.evidence.requirements import Expected
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    SCHEMA_VERSION,
    GateResult,
    LabSeen,
    Plan,
    Play,
    Selection,
    Signoff,
    SubjectSeen,
    classes_of,
    exceptions_in,
    exit_code,
    invariants_of,
    merge_plays,
    missing,
    overall,
    requirements_of,
)
from harness.request import Request, repeat_command
from harness.subject import changed_since, grounds_of, see_environment, see_subject


def conclude(
    bundle: Bundle,
    config: Config,
    expected: Expected,
    request: Request,
    lab: LabSeen | None,
    before: SubjectSeen,
    *,
    interrupted: bool,
    started: float,
    setup_s: float,
    run_s: float,
) -> Signoff:
    """From the run's own record to signoff.json and what is rendered from it, sealed."""
    plan = bundle.plan()
    played = bundle.believed()
    groundless = {spec.id: spec.groundless for spec in expected.manifest if not spec.grounded(grounds_of(config))}
    results = _gate_results(played, bundle.events(), expected, plan, request.selection, groundless)
    known_bad = outcomes_of(bundle, due(expected.defects, plan, results))
    gates = tuple(with_known_bad(gate, known_bad) for gate in results)
    subject = changed_since(before, see_subject(config))
    changed = bool(subject.changed)
    signoff = Signoff(
        schema_version=SCHEMA_VERSION,
        run_id=bundle.run_id,
        started_at=_utc(started),
        finished_at=_utc(time.time()),
        release=request.release,
        profile=request.profile,
        seed=request.seed,
        verdict=overall(gates, profile=request.profile, selection=request.selection, pinned=subject.is_pinned),
        exit_code=int(exit_code(gates, expected, request.selection, lab, interrupted=interrupted, changed=changed)),
        selection=request.selection,
        subject=subject,
        lab=lab,
        gates=gates,
        requirements=requirements_of(expected, gates),
        invariants_map=invariants_of(gates),
        evidence_classes=classes_of(gates),
        drills=tuple(played[play] for play in sorted(played, key=lambda p: p.scenario) if play.seed is not None),
        not_established=NOT_ESTABLISHED,
        known_bad=known_bad,
        exceptions=exceptions_in((*gates, *played.values())),
        interrupted=interrupted,
        repeat=repeat_command(request),
        setup_s=round(setup_s, 2),
        run_s=round(run_s, 2),
    )
    bundle.write("subject/environment.json", pretty(see_environment()))
    bundle.write("subject/signoff.toml", config.path.read_bytes())
    clean_unfinished(bundle, Redactor(config.secrets))
    bundle.write("signoff.json", pretty(signoff))
    for name, data in render.all_of(signoff):
        bundle.write(name, data)
    bundle.seal()
    return signoff


def clean_unfinished(bundle: Bundle, redactor: Redactor) -> None:
    """Logs of what a killed worker left: nobody has struck the secrets out of them yet."""
    for log in bundle.folder.rglob("logs/*.log"):
        if not (log.parent.parent / "verdict.json").is_file():
            redactor.clean_file(log)


def _gate_results(
    played: dict[Play, GateResult],
    events: list[RunEvent],
    expected: Expected,
    plan: Plan | None,
    selection: Selection,
    groundless: Mapping[str, str],
) -> list[GateResult]:
    """Every gate of the matrix: its result, or why there is none."""
    planned: dict[str, list[Play]] = {}
    for play in plan.plays if plan is not None else ():
        planned.setdefault(play.gate, []).append(play)
    built = sorted(set(planned) & set(expected.not_built))
    if built:
        raise EvidenceError(f"not_built.toml names gates that exist: {built}", hint="take them out of the list")
    results = []
    for gate in expected.gates:
        plays = planned.get(gate, [])
        own = [played[play] for play in plays if play in played]
        if gate in expected.not_built:
            results.append(missing(gate, expected, f"not built yet: {expected.not_built[gate]}"))
        elif not selection.takes(gate):
            results.append(missing(gate, expected, "not selected"))
        elif gate in groundless:
            results.append(missing(gate, expected, groundless[gate]))
        elif plan is None:
            results.append(missing(gate, expected, "nothing was planned: see ci/pytest.log"))
        elif not plays:
            results.append(missing(gate, expected, "no test declares this gate: renamed, or not collected"))
        elif plays[0].seed is not None:
            results.append(merge_plays(gate, own, plays, expected))
        elif own:
            results.append(own[0])
        else:
            counted = [sum(e.gate == gate and e.event == kind for e in events) for kind in ("started", "finished")]
            why = f"started {counted[0]} times, finished {counted[1]} times: skipped, or its worker died"
            results.append(missing(gate, expected, why))
    return results


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
