"""Plays one gate: its story on a fresh scenario, its sabotages, then the judgement from what was recorded.

Every way to end becomes a verdict with a reason: a surface that is absent is MISSING; a subject that misbehaves,
a limit that passes, a server that dies are UNKNOWN, unless the history already shows a violation (FAIL).

    result = play_gate(gate, setup, bundle, Chosen(seed=7719), clauses=clauses, repeat="signoff run ...")
"""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from harness.errors import EvidenceError, HarnessError, LabError, SubjectError, UserError, WireError
from harness.evidence import exchanges, frames
from harness.evidence.bundle import HISTORY, Bundle, RunEvent, pretty
from harness.evidence.drawing import drawings
from harness.evidence.exchanges import Exchange
from harness.evidence.findings import GateReport, report
from harness.evidence.frames import Frame
from harness.evidence.judgement import (
    GateSpec,
    Ground,
    Judgement,
    counts_of,
    exceptions_of,
    floors_of,
    is_red,
    judge_gate,
    trouble_of,
    windows_of,
)
from harness.evidence.recorder import note_trouble
from harness.evidence.redact import Redactor
from harness.evidence.requirements import Requirement
from harness.evidence.signoff import GateResult, Play
from harness.gate import Gate, Sabotage
from harness.history import History
from harness.remote_scenario import RemoteScenario
from harness.scenario import Scenario
from harness.setup import Chosen, Setup
from harness.staging import AbsentSurface, absence
from harness.subject import grounds_of
from harness.verdict import Verdict

EXCHANGES, FRAMES, FINDINGS = "exchanges.jsonl", "frames.jsonl", "findings.md"
LOG_BEFORE_BYTES, LOG_AFTER_BYTES = 1_200, 600


class _NewScenario(Protocol):
    def __call__(self, setup: Setup, name: str, *, out: Path, chosen: Chosen) -> Scenario: ...


_SCENARIOS: Mapping[Ground, _NewScenario] = {
    "lab": Scenario,
    "remote": RemoteScenario,
    "source": partial(Scenario, lab=False),
}
"""What a gate is played in, by the ground that it stands on."""


class _Stage:
    """How far a story came, and what went wrong."""

    def __init__(self, redactor: Redactor) -> None:
        self.trouble = ""
        self.absent = False
        self.redactor = redactor
        self.lab_failed = False
        self.timings_ms: dict[str, float] = {}
        self.exchanges: list[Exchange] = []
        self.frames: Callable[[], list[Frame]] = list
        self._since = time.monotonic()

    def lap(self, what: str) -> None:
        now = time.monotonic()
        self.timings_ms[what] = round((now - self._since) * 1000, 1)
        self._since = now


def play_gate(
    gate: Gate,
    setup: Setup,
    bundle: Bundle,
    chosen: Chosen,
    *,
    clauses: tuple[Requirement, ...],
    repeat: str,
) -> GateResult:
    """The result of one play, written into the bundle before it is returned. `clauses` are what the gate decides."""
    started = time.monotonic()
    play = Play(gate.id, chosen.seed if gate.drill else None)
    bundle.note(RunEvent("started", gate.id, time.monotonic_ns(), os.getpid(), seed=play.seed))
    spec = gate.spec().grounded(grounds_of(setup.config))
    if spec is None:
        raise HarnessError(f"{gate.id} was planned, and has no ground to stand on")
    stage = _Stage(Redactor(setup.config.secrets))
    absent = [name for name in gate.surfaces if name not in setup.config.surfaces]
    if absent:
        stage.trouble, stage.absent = absence(absent[0]), True
    else:
        asyncio.run(_perform(gate, spec, setup, play, bundle.folder_of(play), chosen, stage))
    stage.lap("down")
    stage.trouble = stage.redactor.clean(stage.trouble)  # it may quote an answer or a log
    if stage.trouble and not stage.absent:
        note_trouble(bundle.folder_of(play) / HISTORY, stage.trouble)
    judgement, history = _judge(spec, play, bundle, stage)
    stage.lap("judging")
    result = GateResult(
        id=gate.id,
        verdict=judgement.verdict,
        duration_s=round(time.monotonic() - started, 3),
        requirements=tuple(clause.id for clause in clauses),
        floors=floors_of(spec),
        counts=counts_of(history) if history is not None else {},
        checks=judgement.checks,
        falsifications=judgement.falsifications,
        reasons=judgement.reasons,
        timings_ms=stage.timings_ms,
        trouble=trouble_of(history) if history is not None else stage.trouble,
        lab_failed=stage.lab_failed,
        repeat=repeat,
        seed=play.seed,
        windows=windows_of(history) if history is not None else (),
        exceptions=exceptions_of(history) if history is not None else (),
    )
    _write(bundle, result)
    if history is not None and result.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        _write_findings(bundle, result, history, stage, clauses)
    if history is not None and play.seed is not None:
        for name, data in drawings(history, result.windows):
            bundle.write(f"{play.base}/{name}", data)
    summary = result.reasons[0][:300] if result.reasons else ""
    bundle.note(
        RunEvent(
            "finished",
            gate.id,
            time.monotonic_ns(),
            os.getpid(),
            result.verdict.value,
            result.duration_s,
            summary,
            play.seed,
        )
    )
    return result


async def _perform(
    gate: Gate, spec: GateSpec, setup: Setup, play: Play, out: Path, chosen: Chosen, stage: _Stage
) -> None:
    """The story and its sabotages; never raises but for an interrupt and for evidence that cannot be written."""
    scenario = _SCENARIOS[spec.on[0]]
    try:
        async with asyncio.timeout(gate.timeout_s):
            async with scenario(setup, play.scenario, chosen=chosen, out=out) as scene:
                stage.redactor = scene.record.redactor
                stage.lap("lab")
                try:
                    await gate.story(scene)
                    if scenario is Scenario:
                        await scene.account()
                finally:
                    stage.exchanges, stage.frames = scene.exchanges(), scene.frames()
                    await scene.clean_up()
                    await scene.note_markers()
                    stage.lap("story")
                if gate.sabotages and is_red(spec, scene.record.history()):
                    scene.record.close()  # it has gone red by itself: no sabotage need show that it can
                    return
                for sabotage in gate.sabotages:
                    scene.record.begin(out / "sabotage" / sabotage.name / HISTORY, f"{play.scenario}#{sabotage.name}")
                    await _sabotage(sabotage, scene)
                stage.lap("sabotage")
    except TimeoutError:
        stage.trouble = f"no end within {gate.timeout_s} s: something hangs; the history shows how far it came"
    except AbsentSurface as error:
        stage.trouble, stage.absent = str(error), True
    except LabError as error:
        stage.trouble, stage.lab_failed = f"the lab: {error}", True
    except (SubjectError, WireError, UserError) as error:
        stage.trouble = f"{type(error).__name__}: {error}"
    except EvidenceError:
        raise
    except BaseExceptionGroup as group:
        first = group.exceptions[0]
        stage.trouble, stage.lab_failed = f"{type(first).__name__}: {first}", isinstance(first, LabError)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        stage.trouble = f"the gate raised {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"


async def _sabotage(sabotage: Sabotage, scene: Scenario) -> None:
    """What a sabotage cannot do to this subject is noted in its history, which then stays green: UNKNOWN, unless the
    story has failed already."""
    try:
        await sabotage.play(scene)
    except (SubjectError, WireError) as error:
        scene.record.op("gate", "settle", "info", error=f"the sabotage could not be played: {error}")


def _judge(spec: GateSpec, play: Play, bundle: Bundle, stage: _Stage) -> tuple[Judgement, History | None]:
    """The judgement, and the history that it stands on."""
    if stage.absent:
        return Judgement(Verdict.MISSING, (), (), (stage.trouble,)), None
    try:
        history, sabotaged = bundle.histories(spec, play)
    except OSError:
        return Judgement(Verdict.UNKNOWN, (), (), (stage.trouble or "nothing was recorded",)), None
    except EvidenceError as error:
        return Judgement(Verdict.UNKNOWN, (), (), (f"the history cannot be read: {error}",)), None
    return judge_gate(spec, history, sabotaged), history


def _write_findings(
    bundle: Bundle, result: GateResult, history: History, stage: _Stage, clauses: tuple[Requirement, ...]
) -> None:
    """What was exchanged, what crossed, and the page that tells of each finding with it."""
    asked = exchanges.cleaned(stage.exchanges, stage.redactor)
    crossed = frames.cleaned(stage.frames(), stage.redactor)
    base, logs = result.play.base, bundle.folder_of(result.play) / "logs"
    bundle.write(f"{base}/{EXCHANGES}", exchanges.dump(asked))
    bundle.write(f"{base}/{FRAMES}", frames.dump(crossed))
    page = report(GateReport(result, history, asked, crossed, clauses, _log_around(logs)))
    bundle.write(f"{base}/{FINDINGS}", page)


def _log_around(logs: Path) -> Callable[[str, int], str]:
    """Whole lines of a surface's log around an offset. The log was cleaned meanwhile: what was struck out moves what
    follows by a little."""

    def around(surface: str, at: int) -> str:
        path = logs / f"{surface}.log"
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            start = max(0, at - LOG_BEFORE_BYTES)
            file.seek(start)
            text = file.read(LOG_BEFORE_BYTES + LOG_AFTER_BYTES).decode("utf-8", "replace")
        return text.partition("\n")[2] if start else text

    return around


def _write(bundle: Bundle, result: GateResult) -> None:
    base = result.play.base
    bundle.write(f"{base}/verdict.json", pretty(result))
    bundle.write(f"{base}/checks.json", pretty(result.checks))
    bundle.write(f"{base}/falsification.json", pretty(result.falsifications))
    bundle.write(f"{base}/repro.sh", f"#!/bin/sh\n# Plays this gate again.\n{result.repeat}\n".encode())
