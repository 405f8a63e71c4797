"""Our own witness: what it records of a whole read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.canonical import chain_start, state_hash
from harness.checkers.presence import PresenceDrift
from harness.config import HashConfig, PresenceTable, TablesConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import FinalState, History, Presence, unpack
from harness.host import ROOT
from harness.lab.keys import ISSUER
from harness.loading import load
from harness.runner import prepare
from harness.scenario import Scenario
from harness.setup import Setup
from harness.surfaces.observer import Observer, final_read_of
from harness.surfaces.replica import Replica
from harness.verdict import Verdict
from harness.wait import wait_until
from harness.wire.client import Subscription
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


@pytest.mark.lab
def test_presence_by_identity_on_a_server_that_keeps_it_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two connections of one identity are one row, which goes with the last of them; and a row that stays is found."""
    folder = ROOT / "fixtures" / "subjects" / "openagents"
    for name in ("ROOT", "CONTROL", "RUNTIME"):
        monkeypatch.setenv(f"OPENAGENTS_{name}", str(folder))
    setup = prepare(load(folder.with_suffix(".toml")))
    assert setup.config.module.tables.presence.connection == ""

    async def play() -> History:
        async with Scenario(setup, "presence", out=tmp_path) as scene:
            lab, observer = scene.lab, scene.observer
            alice, bob = (lab.keys.token(ISSUER, name) for name in ("alice", "bob"))

            async def opened(token: str) -> Subscription:
                socket = await Subscription.open(lab.witness_relay.url, lab.database, token)
                observer.identities[socket.connection] = socket.identity
                return socket

            async def read(live: list[Subscription], gone: list[Subscription]) -> None:
                connections = [one.connection for one in live]
                wanted = sorted(observer.rows_of(connections))

                async def agrees() -> bool:
                    return sorted(await observer.presence_rows()) == wanted

                await wait_until(agrees, timeout_ms=10_000, what=f"the rows to be {wanted}")
                rows = await observer.presence_rows()
                observer.presence(rows, connections, [one.connection for one in gone], settled=True)

            a1, a2, b = await opened(alice.token), await opened(alice.token), await opened(bob.token)
            assert (a1.identity, b.identity) == (a2.identity, bob.identity) == (alice.identity, bob.identity)
            await read([a1, a2, b], [])
            await a1.close()
            await read([a2, b], [a1])
            await a2.close()
            await read([b], [a1, a2])
            observer.presence(
                [alice.identity, bob.identity], [b.connection], [a1.connection, a2.connection], settled=True
            )
            await b.close()
            return scene.record.history()

    history = asyncio.run(play())
    readings = [len(unpack(op, Presence).rows) for op in history.of("presence")]
    assert readings == [2, 2, 1, 2]
    *right, stays = history.of("presence")
    assert PresenceDrift().check(History(history.anchor, right)).verdict is Verdict.PASS
    (finding,) = PresenceDrift().check(history).findings
    assert f"(op {stays.index})" in finding.message
