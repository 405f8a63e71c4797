"""HTTP towards a real server: what it answers, and how it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.errors import WireError
from harness.lab.topology import Lab
from harness.setup import Setup
from harness.wire.http import HttpClient, HttpRefused, Unreachable

pytestmark = pytest.mark.lab

ARGS = ["s", "k", "0" * 64, "{}", 1, 1, True, 0]


def in_lab(setup: Setup, tmp_path: Path, story: Callable[[Lab], Awaitable[None]]) -> None:
    async def play() -> None:
        async with Lab(setup.components, tmp_path / "work", tmp_path / "logs", setup.wasm) as lab:
            await story(lab)

    asyncio.run(play())


def test_calls_and_their_refusals(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await lab.http.call(lab.database, "append_sync_event", ARGS)
        for reducer, args, status, said in (
            ("append_sync_event", [*ARGS[:2], "1" * 64, *ARGS[3:]], 530, "idempotency_conflict key=k"),
            ("append_sync_event", ["s", "k2", *ARGS[2:7], 9], 530, "sequence_conflict expected_next_seq=9"),
            ("no_such_reducer", [], 404, ""),
            ("append_sync_event", ["too few"], 400, ""),
        ):
            with pytest.raises(HttpRefused) as caught:
                await lab.http.call(lab.database, reducer, args)
            assert caught.value.status == status
            assert said in caught.value.text
        rows = await lab.http.sql(lab.database, "SELECT * FROM sync_event")
        assert [(row["seq"], row["idempotency_key"], row["confirmed_read"]) for row in rows] == [(1, "k", True)]

    in_lab(setup, tmp_path, story)


def test_sql_and_publish_refuse_what_is_wrong(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        with pytest.raises(HttpRefused, match="400"):
            await lab.http.sql(lab.database, "SELEKT")
        with pytest.raises(HttpRefused):
            await lab.http.publish(lab.database, b"no wasm")
        assert (await lab.http.program_hash(lab.database)) == lab.program
        metrics = await lab.http.metrics()
        assert any(name.startswith("spacetime_num_txns_total") for name in metrics)

    in_lab(setup, tmp_path, story)


def test_tokens_decide_who_one_is(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        url = lab.witness_relay.url
        async with HttpClient(url, lab.owner.token[:-6] + "AAAAAA") as forged:
            with pytest.raises(HttpRefused, match="401"):
                await forged.call(lab.database, "heartbeat", [])
        async with HttpClient(url) as nobody:
            with pytest.raises(HttpRefused, match="not_authorized"):
                await nobody.call(lab.database, "append_sync_event", ARGS)
            with pytest.raises(HttpRefused, match="400"):
                await nobody.sql(lab.database, "SELECT * FROM grant_detail")

    in_lab(setup, tmp_path, story)


def test_nothing_there_is_unreachable() -> None:
    async def play() -> None:
        async with HttpClient("http://127.0.0.1:9") as http:
            assert not await http.ping()
            await http.sql("db", "SELECT 1")

    with pytest.raises(Unreachable):
        asyncio.run(play())
    assert issubclass(Unreachable, WireError)


SQL_OF_A_TYPE_THAT_IS_NOT_THERE = (
    b'[{"schema":{"elements":[{"name":{"some":"a"},"algebraic_type":{"Ref":7}}]},"rows":[]}]'
)


def answered(body: bytes, ask: Callable[[HttpClient], Awaitable[object]]) -> object:
    """What the client makes of this body, from a server that says nothing else."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async def play() -> object:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as http:
            try:
                return await ask(http)
            finally:
                server.close()

    return asyncio.run(play())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[{}]", b"[[]]", b"[" * 50_000, SQL_OF_A_TYPE_THAT_IS_NOT_THERE])
def test_a_result_that_is_none_is_a_wire_error(body: bytes) -> None:
    with pytest.raises(WireError):
        answered(body, lambda http: http.sql("db", "SELECT 1"))


@pytest.mark.parametrize("body", [b"spacetime_x many\n", b"\xff 1\n"])
def test_metrics_that_are_none_are_a_wire_error(body: bytes) -> None:
    with pytest.raises(WireError, match="Prometheus"):
        answered(body, lambda http: http.metrics())


def test_a_publish_without_an_identity_in_its_answer_is_a_wire_error() -> None:
    with pytest.raises(WireError, match="without a database identity"):
        answered(b'{"Success":{}}', lambda http: http.publish("db", b"wasm"))
    said = b'{"Success":{"database_identity":"%s","op":"created"}}' % (b"c2" * 32)
    assert answered(said, lambda http: http.publish("db", b"wasm")) == "c2" * 32


def test_module_logs_skip_what_is_no_record() -> None:
    lines = b'{"message":"one"}\nnot json\n[]\n{"level":"Info"}\n'
    assert answered(lines, lambda http: http.module_log("db")) == ["one", ""]
