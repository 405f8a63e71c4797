"""The binary protocol says the same as the textual one: both are read from one real server at once."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets.asyncio.client
from hypothesis import given
from hypothesis import strategies as st
from websockets.typing import Subprotocol

from harness.errors import WireError
from harness.lab.topology import Lab
from harness.setup import Setup
from harness.wire import bsatn, messages
from harness.wire.messages import IdentityToken, ServerMessage, SubscribeMultiApplied, TransactionUpdate
from harness.wire.schema import Row, Schema

SCHEMA = Schema.parse((Path(__file__).with_name("frames") / "schema.json").read_bytes())
TABLES = ("sync_event", "active_connection", "stream_head", "database_epoch")


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def subscribe(queries: tuple[str, ...]) -> bytes:
    """SubscribeMulti, as an SDK writes it."""
    return b"\x04" + struct.pack("<I", len(queries)) + b"".join(map(text, queries)) + struct.pack("<II", 3, 3)


HELLO = b"\x03" + b"\x01" + bytes(31) + text("eyJ") + b"\x02" + bytes(15)


@pytest.mark.parametrize("frame", [b"\0" + HELLO, b"\x02" + zlib.compress(HELLO, wbits=31)])
def test_a_greeting_plain_and_compressed(frame: bytes) -> None:
    message = bsatn.decode(frame, SCHEMA)
    assert isinstance(message, IdentityToken)
    assert (message.identity.hex, message.connection_id.hex) == ("0" * 63 + "1", "0" * 31 + "2")
    assert bsatn.kind_of(frame, "to_client") == "IdentityToken"


def test_kinds_of_both_directions() -> None:
    assert bsatn.kind_of(subscribe(("SELECT 1",)), "to_server") == "SubscribeMulti"
    assert bsatn.kind_of(b"\x00", "to_server") == "CallReducer"
    assert bsatn.kind_of(b"\x00\x01", "to_client") == "TransactionUpdate"


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (b"", "were announced"),
        (b"\x01abc", "brotli"),
        (b"\x07abc", "unknown compression"),
        (b"\x02abc", "not gzip"),
        (b"\x02" + zlib.compress(HELLO, wbits=31)[:-9], "cut"),
        (b"\0\x63", "is not read"),
        (b"\0" + HELLO[:-1], "are left"),
        (b"\0" + HELLO + b"x", "bytes are left after a IdentityToken"),
    ],
)
def test_what_is_no_message_is_an_error(frame: bytes, said: str) -> None:
    with pytest.raises(WireError, match=said):
        bsatn.decode(frame, SCHEMA)


@given(st.binary(max_size=80), st.integers(0, 10))
def test_no_bytes_bring_it_down(data: bytes, kind: int) -> None:
    try:
        bsatn.decode(b"\0" + bytes([kind]) + data, SCHEMA)
    except WireError:
        pass


def rows(message: ServerMessage, schema: Schema) -> Iterator[tuple[str, str, Row]]:
    """Every row of a message by table, deleted or inserted, of whichever form."""
    if isinstance(message, SubscribeMultiApplied):
        update = message.update
    else:
        assert isinstance(message, TransactionUpdate)
        assert message.status.Committed is not None
        update = message.status.Committed
    for table in update.tables:
        for part in table.updates:
            for what, found in (("delete", part.deletes), ("insert", part.inserts)):
                for row in found:
                    yield table.table_name, what, schema.table(table.table_name).row(row)


async def connect(lab: Lab, protocol: str, query: str = "") -> websockets.asyncio.client.ClientConnection:
    return await websockets.asyncio.client.connect(
        f"ws://127.0.0.1:{lab.witness_relay.port}/v1/database/{lab.database}/subscribe{query}",
        additional_headers={"Authorization": f"Bearer {lab.owner.token}"},
        subprotocols=[Subprotocol(protocol)],
        compression=None,
        proxy=None,
    )


@pytest.mark.lab
@pytest.mark.parametrize("packing", ["None", "Gzip"])
def test_both_protocols_say_the_same(setup: Setup, tmp_path: Path, packing: str) -> None:
    async def play() -> None:
        async with setup.new_lab(tmp_path / "work", tmp_path / "logs") as lab:
            schema = await lab.http.schema(lab.database)
            await append(lab, range(40))
            plain = await connect(lab, messages.PROTOCOL)
            binary = await connect(lab, bsatn.PROTOCOL, f"?compression={packing}")
            async with plain, binary:
                hello, greeting = messages.decode(await plain.recv()), bsatn.decode(await received(binary), schema)
                assert isinstance(hello, IdentityToken) and isinstance(greeting, IdentityToken)
                assert hello.identity == greeting.identity
                queries = tuple(f"SELECT * FROM {table}" for table in TABLES)
                await plain.send(messages.subscribe_multi(queries, request_id=3, query_id=3).decode())
                await binary.send(subscribe(queries))
                snapshot = await said_by_both(plain, binary, schema)
                assert isinstance(snapshot, SubscribeMultiApplied)
                assert len(list(rows(snapshot, schema))) > 40
                await append(lab, [99])
                reducers = []
                while "append_sync_event" not in reducers:  # the connection of the call is a row that comes first
                    update = await said_by_both(plain, binary, schema)
                    assert isinstance(update, TransactionUpdate)
                    reducers.append(update.reducer_call.reducer_name)

    asyncio.run(play())


async def said_by_both(
    plain: websockets.asyncio.client.ClientConnection,
    binary: websockets.asyncio.client.ClientConnection,
    schema: Schema,
) -> ServerMessage:
    """The next message, the same in both forms."""
    ours, theirs = bsatn.decode(await received(binary), schema), messages.decode(await plain.recv())
    assert type(ours) is type(theirs)
    assert key(rows(ours, schema)) == key(rows(theirs, schema))
    assert messages.decode(messages.encode(ours)) == ours, "as it is told to a reader"
    return ours


async def received(socket: websockets.asyncio.client.ClientConnection) -> bytes:
    frame = await socket.recv()
    assert isinstance(frame, bytes)
    return frame


async def append(lab: Lab, numbers: range | list[int]) -> None:
    for number in numbers:
        args = ["s", f"k{number}", "0" * 64, f'{{"n":{number}}}', 1, 1, True, 0]
        await lab.http.call(lab.database, "append_sync_event", args)


def key(found: Iterator[tuple[str, str, Row]]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in found)
