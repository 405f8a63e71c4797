"""Judges one play again, from what it recorded alone: its checks, its falsifications, its drawings, its schedule.

problems = judge_again(bundle, result, plan)
"""

from __future__ import annotations

import msgspec

from harness.canonical import UNREADABLE
from harness.errors import EvidenceError
from harness.evidence.bundle import Bundle, pretty
from harness.evidence.drawing import drawings
from harness.evidence.judgement import counts_of, exceptions_of, floors_of, judge_gate, trouble_of, windows_of
from harness.evidence.signoff import GateResult, Plan
from harness.verdict import Verdict


def judge_again(bundle: Bundle, result: GateResult, plan: Plan | None) -> list[str]:
    """What differs from the play's result, in words."""
    spec = next((spec for spec in plan.gates if spec.id == result.id), None) if plan is not None else None
    if spec is None:
        return [f"{result.id}: it has a verdict, but no plan"]
    try:
        history, sabotaged = bundle.histories(spec, result.play)
        again = judge_gate(spec, history, sabotaged)
    except (OSError, EvidenceError) as error:
        return [f"{result.id}: its history cannot be judged again: {error}"]
    problems = []
    for name, recorded in (("checks", result.checks), ("falsification", result.falsifications)):
        path = bundle.folder_of(result.play) / f"{name}.json"
        if not path.is_file() or path.read_bytes() != pretty(recorded):
            problems.append(f"{result.play.base}/{name}.json: it does not say what signoff.json says")
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
    if result.trouble != trouble_of(history):
        problems.append(f"{result.id}: its trouble is not that of its history")
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
