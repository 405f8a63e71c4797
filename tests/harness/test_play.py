"""One gate, played: every way to end becomes a verdict with a reason, within its limit."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gates.sabotage import DECOY
from harness.checkers.base import Checker, CheckResult
from harness.checkers.contract import ContractBroken
from harness.checkers.writes import LostWrite
from harness.errors import SubjectError
from harness.evidence.bundle import Bundle
from harness.evidence.requirements import Requirement
from harness.evidence.signoff import GateResult, Play
from harness.gate import Gate, Sabotage, Story
from harness.history import Contract, History
from harness.play import EXCHANGES, FINDINGS, FRAMES, play_gate
from harness.scenario import Scenario
from harness.setup import Chosen, Setup
from harness.verdict import Verdict
from harness.workload.traffic import Traffic, publish

pytestmark = pytest.mark.lab


CLAUSE = Requirement("X-01", "000", "scope 1", 1, "what is acknowledged is there", ("test/gate",))


def play(
    setup: Setup,
    tmp_path: Path,
    story: Story,
    checkers: tuple[Checker, ...] = (ContractBroken(),),
    *,
    sabotages: tuple[Sabotage, ...] = (),
    timeout_s: int = 60,
) -> GateResult:
    gate = Gate("test/gate", story, checkers, sabotages, timeout_s)
    bundle = Bundle.create(tmp_path, seed=1)
    result = play_gate(gate, setup, bundle, Chosen(), clauses=(CLAUSE,), repeat="signoff run --only test/gate")
    assert [event.event for event in bundle.events()] == ["started", "finished"]
    assert bundle.result(Play("test/gate")) == result
    return result


def note(scene: Scenario, expected: str, observed: str) -> None:
    scene.record.op("gate", "request", "ok" if expected == observed else "fail", data=Contract("c", expected, observed))


def test_a_green_story_passes_with_its_mutations_red(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "1", "1")

    result = play(setup, tmp_path, story)
    assert result.verdict is Verdict.PASS
    outcomes = [f.outcome for f in result.falsifications]
    assert "survived" not in outcomes
    assert outcomes.count("red") >= 2
    assert result.timings_ms.keys() >= {"lab", "story", "down", "judging"}
    assert not [path.name for name in (EXCHANGES, FRAMES, FINDINGS) for path in tmp_path.rglob(name)]


def test_a_finding_fails_and_says_what_came(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "good", "bad")

    result = play(setup, tmp_path, story)
    assert result.verdict is Verdict.FAIL
    assert "good" in result.reasons[0]
    assert "bad" in result.reasons[0]
    assert [len([*tmp_path.rglob(name)]) for name in (EXCHANGES, FRAMES, FINDINGS)] == [1, 1, 1]


def test_a_checker_that_raises_is_unknown(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(checker: ContractBroken, history: History) -> CheckResult:
        raise ZeroDivisionError("on purpose")

    async def story(scene: Scenario) -> None:
        note(scene, "1", "1")

    monkeypatch.setattr(ContractBroken, "check", raises)
    result = play(setup, tmp_path, story)
    assert result.verdict is Verdict.UNKNOWN
    assert "ZeroDivisionError" in result.reasons[0]


def test_a_story_without_records_is_unknown(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        return

    result = play(setup, tmp_path, story)
    assert result.verdict is Verdict.UNKNOWN
    assert "nothing to judge" in result.reasons[0]


def test_without_a_surface_that_it_needs_a_gate_is_missing_and_starts_nothing(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        raise AssertionError("must not be reached")

    without = replace(setup, config=setup.config.model_copy(update={"desktop": None}))
    gate = Gate("test/gate", story, (ContractBroken(),), (), 60, surfaces=("runtime", "desktop"))
    bundle = Bundle.create(tmp_path, seed=1)
    result = play_gate(gate, without, bundle, Chosen(), clauses=(), repeat="signoff run")
    assert (result.verdict, result.reasons) == (Verdict.MISSING, ("signoff.toml has no [desktop]",))
    assert result.timings_ms.keys() == {"down", "judging"}


def test_a_story_that_hangs_is_unknown_within_its_limit(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "1", "1")
        await asyncio.Event().wait()

    began = time.monotonic()
    result = play(setup, tmp_path, story, timeout_s=2)
    assert result.verdict is Verdict.UNKNOWN
    assert "no end within 2 s" in result.reasons[0]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("error", [SubjectError("it lies"), RuntimeError("a bug of the gate")])
def test_a_story_that_raises_is_unknown_with_the_reason(setup: Setup, tmp_path: Path, error: Exception) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "1", "1")
        raise error

    result = play(setup, tmp_path, story)
    assert result.verdict is Verdict.UNKNOWN
    assert str(error) in result.reasons[0]


def test_what_was_found_before_a_crash_still_fails(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "1", "2")
        raise SubjectError("it crashed")

    assert play(setup, tmp_path, story).verdict is Verdict.FAIL


def test_a_server_that_is_killed_during_a_gate_gives_a_verdict(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "1", "1")
        await scene.lab.server.kill()
        await scene.observer.count()

    began = time.monotonic()
    result = play(setup, tmp_path, story)
    assert result.verdict is Verdict.UNKNOWN
    assert "Unreachable" in result.reasons[0]
    assert time.monotonic() - began < 20


def test_the_server_killed_under_a_working_subject_is_no_hang(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        runtime = await scene.start_runtime()
        streams = scene.streams(1)
        traffic = Traffic(scene.rng, scene.nonce)
        await publish(runtime, traffic.events(streams, each=3))
        await scene.lab.server.kill()
        await publish(runtime, traffic.events(streams, each=3))
        await scene.observer.final_read(streams)

    began = time.monotonic()
    result = play(setup, tmp_path, story, (LostWrite(),))
    assert result.verdict is Verdict.UNKNOWN
    assert time.monotonic() - began < 30


def test_the_lab_that_does_not_start_is_told_apart(setup: Setup, tmp_path: Path) -> None:
    broken = tmp_path / "no-server"
    broken.write_text("#!/bin/sh\necho I am no server\nexit 3\n")
    broken.chmod(0o755)
    from msgspec.structs import replace

    parts = setup.components
    other = type(parts)(parts.provider, replace(parts.spacetimedb, path=str(broken)), parts.toxiproxy)

    async def story(scene: Scenario) -> None:
        raise AssertionError("must not be reached")

    result = play(Setup(setup.config, other, setup.wasm), tmp_path, story)
    assert (result.verdict, result.lab_failed) == (Verdict.UNKNOWN, True)
    assert "I am no server" in result.reasons[0]


def test_an_absent_surface_is_missing(setup: Setup, tmp_path: Path) -> None:
    bare = Setup(setup.config.model_copy(update={"runtime": None}), setup.components, setup.wasm)

    async def story(scene: Scenario) -> None:
        await scene.start_runtime()

    result = play(bare, tmp_path, story)
    assert (result.verdict, result.reasons) == (Verdict.MISSING, ("signoff.toml has no [runtime]",))


def test_a_sabotage_that_stays_green_makes_the_gate_unknown(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        note(scene, "1", "1")

    async def harmless(scene: Scenario) -> None:
        note(scene, "1", "1")

    result = play(setup, tmp_path, story, sabotages=(Sabotage("harmless", "I18", harmless),))
    assert result.verdict is Verdict.UNKNOWN
    assert "did not fire on the sabotage" in result.reasons[0]


def test_a_gate_that_is_red_by_itself_plays_no_sabotage(setup: Setup, tmp_path: Path) -> None:
    """A sabotage settles in vain for half a minute, and shows what is seen already."""
    played = []

    async def story(scene: Scenario) -> None:
        note(scene, "good", "bad")

    async def sabotage(scene: Scenario) -> None:
        played.append(scene.name)

    result = play(setup, tmp_path, story, sabotages=(Sabotage("never", "I18", sabotage),))
    assert (result.verdict, result.falsifications, played) == (Verdict.FAIL, (), [])


def test_the_decoy_is_a_twin_that_takes_the_subjects_writes(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: Scenario) -> None:
        runtime = await scene.start_runtime()
        streams = scene.streams(1)
        await publish(runtime, Traffic(scene.rng, scene.nonce).events(streams, each=2))
        await scene.settle(streams, 2)
        await scene.observer.final_read(streams)

    result = play(setup, tmp_path, story, (LostWrite(),), sabotages=(DECOY,))
    assert result.verdict is Verdict.PASS
    assert [(f.name, f.outcome) for f in result.falsifications if f.kind == "judged"] == [("decoy", "red")]


def test_no_token_gets_into_the_reasons(setup: Setup, tmp_path: Path) -> None:
    """A subject's own words, an answer or the end of a log, may hold one; reasons go to pages and terminals."""

    async def story(scene: Scenario) -> None:
        raise SubjectError(f"its log ends: {scene.runtime_token.token}")

    result = play(setup, tmp_path, story)
    assert "its log ends" in result.reasons[0]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and b"eyJ" in path.read_bytes()]
    assert written == []
