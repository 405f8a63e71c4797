"""Falsification (c): known bugs of the reference subject, played in the same run, and whether the gates saw them.

Each variant has a bundle of its own inside the run's, as the run's gates have; beside them one with the green twins,
which are the same gates on the reference without a bug. A variant counts as caught only when its gate is red for the
named invariant, after the variant's marker was received, beside a green twin. A crash, a time-out or a failed set-up is
NO RESULT, never a catch. A gate whose known bugs are not all caught has not shown that it can fail: UNKNOWN.

    known-bad/reference/{plan.json, record.jsonl, gates/...}    the twins
    known-bad/D01/{defect.json, plan.json, record.jsonl, gates/...}

    outcomes = outcomes_of(bundle, due(expected.defects, plan, results))
    gate = with_known_bad(gate, outcomes)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from harness.errors import EvidenceError
from harness.evidence.bundle import INSIDE, Bundle
from harness.evidence.defects import Caught, Defect, Outcome
from harness.evidence.judgement import Falsification
from harness.evidence.judgement import Outcome as Attempt
from harness.evidence.signoff import GateResult, Plan, Profile
from harness.verdict import Verdict

PROFILES: frozenset[Profile] = frozenset({"standard", "release"})
"""Those whose runs play the known bugs: a smoke run is short, and never says GO."""
SEED = 1  # the schedules that the variants' table was made with
DEFECT = "defect.json"
_ATTEMPTS: dict[Caught, Attempt] = {"CAUGHT": "red", "SURVIVED": "survived", "NO RESULT": "no-result"}


def gates_of(defects: Iterable[Defect]) -> tuple[str, ...]:
    """The gates that must see them, each once, in their order."""
    return tuple(dict.fromkeys(defect.gate for defect in defects))


def twins_in(bundle: Bundle) -> Bundle:
    """The bundle of the green twins, inside the run's."""
    return Bundle(bundle.folder / INSIDE / "reference")


def variant_in(bundle: Bundle, defect: Defect) -> Bundle:
    """The bundle of one variant, inside the run's."""
    return Bundle(bundle.folder / INSIDE / defect.id)


def due(defects: Iterable[Defect], plan: Plan | None, results: Iterable[GateResult]) -> tuple[Defect, ...]:
    """What a run must have played: the defects of each gate that it decided on servers of its own."""
    if plan is None or plan.profile not in PROFILES:
        return ()
    decided = {result.id for result in results if result.verdict is not Verdict.MISSING}
    here = decided & {spec.id for spec in plan.gates if "lab" in spec.on}
    return tuple(defect for defect in defects if defect.gate in here)


def outcomes_of(bundle: Bundle, defects: Sequence[Defect]) -> tuple[Outcome, ...]:
    """What became of each, by its own bundle. EvidenceError for one that cannot be read."""
    twins = _played(twins_in(bundle), gates_of(defects))
    variants = ((defect, _played(variant_in(bundle, defect), (defect.gate,))) for defect in defects)
    return tuple(judge_variant(defect, twins.get(defect.gate), own.get(defect.gate)) for defect, own in variants)


class Played(NamedTuple):
    """What a play came to, and the first two words of each marker that it recorded."""

    result: GateResult
    markers: tuple[str, ...]


def _played(bundle: Bundle, gates: Collection[str]) -> dict[str, Played]:
    """The plays of these gates: each was played once, a drill with one seed."""
    results = (result for play, result in bundle.believed().items() if play.gate in gates)
    return {result.id: Played(result, _markers(bundle, result)) for result in results}


def _markers(bundle: Bundle, result: GateResult) -> tuple[str, ...]:
    try:
        history = bundle.history(result.play)
    except (OSError, EvidenceError):
        return ()
    return tuple(" ".join(op.marker.split()[:2]) for op in history.ops if op.marker)


def judge_variant(defect: Defect, twin: Played | None, variant: Played | None) -> Outcome:
    """Whether the gate caught it, and how we know."""

    def outcome(caught: Caught, reason: str) -> Outcome:
        return Outcome(defect.id, defect.gate, defect.invariant, caught, reason)

    if twin is None or variant is None:
        whose = "its twin" if twin is None else "the variant"
        return outcome("NO RESULT", f"{defect.gate} left no result on {whose}: see its ci/pytest.log")
    if twin.result.verdict is not Verdict.PASS:
        return outcome("NO RESULT", f"the green twin of {defect.gate} is {twin.result.verdict.value}")
    if twin.markers:
        return outcome("NO RESULT", f"the green twin of {defect.gate} has a bug itself: {twin.markers[0]!r}")
    if defect.marker not in variant.markers:
        return outcome("NO RESULT", f"the marker {defect.marker!r} was not received")
    if variant.result.trouble:
        return outcome("NO RESULT", variant.result.trouble)
    findings = [finding for check in variant.result.checks for finding in check.findings]
    named = [finding for finding in findings if finding.invariant == defect.invariant]
    verdict = variant.result.verdict
    if verdict is Verdict.FAIL and named:
        return outcome("CAUGHT", f"{defect.invariant}: {named[0].message}")
    others = sorted({finding.invariant for finding in findings}) or "nothing"
    reason = f"{defect.gate} is {verdict.value}, {defect.invariant} did not fire (fired: {others})"
    return outcome("SURVIVED", reason)


def with_known_bad(gate: GateResult, outcomes: Sequence[Outcome]) -> GateResult:
    """The gate with what its known bugs showed: its PASS stands only when each of them was caught."""
    own = [outcome for outcome in outcomes if outcome.gate == gate.id]
    if not own:
        return gate
    tried = tuple(Falsification("known-bad", "", one.defect, one.invariant, _ATTEMPTS[one.caught]) for one in own)
    open_ones = tuple(f"known bug {one.defect}: {one.caught}: {one.reason}" for one in own if one.caught != "CAUGHT")
    passed = gate.verdict is Verdict.PASS
    return msgspec.structs.replace(
        gate,
        verdict=Verdict.UNKNOWN if passed and open_ones else gate.verdict,
        falsifications=(*gate.falsifications, *tried),
        reasons=(*gate.reasons, *open_ones),
    )
