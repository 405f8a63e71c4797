"""Our own witness: what it records of a whole read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.canonical import chain_start, state_hash
from harness.config import HashConfig, PresenceTable, TablesConfig
from harness.errors import SubjectError
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


def test_presence_by_identity_counts_an_identity_once_and_not_as_gone_while_it_lives(tmp_path: Path) -> None:
    tables = TablesConfig(presence=PresenceTable(connection=""))
    with Recorder(tmp_path / "h.jsonl", "x") as record:
        observer = Observer(HttpClient("http://127.0.0.1:9"), "db", tables, HashConfig(), record)
        observer.identities.update({"c1": "alice", "c2": "alice", "c3": "bob"})
        assert observer.rows_of(["c1", "c2", "c3"]) == {"alice", "bob"}
        observer.presence(["alice"], ["c2"], ["c1", "c3"], settled=True)
        (op,) = record.history().of("presence")
    assert unpack(op, Presence) == Presence(("alice",), ("alice",), True, ("bob",))


def test_without_a_presence_table_the_line_is_named_that_would_give_it(tmp_path: Path) -> None:
    tables = TablesConfig(presence=PresenceTable(name=""))
    with Recorder(tmp_path / "h.jsonl", "x") as record:
        observer = Observer(HttpClient("http://127.0.0.1:9"), "db", tables, HashConfig(), record)
        with pytest.raises(SubjectError, match=r"module\.tables\.presence"):
            asyncio.run(observer.presence_rows())


@pytest.mark.lab
def test_it_reads_what_the_server_holds(setup: Setup, tmp_path: Path) -> None:
    async def play() -> None:
        async with Scenario(setup, "observer", out=tmp_path) as scene:
            assert (await scene.observer.count(), await scene.observer.presence_rows()) == (0, [])
            for number, stream in enumerate(("s", "s", "t")):
                args = [stream, f"k{number}", "0" * 64, '{"signoff_key":"n"}', 1, 1, True, 0]
                await scene.lab.http.call(scene.lab.database, "append_sync_event", args)
            assert await scene.observer.count() == 3
            found = await scene.observer.events(["s"])
            assert sorted((e.seq, e.idem_key, e.key) for e in found) == [(1, "k0", "n"), (2, "k1", "n")]
            empty = await scene.observer.final_read(["nothing"])
            assert empty == state_hash({"nothing": (0, chain_start("nothing").hex())})

    asyncio.run(play())
