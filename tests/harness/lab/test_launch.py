"""A program of the lab as a process, and in a container: the same log, the same end, the same word on its state."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from harness.errors import UserError
from harness.lab import engine
from harness.lab.components import Component
from harness.lab.launch import Container, launch
from harness.lab.ports import Ports
from harness.lab.providers import Components
from harness.process import Process
from harness.wait import wait_until

PYTHON = Component("python", "3", "", "ours", sys.executable)


def test_without_an_image_it_is_a_process_in_its_folder(tmp_path: Path) -> None:
    async def play() -> Process:
        script = "import os; print(os.getcwd())"
        child = await launch(PYTHON, ["-c", script], name="p", log=tmp_path / "log", folder=tmp_path, scenario="s")
        await child.wait(5_000)
        return child

    child = asyncio.run(play())
    assert not isinstance(child, Container)
    assert (tmp_path / "log").read_text().strip() == str(tmp_path)


def test_without_a_client_a_container_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    image = replace(PYTHON, image="sha256:" + "0" * 64)
    with pytest.raises(UserError, match="cannot start p"):
        asyncio.run(launch(image, [], name="p", log=tmp_path / "log", scenario="s"))


@pytest.mark.docker
def test_a_container_is_known_by_its_pid_on_this_machine_and_killed_at_once(
    contained: Components, tmp_path: Path
) -> None:
    async def play(port: int) -> None:
        child = await launch(
            contained.toxiproxy,
            ["-host", "127.0.0.1", "-port", str(port)],
            name="toxiproxy",
            log=tmp_path / "log",
            scenario="launch-test",
        )
        assert isinstance(child, Container)
        assert psutil.Process(child.pid).name() == "toxiproxy"
        assert psutil.Process(child.pid).uids().real == psutil.Process().uids().real

        async def serves() -> bool:
            return "Starting Toxiproxy HTTP server" in (tmp_path / "log").read_text()

        await wait_until(serves, timeout_ms=10_000, what="its log")
        await child.kill()
        assert child.returncode == 128 + 9
        assert not psutil.pid_exists(child.pid)
        assert engine.sweep("scenario", "launch-test") in ([], [child.known_as])

    with Ports() as ports:
        asyncio.run(play(ports.take()))


@pytest.mark.docker
def test_a_program_that_ends_in_its_container_is_told_with_code_and_log(contained: Components, tmp_path: Path) -> None:
    async def play() -> Process:
        args = ["--no-such-flag"]
        child = await launch(contained.spacetimedb, args, name="s", log=tmp_path / "log", scenario="launch-test")
        assert await child.ended_within(10_000)
        return child

    child = asyncio.run(play())
    assert child.returncode not in (0, None)
    assert "--no-such-flag" in child.tail()


@pytest.mark.docker
def test_a_container_sees_only_the_folders_that_it_is_given(contained: Components, tmp_path: Path) -> None:
    """The server is told to keep its data in a folder that is not mounted: it cannot make it there for us."""
    given, other = tmp_path / "given", tmp_path / "other"
    given.mkdir()
    other.mkdir()

    async def play() -> None:
        args = ["start", "--data-dir", str(other / "data"), "--jwt-key-dir", str(given), "--listen-addr", "127.0.0.1:1"]
        child = await launch(
            contained.spacetimedb, args, name="s", log=tmp_path / "log", scenario="launch-test", folder=given
        )
        await child.ended_within(10_000)
        await child.kill()

    asyncio.run(play())
    assert list(other.iterdir()) == []
