"""Judges one gate from its histories: the checks, the falsifications, the verdict. Used by the run and by `verify`.

Pure. A check passes only beside proof that it can fail: each checker's mutations of this very history must
fire its invariant (falsification (a)), and each sabotage's history must (falsification (b)). A survivor, a
checker without any victim, or a sabotage that stayed green makes the gate UNKNOWN.

    judgement = judge_gate(spec, history, {"decoy": sabotaged})
    judgement.verdict
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from harness.checkers import build
from harness.checkers.base import Checker, CheckResult, fired, judge
from harness.checkers.coverage import IdleRun
from harness.checkers.paths import UnproxiedPath
from harness.history import Contract, Faulted, Healed, History, Op, Record, unpack
from harness.verdict import Verdict, merge

EXCEPTION = "exception"  # the process of an Op that tells of one
Outcome = Literal["red", "survived", "no-victim", "no-result"]
Ground = Literal["lab", "remote", "source"]
"""What a gate stands on: servers of the lab's own behind its proxies, a server that runs already, or files alone."""

_NO_GROUND: dict[Ground, str] = {
    "lab": "[lab] provider 'remote' has no server of the lab's own, and no Toxiproxy before the remote one",
    "remote": "signoff.toml has no [lab.remote] with url, database and token of a server that runs already",
    "source": "no source tree",
}


class CheckerSpec(Record, frozen=True):
    """A checker by name, with all its parameters."""

    checker: str
    invariant: str
    params: dict[str, object]


class SabotageSpec(Record, frozen=True):
    name: str
    invariant: str


class GateSpec(Record, frozen=True):
    """What decides a gate: it stands in gates/manifest.json, and in each run's plan. A `drill` is played once for each
    seed of the profile, and each play is judged by itself. `on` are the grounds that it can stand on, best first."""

    id: str
    checkers: tuple[CheckerSpec, ...]
    sabotages: tuple[SabotageSpec, ...] = ()
    drill: bool = False
    on: tuple[Ground, ...] = ("lab",)

    def grounded(self, grounds: Collection[Ground]) -> GateSpec | None:
        """The gate on the first of its grounds that is there, None when none is. Whether a connection went past its
        proxy is judged where the lab has proxies, and nowhere else."""
        ground = next((one for one in self.on if one in grounds), None)
        if ground is None:
            return None
        checkers = tuple(part for part in self.checkers if ground == "lab" or part.checker != UnproxiedPath.name)
        return msgspec.structs.replace(self, checkers=checkers, on=(ground,))

    @property
    def groundless(self) -> str:
        """Why it could not be played, when none of its grounds is there."""
        return _NO_GROUND[self.on[0]]


class Falsification(Record, frozen=True):
    """One attempt to see a gate go red. `kind` is "judge" (a mutated history), "judged" (a sabotage) or "known-bad" (a
    known bug of the reference subject, named by its defect)."""

    kind: Literal["judge", "judged", "known-bad"]
    checker: str
    name: str
    invariant: str
    outcome: Outcome


class WindowSeen(Record, frozen=True):
    """One window of a drill, out of its history: when it was open, in ms after the anchor, and its witness."""

    name: str
    kind: str
    target: str
    from_ms: int
    until_ms: int | None
    traffic: int = 0
    effect: str = ""
    measured: float = 0.0
    needed: float = 0.0


class Judgement(Record, frozen=True):
    """`reasons` says, in words, what keeps the verdict from PASS."""

    verdict: Verdict
    checks: tuple[CheckResult, ...]
    falsifications: tuple[Falsification, ...]
    reasons: tuple[str, ...] = ()


def judge_gate(spec: GateSpec, history: History, sabotaged: Mapping[str, History]) -> Judgement:
    """The judgement of one gate. What went wrong while it was played makes it UNKNOWN at best."""
    trouble = trouble_of(history)
    checkers = _build(spec)
    checks = _checks(spec, checkers, history)
    failed = any(check.verdict is Verdict.FAIL for check in checks)
    findings = [f"{finding.invariant} {c.checker}: {finding.message}" for c in checks for finding in c.findings]
    troubles = [trouble] if trouble else []
    # What went wrong explains why too little was done; but a violation is what a reader must see first.
    reasons = findings + troubles if failed else troubles + findings
    reasons += [
        f"{c.invariant} {c.checker}: {c.reason}" for c in checks if c.verdict is Verdict.UNKNOWN and not c.findings
    ]
    verdicts = [check.verdict for check in checks] + ([Verdict.UNKNOWN] if trouble else [])
    if merge(verdicts) is not Verdict.PASS:
        return Judgement(merge(verdicts), checks, (), tuple(reasons))
    attempts = (*_by_mutation(checkers, history), *_by_sabotage(spec, checkers, sabotaged))
    unproven = _unproven(checkers, attempts)
    return Judgement(Verdict.UNKNOWN if unproven else Verdict.PASS, checks, attempts, tuple(unproven))


def is_red(spec: GateSpec, history: History) -> bool:
    """Whether some check fails already: then nothing else need show that the gate can."""
    return any(check.verdict is Verdict.FAIL for check in _checks(spec, _build(spec), history))


def _build(spec: GateSpec) -> list[Checker]:
    return [build(part.checker, part.params) for part in spec.checkers]


def _checks(spec: GateSpec, checkers: list[Checker], history: History) -> tuple[CheckResult, ...]:
    return tuple(
        msgspec.structs.replace(judge(checker, history), params=part.params)
        for checker, part in zip(checkers, spec.checkers, strict=True)
    )


def trouble_of(history: History) -> str:
    """What went wrong while the gate was played, by its last Op; "" when nothing did."""
    return next((op.error or "it is not said" for op in reversed(history.of("trouble"))), "")


def counts_of(history: History) -> dict[str, int]:
    """ok Ops by kind."""
    return dict(Counter(op.f for op in history.ops if op.phase == "ok"))


def exceptions_of(history: History) -> tuple[str, ...]:
    """The exceptions that cover something of this gate: what it would be red for without them."""
    told = (unpack(op, Contract).clause for op in history.of("request") if op.process == EXCEPTION and op.phase == "ok")
    return tuple(sorted(set(told)))


def windows_of(history: History) -> tuple[WindowSeen, ...]:
    """Every fault window in the order in which they began; `until_ms` is None for one that was never healed."""
    healed = {op.fault: op for op in history.of("fault_off") if op.data is not msgspec.UNSET}
    found = []
    for op in history.of("fault_on"):
        if op.data is msgspec.UNSET or op.fault is None:
            continue
        on, off = unpack(op, Faulted), healed.get(op.fault)
        seen = unpack(off, Healed) if off is not None else None
        found.append(
            WindowSeen(
                op.fault,
                on.kind,
                on.target,
                since_start_ms(history, op),
                since_start_ms(history, off) if off is not None else None,
                seen.traffic if seen else 0,
                seen.effect if seen else "",
                seen.measured if seen else 0.0,
                seen.needed if seen else 0.0,
            )
        )
    return tuple(found)


def since_start_ms(history: History, op: Op) -> int:
    """When an Op was recorded, in ms after the anchor of its history."""
    return (op.t_ns - history.anchor.t_ns) // 1_000_000


def floors_of(spec: GateSpec) -> dict[str, int]:
    """The gate's floors, by kind."""
    found = next((part.params.get("floors") for part in spec.checkers if part.checker == IdleRun.name), None)
    return dict(found) if isinstance(found, dict) else {}


def _by_mutation(checkers: list[Checker], history: History) -> list[Falsification]:
    found = []
    for checker in checkers:
        for mutation in checker.mutations():
            mutated = mutation.mutate(history)
            outcome: Outcome
            if mutated is None:
                outcome = "no-victim"
            else:
                outcome = "red" if fired(judge(checker, mutated)) else "survived"
            found.append(Falsification("judge", checker.name, mutation.name, checker.invariant, outcome))
    return found


def _by_sabotage(spec: GateSpec, checkers: list[Checker], sabotaged: Mapping[str, History]) -> list[Falsification]:
    found = []
    for sabotage in spec.sabotages:
        history = sabotaged.get(sabotage.name)
        outcome: Outcome = "no-victim"
        named = [checker for checker in checkers if checker.invariant == sabotage.invariant]
        if history is not None and named:
            outcome = "red" if any(fired(judge(checker, history)) for checker in named) else "survived"
        names = "+".join(checker.name for checker in named)
        found.append(Falsification("judged", names, sabotage.name, sabotage.invariant, outcome))
    return found


def _unproven(checkers: list[Checker], attempts: tuple[Falsification, ...]) -> list[str]:
    """Why the gate has not shown that it can fail; empty when it has."""
    reasons = [
        f"{a.invariant} did not fire on {'a mutated history' if a.kind == 'judge' else 'the sabotage'} ({a.name})"
        for a in attempts
        if a.outcome == "survived" or (a.kind == "judged" and a.outcome == "no-victim")
    ]
    for checker in checkers:
        outcomes = {a.outcome for a in attempts if a.kind == "judge" and a.checker == checker.name}
        if "red" not in outcomes and "survived" not in outcomes:
            reasons.append(f"{checker.invariant} {checker.name} could not be shown to fail: no mutation found a victim")
    return reasons
