"""A small sealed bundle, made from a judged history without a lab."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from harness.evidence import render
from harness.evidence.bundle import Bundle, RunEvent, pretty
from harness.evidence.defects import Defect
from harness.evidence.judgement import CheckerSpec, GateSpec, SabotageSpec, counts_of, judge_gate
from harness.evidence.known_bad import outcomes_of, twins_in, variant_in, with_known_bad
from harness.evidence.requirements import Expected, Requirement
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    GateResult,
    LabSeen,
    ModuleSeen,
    Plan,
    Profile,
    ProgramSeen,
    Selection,
    Signoff,
    SubjectSeen,
    TreeState,
    classes_of,
    exit_code,
    invariants_of,
    missing,
    overall,
    requirements_of,
)
from harness.history import SCHEMA, Anchor, Contract, History, Op, pack

GATE = "a/one"
SPEC = GateSpec(GATE, (CheckerSpec("contract-broken", "I18", {}),), (SabotageSpec("s", "I18"),))
EXPECTED = Expected(
    (Requirement("R-1", "000", "c", 1, "t", (GATE,)), Requirement("R-2", "000", "c", 2, "t", ("b/two",))),
    {"b/two": "later"},
    (SPEC,),
)


LAB = LabSeen("build", ProgramSeen("1", "a" * 64, "s"), ProgramSeen("1", "b" * 64, "s"), ModuleSeen("c" * 64, "d" * 64))


DEFECT = Defect("D1", "a known bug", "runtime", GATE, "I18", sha256="e" * 64)


def history(observed: str, scenario: str = GATE, *, marker: str | None = None) -> History:
    ops = [Op(n, n, "gate", "request", "ok", data=pack(Contract("c", "1", observed))) for n in range(3)]
    ops += [Op(3, 3, "runtime", "probe", "info", marker=marker)] if marker is not None else []
    return History(Anchor(SCHEMA, scenario, 1, 1), ops)


def play(
    bundle: Bundle,
    observed: str,
    *,
    seed: int,
    profile: Profile = "smoke",
    only: tuple[str, ...] = (),
    marker: str | None = None,
) -> None:
    """The gate, planned and played once."""
    bundle.write("plan.json", pretty(Plan(bundle.run_id, profile, seed, Selection(only), (SPEC,))))
    bundle.note(RunEvent("started", GATE, 1, 1))
    seen, red = history(observed, marker=marker), history("2", f"{GATE}#s")
    bundle.write(f"gates/{GATE}/history.jsonl", seen.dump())
    bundle.write(f"gates/{GATE}/sabotage/s/history.jsonl", red.dump())
    bundle.write(f"gates/{GATE}/logs/runtime.log", b"a line\n")
    judged = judge_gate(SPEC, seen, {"s": red})
    result = GateResult(
        GATE,
        judged.verdict,
        1.0,
        ("R-1",),
        checks=judged.checks,
        falsifications=judged.falsifications,
        counts=counts_of(seen),
        reasons=judged.reasons,
    )
    bundle.write(f"gates/{GATE}/verdict.json", pretty(result))
    bundle.write(f"gates/{GATE}/checks.json", pretty(result.checks))
    bundle.write(f"gates/{GATE}/falsification.json", pretty(result.falsifications))
    bundle.note(RunEvent("finished", GATE, 2, 1, judged.verdict.value, 1.0))


def make(reports: Path, seed: int = 7) -> Bundle:
    """A sealed bundle of one passed gate and one that is not built."""
    bundle = Bundle.create(reports, seed=seed)
    play(bundle, "1", seed=seed)
    (result,) = bundle.believed().values()
    gates = (result, missing("b/two", EXPECTED, "not built yet: later"))
    finish(bundle, signoff_of(bundle, gates, seed))
    return bundle


def make_with_known_bad(reports: Path, *, twin: str = "1", variant: str = "2", marker: str = DEFECT.marker) -> Bundle:
    """The same of profile standard, with a known bug of the gate and its twin, by what each of them answered."""
    bundle = Bundle.create(reports, seed=7)
    play(bundle, "1", seed=7, profile="standard")
    play(twins_in(bundle), twin, seed=1, only=(GATE,))
    play(variant_in(bundle, DEFECT), variant, seed=1, only=(GATE,), marker=marker)
    variant_in(bundle, DEFECT).write("defect.json", pretty(DEFECT))
    outcomes = outcomes_of(bundle, (DEFECT,))
    (result,) = bundle.believed().values()
    gates = (with_known_bad(result, outcomes), missing("b/two", EXPECTED, "not built yet: later"))
    signoff = signoff_of(bundle, gates)
    finish(bundle, replace(signoff, profile="standard", known_bad=outcomes))
    return bundle


def signoff_of(bundle: Bundle, gates: tuple[GateResult, ...], seed: int = 7) -> Signoff:
    return Signoff(
        schema_version=1,
        run_id=bundle.run_id,
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:01:00Z",
        release="1.0",
        profile="smoke",
        seed=seed,
        verdict=overall(gates, profile="smoke", selection=Selection(), pinned=True),
        exit_code=int(exit_code(gates, EXPECTED, Selection(), LAB, interrupted=False)),
        selection=Selection(),
        subject=SubjectSeen("s", TreeState("c" * 40, False), ()),
        lab=LAB,
        gates=gates,
        requirements=requirements_of(EXPECTED, gates),
        invariants_map=invariants_of(gates),
        evidence_classes=classes_of(gates),
        not_established=NOT_ESTABLISHED,
    )


def finish(bundle: Bundle, signoff: Signoff) -> None:
    """Write a signoff and all that is rendered from it, and seal."""
    bundle.write("signoff.json", pretty(signoff))
    for name, data in render.all_of(signoff):
        bundle.write(name, data)
    bundle.seal()
