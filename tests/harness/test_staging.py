"""The subject on its stage: what each part is told, its end and its new start, and what is absent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from harness.errors import ConfigError
from harness.history import Restarted, unpack
from harness.loading import load
from harness.scenario import Scenario
from harness.setup import Setup
from harness.staging import AbsentSurface, absence
from tests.conftest import REFERENCE


def test_a_scene_without_a_lab_says_that_no_surface_can_be_started(tmp_path: Path) -> None:
    async def play() -> None:
        async with Scenario(Setup(load(REFERENCE), None, b""), "none", out=tmp_path, lab=False) as scene:
            for start in (scene.start_control, scene.start_runtime, scene.start_desktop):
                with pytest.raises(AbsentSurface, match="no lab of its own"):
                    await start()

    asyncio.run(play())


def test_a_surface_that_signoff_toml_does_not_have_is_absent(tmp_path: Path) -> None:
    bare = load(REFERENCE).model_copy(update={"control": None, "runtime": None, "desktop": None})

    async def play() -> None:
        async with Scenario(Setup(bare, None, b""), "bare", out=tmp_path, lab=False) as scene:
            starts = {"control": scene.start_control, "runtime": scene.start_runtime, "desktop": scene.start_desktop}
            for name, start in starts.items():
                with pytest.raises(AbsentSurface) as raised:
                    await start()
                assert str(raised.value) == absence(name)

    asyncio.run(play())


@pytest.mark.lab
def test_each_part_is_told_the_addresses_of_its_own_paths_and_never_the_servers(setup: Setup, tmp_path: Path) -> None:
    async def play() -> None:
        async with Scenario(setup, "told", out=tmp_path) as scene:
            await scene.start_control()
            await scene.start_runtime()
            await scene.start_desktop()
            paths, server = scene.lab.paths, f":{scene.lab.server.port}"
            for name in ("control", "runtime", "desktop"):
                told = "\n".join(psutil.Process(scene.child(name).process.pid).environ().values())
                assert paths[name].url in told
                others = [path.url for other, path in paths.items() if not other.startswith(name)]
                assert not [url for url in others if url in told]
                assert server not in told
            with pytest.raises(ConfigError, match="'desktop-2' was not started"):
                scene.child("desktop-2")

    asyncio.run(play())


@pytest.mark.lab
def test_what_was_killed_is_started_again_in_the_same_place_and_that_is_in_the_record(
    setup: Setup, tmp_path: Path
) -> None:
    async def play() -> None:
        async with Scenario(setup, "again", out=tmp_path) as scene:
            runtime = await scene.start_runtime()
            first, folder = runtime.child.process.pid, scene.folder("runtime")
            await scene.kill("runtime")
            assert not runtime.child.process.alive
            await scene.start_again("runtime")
            assert scene.runtime is runtime
            assert runtime.child.process.pid != first
            assert scene.folder("runtime") == folder
            assert [child.name for child in scene.children] == ["runtime"]
            (restart,) = scene.record.history().of("restart")
        assert (restart.replica, unpack(restart, Restarted).pid) == ("runtime", runtime.child.process.pid)

    asyncio.run(play())
