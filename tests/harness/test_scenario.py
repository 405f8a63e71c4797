"""A scenario: its account of connections, its clean end, and what a killed worker leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.process import MARK
from harness.scenario import Scenario
from harness.setup import Setup
from harness.wait import wait_until

pytestmark = pytest.mark.lab


def marked(owner_prefix: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK, "").startswith(owner_prefix):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_nothing_is_left_after_a_scenario(setup: Setup, tmp_path: Path) -> None:
    async def play() -> tuple[Path, list[int]]:
        async with Scenario(setup, "clean", out=tmp_path) as scene:
            await scene.start_control()
            await scene.start_runtime()
            await scene.start_desktop()
            work = scene._work
            running = marked(f"{os.getpid()}-")
            ports = [scene.lab.server.port, scene._ports["control"]]
            for port in ports:
                with socket.create_connection(("127.0.0.1", port), timeout=2):
                    pass
            return work, running

    work, running = asyncio.run(play())
    assert len(running) >= 5, "server, Toxiproxy, control, runtime, desktop"
    assert not work.exists()
    assert not [pid for pid in running if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]


def test_the_lab_is_up_in_under_a_second(setup: Setup, tmp_path: Path) -> None:
    """Not a timed test of speed: ten times what is measured would still pass, a hang would not."""

    async def play() -> float:
        began = time.monotonic()
        async with Scenario(setup, "up", out=tmp_path):
            return time.monotonic() - began

    assert asyncio.run(play()) < 10


WORKER = """
import asyncio, os, sys
from pathlib import Path
from harness.loading import load
from harness.process import OWNER
from harness.host import ROOT
from harness.runner import prepare
from harness.scenario import Scenario

async def main():
    setup = prepare(load(ROOT / "fixtures" / "reference" / "signoff.toml"))
    async with Scenario(setup, "worker", out=Path(sys.argv[1])) as scene:
        await scene.start_control()
        await scene.start_desktop()
        print(OWNER, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("ending", ["kill", "interrupt"])
def test_a_worker_that_ends_leaves_nothing_running(tmp_path: Path, root: Path, ending: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may have us ignore it
    )
    assert worker.stdout is not None
    (owner,) = worker.stdout.readline().split()
    running = [psutil.Process(pid) for pid in marked(owner)]
    assert len(running) >= 4
    if ending == "kill":
        worker.kill()
    else:
        worker.send_signal(signal.SIGINT)
    worker.wait(20)

    # By the processes themselves: a port may be another lab's by now, and one that is being killed has no mark to read.
    async def swept() -> bool:
        return not marked(owner) and not any(map(is_alive, running))

    asyncio.run(wait_until(swept, timeout_ms=15_000, what="everything of the worker to be gone"))


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
