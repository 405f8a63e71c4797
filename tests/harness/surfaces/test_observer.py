"""Our own witness: what it records of a whole read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.canonical import chain_start, state_hash
from harness.config import HashConfig, TablesConfig
from harness.evidence.recorder import Recorder
from harness.history import FinalState, Presence, unpack
from harness.scenario import Scenario
from harness.setup import Setup
from harness.surfaces.observer import Observer, final_read_of
from harness.surfaces.replica import Replica
from harness.wire.http import HttpClient
from tests.harness.surfaces.test_replica import event


def test_the_final_read_of_a_replica_is_what_it_reported(tmp_path: Path) -> None:
    replica = Replica("d1", ("s", "t"))
    replica.bootstrap("s", 1, 0)
    replica.apply(event(1), 1)
    with Recorder(tmp_path / "h.jsonl", "x") as record:
        ours = final_read_of(record, replica, "claimed")
        row, closing = record.history().of("final_read")
    state = unpack(closing, FinalState)
    assert (row.seq, row.key, row.replica) == (1, "k1", "d1")
    assert (state.streams, state.rows, state.claimed_state_hash, state.state_hash) == (("s", "t"), 1, "claimed", ours)


def test_readings_of_presence_are_sorted_and_whole(tmp_path: Path) -> None:
    with Recorder(tmp_path / "h.jsonl", "x") as record:
        observer = Observer(HttpClient("http://127.0.0.1:9"), "db", TablesConfig(), HashConfig(), record)
        observer.presence(["b", "a"], ["a"], ["c"], settled=True)
        (op,) = record.history().of("presence")
    assert unpack(op, Presence) == Presence(("a", "b"), ("a",), True, ("c",))


@pytest.mark.lab
def test_it_reads_what_the_server_holds(setup: Setup, tmp_path: Path) -> None:
    async def play() -> None:
        async with Scenario(setup, "observer", out=tmp_path) as scene:
            assert (await scene.observer.count(), await scene.observer.connections()) == (0, [])
            for number, stream in enumerate(("s", "s", "t")):
                args = [stream, f"k{number}", "0" * 64, '{"signoff_key":"n"}', 1, 1, True, 0]
                await scene.lab.http.call(scene.lab.database, "append_sync_event", args)
            assert await scene.observer.count() == 3
            found = await scene.observer.events(["s"])
            assert sorted((e.seq, e.idem_key, e.key) for e in found) == [(1, "k0", "n"), (2, "k1", "n")]
            empty = await scene.observer.final_read(["nothing"])
            assert empty == state_hash({"nothing": (0, chain_start("nothing").hex())})

    asyncio.run(play())
