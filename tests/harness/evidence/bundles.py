"""A small sealed bundle, made from a judged history without a lab."""

from __future__ import annotations

from pathlib import Path

from harness.evidence import render
from harness.evidence.bundle import Bundle, RunEvent, pretty
from harness.evidence.judgement import CheckerSpec, GateSpec, SabotageSpec, judge_gate
from harness.evidence.requirements import Expected, Requirement
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    GateResult,
    LabSeen,
    ModuleSeen,
    Plan,
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


def history(observed: str, scenario: str = GATE) -> History:
    ops = [Op(n, n, "gate", "request", "ok", data=pack(Contract("c", "1", observed))) for n in range(3)]
    return History(Anchor(SCHEMA, scenario, 1, 1), ops)


def make(reports: Path, seed: int = 7) -> Bundle:
    """A sealed bundle of one passed gate and one that is not built."""
    bundle = Bundle.create(reports, seed=seed)
    bundle.write("plan.json", pretty(Plan(bundle.run_id, "smoke", seed, Selection(), (SPEC,))))
    bundle.note(RunEvent("started", GATE, 1, 1))
    green, red = history("1"), history("2", f"{GATE}#s")
    bundle.write(f"gates/{GATE}/history.jsonl", green.dump())
    bundle.write(f"gates/{GATE}/sabotage/s/history.jsonl", red.dump())
    bundle.write(f"gates/{GATE}/logs/runtime.log", b"a line\n")
    judged = judge_gate(SPEC, green, {"s": red})
    result = GateResult(
        GATE,
        judged.verdict,
        1.0,
        ("R-1",),
        checks=judged.checks,
        falsifications=judged.falsifications,
        counts={"request": 3},
        reasons=judged.reasons,
    )
    bundle.write(f"gates/{GATE}/verdict.json", pretty(result))
    bundle.write(f"gates/{GATE}/checks.json", pretty(result.checks))
    bundle.write(f"gates/{GATE}/falsification.json", pretty(result.falsifications))
    bundle.note(RunEvent("finished", GATE, 2, 1, judged.verdict.value, 1.0))
    gates = (result, missing("b/two", EXPECTED, "not built yet: later"))
    finish(bundle, signoff_of(bundle, gates, seed))
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
