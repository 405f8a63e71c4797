"""Our own subscriber on a real server: what is there, what comes, and that it says so when its own socket ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.errors import WireError
from harness.history import Applied, History, unpack
from harness.scenario import Scenario, Setup
from harness.wait import wait_until
from harness.workload.traffic import Traffic

pytestmark = pytest.mark.lab


def played(setup: Setup, tmp_path: Path, *, cut: bool) -> History:
    async def play() -> History:
        async with Scenario(setup, "follow", out=tmp_path) as scene:
            stream, other = streams = scene.streams(2)
            traffic = Traffic(scene.rng, scene.nonce)
            for _ in range(3):
                await scene.appender().append(traffic.event(stream))
            follower = await scene.follow(streams)
            assert follower.replica.applied_seq(stream) == 3
            if cut:
                await scene.lab.witness_relay.drop()
            await scene.appender().append(traffic.event(other))
            await wait_until(
                lambda: _has(follower._ended or follower.replica.applied_seq(other)),
                timeout_ms=5_000,
                what="the event, or the end",
            )
            await scene.account()
            return scene.record.history()

    return asyncio.run(play())


async def _has(value: object) -> bool:
    return bool(value)


def test_what_is_there_comes_first_and_what_comes_is_live(setup: Setup, tmp_path: Path) -> None:
    history = played(setup, tmp_path, cut=False)
    applies = history.of("apply")
    assert [(op.seq, unpack(op, Applied).live) for op in applies] == [(1, False), (2, False), (3, False), (1, True)]
    assert {(op.replica, op.baseline, op.process) for op in applies} == {("observer", 1, "observer")}
    assert [op.cursor for op in history.of("bootstrap")] == [0, 0]
    assert not [op.error for op in history.of("socket") if op.phase == "fail"], "its socket is one of ours"


def test_the_end_of_its_own_socket_is_told_and_nobody_is_blamed(setup: Setup, tmp_path: Path) -> None:
    with pytest.raises(WireError, match="the observer's own socket ended"):
        played(setup, tmp_path, cut=True)
