"""Step by step: what is reached with the reference subject, and where a subject that misbehaves is stopped, in words
that say what was sent, what came, what was expected, and where signoff.toml says so."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.host import ROOT
from harness.loading import load
from harness.reach import STEPS, Outcome, exit_code, reach
from harness.runner import prepare
from harness.setup import Setup
from harness.verdict import Exit
from tests.conftest import REFERENCE
from tests.main_job.project import signoff
from tests.main_job.test_misbehaviour import Case, left_behind, spoilt


def outcomes(setup: Setup, out: Path) -> dict[str, Outcome]:
    told: list[Outcome] = []
    gave = asyncio.run(reach(setup, out, told.append))
    assert gave == told, "each is told of once, in its order"
    return {outcome.step: outcome for outcome in told}


def test_a_failed_step_shows_its_details_below() -> None:
    lines = Outcome("token minted", "failed", "no", 0.5, (("sent", "POST /x"), ("came", "401"))).lines()
    assert lines == ["failed  token minted (0.50 s): no", "        sent:     POST /x", "        came:     401"]
    assert Outcome("desktop ready", "absent", "why").lines() == ["absent  desktop ready: why"]


def test_the_worst_decides_the_exit_code_and_nothing_reached_is_not_good() -> None:
    ready = Outcome("control ready", "ok")
    absent = Outcome("desktop ready", "absent")
    failed, misconfigured, no_lab = (
        Outcome("x", "failed", exit_code=code) for code in (Exit.UNDECIDED, Exit.USAGE, Exit.LAB)
    )
    assert exit_code([ready, absent]) == 0
    assert exit_code([ready, failed]) == 3
    assert exit_code([ready, failed, misconfigured]) == 2
    assert exit_code([ready, failed, misconfigured, no_lab]) == 4
    assert exit_code([Outcome("lab", "ok"), absent]) == exit_code([]) == 3


def test_a_step_needs_only_what_was_tried_before_it() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    for number, step in enumerate(STEPS):
        assert set(step.needs) <= set(names[:number]), step.name


@pytest.mark.lab
def test_all_is_reached_with_the_reference_subject() -> None:
    ended = signoff("doctor", "--subject", "--config", str(REFERENCE))
    assert ended.code == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * len(STEPS)
    assert not re.search(r"eyJ[\w-]{8}", ended.out), "no token is shown"


@pytest.mark.lab
@pytest.mark.parametrize(
    ("kind", "step", "words"),
    [
        ("dies-at-start", "runtime ready", ["runtime ended with 3 at its start", "PAYMENTS_URL", "[runtime] command"]),
        ("answers-html", "event published", ["no seq is in", "came:     200 <!doctype html>", "'data.seq'"]),
        ("redirects", "event published", ["redirects are not followed", "came:     307", "200 or 201"]),
        ("acknowledges-for-nothing", "event read back from the server", ["acknowledged", "0 rows", "last request at"]),
    ],
)
def test_where_a_runtime_that_misbehaves_is_stopped(kind: str, step: str, words: list[str], tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case(kind, "", "", 0))
    ended = signoff("doctor", "--subject", "--config", str(config))
    assert ended.code == 3, ended.out + ended.err
    (failed, *_) = re.findall(rf"^failed  {step}.*\n(?: {{8}}.*\n)+", ended.out, re.M)
    assert [word for word in ("sent:", "came:", "expected:", "see:", *words) if word not in failed] == [], failed
    assert "skipped runtime's connection" in ended.out or step.startswith("event read")
    assert not left_behind(tmp_path)


@pytest.mark.lab
@pytest.mark.parametrize(("kind", "code"), [("right", 0), ("trapped", 3)])
def test_a_subject_of_another_shape(kind: str, code: int) -> None:
    """Its own sessions, streams and tables, and no desktop; the one with traps mints what the server refuses."""
    folder = ROOT / "fixtures" / "subjects" / "openagents"
    env = {"OPENAGENTS_ROOT": str(folder)}
    env |= {f"OPENAGENTS_{part.upper()}": str(folder / kind / part) for part in ("control", "runtime")}
    ended = signoff("doctor", "--subject", "--config", str(folder.with_suffix(".toml")), env=env)
    assert ended.code == code, ended.out + ended.err
    assert "absent  desktop ready: signoff.toml has no [desktop]" in ended.out
    assert len(re.findall("^ok", ended.out, re.M)) == (10 if kind == "right" else 9)
    refused = re.findall("^failed  token accepted by the server.*\n.*alg HS256.*\n.*came: +401 ", ended.out, re.M)
    assert len(refused) == (kind == "trapped")


@pytest.mark.lab
def test_a_surface_that_is_not_there_is_absent_and_no_failure(tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case("forks", "", "", 0))
    config.write_text(config.read_text().partition("[desktop]")[0])
    found = outcomes(prepare(load(config)), tmp_path / "out")
    assert found["desktop ready"] == Outcome("desktop ready", "absent", "signoff.toml has no [desktop]")
    assert found["desktop subscribed"].said == "desktop ready is absent"
    assert exit_code(found.values()) == 0, found


@pytest.mark.lab
def test_a_placeholder_that_is_not_known_is_a_matter_of_the_configuration(tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case("forks", "", "", 0))
    config.write_text(config.read_text().replace('"Bearer {bearer}" }', '"Bearer {barer}" }'))
    found = outcomes(prepare(load(config)), tmp_path / "out")
    assert "did you mean {bearer}?" in found["token minted"].said
    assert exit_code(found.values()) == 2


@pytest.mark.lab
def test_a_lab_that_does_not_come_up_ends_it(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.lab.topology.program_hash", lambda wasm: "0" * 64)  # as if another program ran
    found = outcomes(setup, tmp_path)
    assert list(found) == ["lab"]
    assert exit_code(found.values()) == LabError.exit_code
