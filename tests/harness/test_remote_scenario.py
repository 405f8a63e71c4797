"""A scene on a server that runs already: no lab, no writing without leave, and nothing of ours is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import CallConfig, RemoteConfig
from harness.errors import ConfigError, SubjectError
from harness.lab.topology import Lab
from harness.remote_scenario import RemoteScenario
from harness.setup import Chosen, Setup
from harness.staging import AbsentSurface
from harness.workload.traffic import Traffic

pytestmark = pytest.mark.lab

Story = Callable[[RemoteScenario, Lab], Awaitable[None]]


def on_remote(setup: Setup, tmp_path: Path, story: Story, *, writes: bool) -> str:
    """The story on a scene whose remote server is a lab's; its history."""

    async def play() -> None:
        async with setup.new_lab(tmp_path / "work", tmp_path / "logs") as lab:
            there = RemoteConfig(url=lab.server.url, database=lab.database, token=lab.owner.token, writes=writes)
            config = setup.config.model_copy(
                update={"lab": setup.config.lab.model_copy(update={"provider": "remote", "remote": there})}
            )
            scene = RemoteScenario(
                replace(setup, config=config, components=None), "remote/it", out=tmp_path / "out", chosen=Chosen()
            )
            async with scene:
                await story(scene, lab)

    asyncio.run(play())
    return (tmp_path / "out" / "history.jsonl").read_text()


def test_there_is_no_lab_and_no_writing_without_leave(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: RemoteScenario, lab: Lab) -> None:
        assert setup.config.module.tables.events.name in scene.schema.tables
        assert not scene.may_write
        with pytest.raises(ConfigError, match="set writes"):
            scene.appender()
        with pytest.raises(AbsentSurface, match="no lab of its own"):
            _ = scene.lab
        await scene.clean_up()

    assert on_remote(setup, tmp_path, story, writes=False).count("\n") == 1, "the anchor, and nothing else"


def test_what_was_written_is_taken_away_and_that_is_in_the_record(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: RemoteScenario, lab: Lab) -> None:
        mine, unused = scene.streams(2, prefix="signoff.mine")
        traffic = Traffic(scene.rng, scene.nonce)
        for _ in range(3):
            assert await scene.appender().append(traffic.event(mine)) == "ok"
        await lab.http.call(lab.database, "append_sync_event", ["theirs", "k", "0" * 64, "{}", 1, 1, True, 0])
        await scene.clean_up()
        rows = await lab.http.sql(lab.database, "SELECT stream_id FROM sync_event")
        assert rows == [{"stream_id": "theirs"}]
        assert unused

    told = on_remote(setup, tmp_path, story, writes=True)
    assert told.count("nothing of ours is left in") == 2


def test_what_could_not_be_taken_away_is_told(setup: Setup, tmp_path: Path) -> None:
    async def story(scene: RemoteScenario, lab: Lab) -> None:
        (mine,) = scene.streams(1, prefix="signoff.mine")
        assert await scene.appender().append(Traffic(scene.rng, scene.nonce).event(mine)) == "ok"
        lost = scene.config.module.model_copy(update={"prune": CallConfig(reducer="no_such_reducer")})
        scene.config = scene.config.model_copy(update={"module": lost})
        with pytest.raises(SubjectError, match=rf"{mine} could not be taken away"):
            await scene.clean_up()

    on_remote(setup, tmp_path, story, writes=True)
