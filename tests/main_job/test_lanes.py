"""The lanes of the lab: one seed gives the same verdicts in containers as in processes, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from harness.host import ROOT
from harness.lab import build, engine
from harness.lab.providers import Components
from harness.wait import wait_until
from tests.main_job.project import run, signoff

pytestmark = pytest.mark.docker

DRILL = "chaos/node-restart"
GATES = ("sync/runtime-to-desktop", "sync/two-client-handshake", "module/published", DRILL)
PROVIDER = 'provider = "auto"'


def subject_in(folder: Path, lab: str) -> Path:
    """The reference subject, with another [lab]."""
    shutil.copytree(ROOT / "fixtures" / "reference", folder, ignore=shutil.ignore_patterns("__pycache__", "target"))
    config = folder / "signoff.toml"
    text = config.read_text()
    assert PROVIDER in text
    config.write_text(text.replace(PROVIDER, lab))
    return config


@pytest.mark.timeout(720)  # three runs of half a minute each, and a machine that does other things too
def test_the_same_seed_gives_the_same_verdicts_in_every_lane(contained: Components, tmp_path: Path) -> None:
    """And the same schedule; the report names the provider, and in the docker lane the image by its digest."""
    given = f'provider = "binary"\nspacetimedb = "{build.spacetimedb().path}"\ntoxiproxy = "{build.toxiproxy().path}"'
    verdicts, schedules = {}, set()
    for provider, lab in (("docker", 'provider = "docker"'), ("build", 'provider = "build"'), ("binary", given)):
        reports = tmp_path / provider
        ended, gates = run(ROOT, reports, *GATES, config=subject_in(tmp_path / f"subject-{provider}", lab), jobs=2)
        assert ended.code == 0, ended.out + ended.err
        verdicts[provider] = {name: gates[name]["verdict"] for name in GATES}
        schedules.add((reports / "latest" / "drills" / DRILL / "1" / "schedule.json").read_bytes())
        seen = json.loads((reports / "latest" / "signoff.json").read_bytes())["lab"]
        assert (seen["provider"], seen["server"]["sha256"]) == (provider, build.spacetimedb().sha256)
        images = [seen[name].get("image", "") for name in ("server", "toxiproxy")]
        expected = [contained.spacetimedb.image, contained.toxiproxy.image] if provider == "docker" else ["", ""]
        assert images == expected
        assert all(image in (reports / "latest" / "SIGNOFF.md").read_text() for image in images)
    assert verdicts["docker"] == verdicts["build"] == verdicts["binary"] == dict.fromkeys(GATES, "PASS")
    assert len(schedules) == 1


def containers(run_id: str) -> list[str]:
    words = ["ps", "--all", "--filter", f"label=signoff.run={run_id}", "--format", "{{.Names}}"]
    return engine.ask(words).split()


async def _play_until_two_run(tmp_path: Path, child: subprocess.Popen[str]) -> str:
    """The run's id, once a server and a Toxiproxy of it are up and its drill goes on."""

    async def playing() -> str:
        assert child.poll() is None, child.communicate()[0]
        for history in tmp_path.glob(f"reports/runs/*/drills/{DRILL}/1/history.jsonl"):
            run_id = history.relative_to(tmp_path).parts[2]
            if history.stat().st_size > 2_000 and len(containers(run_id)) == 2:
                return run_id
        return ""

    return await wait_until(playing, timeout_ms=120_000, what="the drill to be playing in containers")


@pytest.mark.parametrize("ended_by", ["Ctrl-C", "SIGKILL of the run", "SIGKILL of its worker"])
def test_no_container_outlives_its_run(contained: Components, tmp_path: Path, ended_by: str) -> None:
    config = subject_in(tmp_path / "subject", 'provider = "docker"')
    words = ["run", "--config", str(config), "--only", DRILL, "--profile", "smoke", "--out", str(tmp_path / "reports")]
    child = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    run_id = asyncio.run(_play_until_two_run(tmp_path, child))
    if ended_by == "SIGKILL of its worker":
        record = (tmp_path / "reports" / "runs" / run_id / "record.jsonl").read_text().splitlines()
        psutil.Process(json.loads(record[-1])["pid"]).kill()
    else:
        child.send_signal(signal.SIGINT if ended_by == "Ctrl-C" else signal.SIGKILL)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == {"Ctrl-C": 130, "SIGKILL of the run": -9, "SIGKILL of its worker": 3}[ended_by], out

    async def none() -> bool:
        return not containers(run_id)

    asyncio.run(wait_until(none, timeout_ms=20_000, what="the run's containers to be removed"))


def test_the_doctor_sees_the_engine_and_comes_up_with_it(contained: Components, tmp_path: Path) -> None:
    ended = signoff("doctor", "--config", str(subject_in(tmp_path / "subject", 'provider = "docker"')))
    assert ended.code == 0, ended.out
    assert f"present docker engine {engine.ready().version}" in ended.out


def test_without_an_engine_the_doctor_and_a_run_say_so(tmp_path: Path) -> None:
    config = subject_in(tmp_path / "subject", 'provider = "docker"')
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    doctor = signoff("doctor", "--config", str(config), env=nowhere)
    assert doctor.code == 4
    assert "absent  docker engine" in doctor.out
    assert "FAILED  servers: no docker engine answers" in doctor.out
    ended = signoff("run", "--config", str(config), "--out", str(tmp_path / "reports"), env=nowhere)
    assert ended.code == 4
    assert "no docker engine answers" in ended.err
    assert not (tmp_path / "reports").exists()
