"""The docker engine: asked through its client, its containers known by their labels; without one, that is told."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from harness import process
from harness.errors import LabError, PrerequisiteError
from harness.lab import engine
from harness.lab.providers import Components
from harness.wait import wait_until


def test_without_a_client_that_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrerequisiteError, match=r"no docker engine answers: .*not found .*another \[lab\] provider"):
        engine.ready()


def test_without_an_engine_that_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the client is, it finds no engine at this socket."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(PrerequisiteError, match="no docker engine answers"):
        engine.ready()


def test_the_client_finds_its_engine_by_the_users_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    assert engine.settings()["DOCKER_HOST"] == "unix:///run/user/1000/docker.sock"
    assert "DOCKER_CONTEXT" not in engine.settings()


def test_a_container_is_labelled_with_the_run_its_process_and_its_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(process.RUN, "20261120T184205Z-3f9c1a-7719")
    assert engine.labels("s1") == {"run": "20261120T184205Z-3f9c1a-7719", "owner": process.OWNER, "scenario": "s1"}
    monkeypatch.delenv(process.RUN)
    assert engine.labels("s1")["run"] == process.OWNER


@pytest.mark.docker
def test_the_engine_says_which_it_is() -> None:
    seen = engine.ready()
    assert seen.version[0].isdigit()
    assert seen.system == "linux"


@pytest.mark.docker
def test_what_the_engine_refuses_is_told_in_its_words() -> None:
    with pytest.raises(LabError, match=r"docker inspect failed with 1: .*[Nn]o such object: no-such-container"):
        engine.ask(["inspect", "no-such-container"])


@pytest.mark.docker
def test_a_sweep_takes_what_carries_the_label_and_nothing_else(contained: Components) -> None:
    made = ["--entrypoint", contained.toxiproxy.path, contained.toxiproxy.image]
    mine, other = (engine.ask(["create", *engine.label_words(name), *made]) for name in ("sweep-mine", "sweep-other"))
    try:
        assert engine.sweep("scenario", "sweep-mine") == [mine[:12]]
        assert engine.sweep("scenario", "sweep-mine") == []
        assert engine.ask(["inspect", "--format", "{{.State.Status}}", other]) == "created"
    finally:
        engine.sweep("scenario", "sweep-other")


OWNER = """
import asyncio, sys
from pathlib import Path
from harness import process
from harness.lab.components import Component
from harness.lab.launch import launch
import msgspec

async def main():
    component = msgspec.json.decode(sys.argv[1], type=Component)
    await launch(component, ["-port", "0"], name="c", log=Path(sys.argv[2]), scenario="killed-owner")
    print(process.OWNER, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def _gone(owner: str) -> bool:
    return not engine.ask(["ps", "--all", "--quiet", "--filter", f"label=signoff.owner={owner}"])


@pytest.mark.docker
def test_containers_of_a_killed_owner_are_swept(contained: Components, tmp_path: Path, root: Path) -> None:
    """SIGKILL leaves no time for any clean-up of our own."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, msgspec.json.encode(contained.toxiproxy).decode(), str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert owner.stdout is not None
    name = owner.stdout.readline().strip()
    assert not asyncio.run(_gone(name))
    owner.kill()
    owner.wait()
    asyncio.run(wait_until(lambda: _gone(name), timeout_ms=20_000, what="the container to be removed"))
