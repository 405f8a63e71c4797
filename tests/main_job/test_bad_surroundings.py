"""What users run into: a broken signoff.toml, a cache or an evidence folder that cannot be written, Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
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
from harness.wait import wait_until
from tests.main_job.project import signoff

pytestmark = pytest.mark.lab

CONFIG = "fixtures/reference/signoff.toml"


def broken_config(tmp_path: Path, old: str, new: str) -> Path:
    text = (ROOT / CONFIG).read_text()
    assert old in text
    path = tmp_path / "signoff.toml"
    path.write_text(text.replace(old, new, 1).replace('wasm = "module/', f'wasm = "{ROOT}/fixtures/reference/module/'))
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[module]\n", "[module\n", "not valid TOML"),
        ("after_publish = [", "after_publsh = [", "did you mean 'after_publish'?"),
        ('ready = "/healthz"', "ready = 7", "control.ready"),
        ("version = 1", "version = 2", "version"),
    ],
)
def test_a_broken_configuration_is_exit_2_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = broken_config(tmp_path, old, new)
    ended = signoff("run", "--config", str(path))
    assert ended.code == 2
    assert said in ended.err
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if new.strip().splitlines()[0] in text)
    assert f"signoff.toml:{line}" in ended.err


def test_no_configuration_is_exit_2(tmp_path: Path) -> None:
    ended = signoff("run", cwd=tmp_path)
    assert ended.code == 2
    assert "no signoff.toml" in ended.err


def test_a_cache_that_cannot_be_written_is_exit_4(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    ended = signoff("run", "--config", CONFIG, env={"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"})
    assert ended.code == 4
    assert "set XDG_CACHE_HOME" in ended.err


def test_evidence_that_cannot_be_written_is_exit_5(tmp_path: Path) -> None:
    """A disk that is full, on a small file system of its own."""
    small = tmp_path / "small"
    small.mkdir()
    inner = f"mount -t tmpfs -o size=96k none {small} && exec {sys.executable} -m harness.cli run --config {CONFIG}"
    argv = ["unshare", "-rm", "sh", "-c", f"{inner} --only runtime/publish-real --profile smoke --jobs 1 --out {small}"]
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "No space left on device" in done.stderr or "disk is full" in done.stderr
    assert "--out" in done.stderr


def test_a_run_leaves_the_temporary_folders_of_other_pytest_sessions_alone(tmp_path: Path) -> None:
    """pytest would remove all but its last three at the end of a run, and an interrupted run would wait for that."""
    there = tmp_path / "temp"
    there.mkdir()
    words = ["--config", CONFIG, "--only", "guards/exceptions", "--profile", "smoke", "--out", str(tmp_path / "out")]
    ended = signoff("run", *words, env={"PYTEST_DEBUG_TEMPROOT": str(there)})
    assert ended.code == 0, ended.out + ended.err
    assert list(there.iterdir()) == []


def test_help_is_there_without_a_configuration() -> None:
    ended = signoff("--help")
    assert ended.code == 0
    assert all(word in ended.out for word in ("run", "list", "doctor", "verify", "report", "lab"))


@pytest.mark.parametrize(
    ("number", "before"),
    [
        (signal.SIGINT, signal.SIG_DFL),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGTERM, signal.SIG_IGN),  # as a shell starts what runs in its background
        (signal.SIGKILL, signal.SIG_DFL),
    ],
)
def test_an_end_from_outside_leaves_nothing_running(
    tmp_path: Path, number: signal.Signals, before: signal.Handlers
) -> None:
    """And what was recorded is kept and sealed, where there was time for it."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "harness.cli",
            "run",
            "--config",
            CONFIG,
            "--only",
            "chaos/reconnect-storm",
            "--out",
            str(tmp_path),
            "--profile",
            "smoke",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, before),
    )

    async def playing() -> bool:
        return any(path.stat().st_size > 2_000 for path in tmp_path.glob("runs/*/drills/chaos/*/1/history.jsonl"))

    asyncio.run(wait_until(playing, timeout_ms=30_000, what="a gate to be playing"))
    below = {process.pid for process in psutil.Process(child.pid).children(recursive=True)}
    assert len(below) >= 6, "pytest, its workers, reapers, servers, surfaces"
    child.send_signal(number)
    out, _ = child.communicate(timeout=20)  # by itself the drill ends after 30 s
    assert list(tmp_path.glob("runs/*/drills/chaos/*/1/history.jsonl"))
    if number is not signal.SIGKILL:
        assert child.returncode == 130, out
        signoff_json = json.loads((tmp_path / "latest" / "signoff.json").read_bytes())
        assert (signoff_json["interrupted"], signoff_json["verdict"]) == (True, "INCOMPLETE")

    async def swept() -> bool:
        return not [pid for pid in below if _runs(pid)]

    asyncio.run(wait_until(swept, timeout_ms=20_000, what=f"the processes {below} to end"))


def _runs(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_doctor_goes_step_by_step() -> None:
    ended = signoff("doctor", "--config", CONFIG)
    assert ended.code == 0, ended.out
    steps = [line for line in ended.out.splitlines() if line.startswith("ok")]
    assert len(steps) == 5
    assert "lab up" in steps[-1]


def test_lab_up_stays_until_lab_down(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    up = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "lab", "up", "--config", CONFIG],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert up.stdout is not None
    first = up.stdout.readline()
    assert "through Toxiproxy" in first

    async def written() -> bool:
        return bool(list(tmp_path.glob("signoff-lab-*.pid")))

    asyncio.run(wait_until(written, timeout_ms=5_000, what="the pid file"))
    down = signoff("lab", "down", env={"TMPDIR": str(tmp_path)})
    assert down.code == 0, down.err
    assert up.wait(20) == 0
    again = signoff("lab", "down", env={"TMPDIR": str(tmp_path)})
    assert (again.code, again.out.strip()) == (0, "no lab is up")
    shutil.rmtree(tmp_path, ignore_errors=True)
