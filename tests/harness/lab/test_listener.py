"""The listener: what is open on its port is known, and ended by drop() and close()."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.lab.listener import Listener


class Patient(Listener):
    """Says that it is there, then waits for an end of the connection that does not come by itself."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"here")
            await reader.read()
        finally:
            writer.close()


def with_listener(story: Callable[[Listener], Awaitable[None]]) -> None:
    async def play() -> None:
        listener = Patient(0)
        await listener.start()
        assert listener._server is not None
        listener.port = listener._server.sockets[0].getsockname()[1]
        try:
            await story(listener)
        finally:
            await listener.close()

    asyncio.run(play())


async def served(listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    assert await reader.readexactly(4) == b"here"
    return reader, writer


def test_drop_ends_what_is_open_and_takes_new_connections() -> None:
    async def story(listener: Listener) -> None:
        first, second = await served(listener), await served(listener)
        await listener.drop()
        assert [await reader.read() for reader, _ in (first, second)] == [b"", b""]
        await served(listener)

    with_listener(story)


def test_close_ends_what_is_open_and_takes_no_new_connections() -> None:
    async def story(listener: Listener) -> None:
        reader, _ = await served(listener)
        await listener.close()
        assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await served(listener)

    with_listener(story)


def test_a_connection_that_ended_by_itself_is_not_kept() -> None:
    async def story(listener: Listener) -> None:
        reader, writer = await served(listener)
        writer.write_eof()
        assert await reader.read() == b""
        assert not listener._open

    with_listener(story)


def test_one_that_was_never_started_can_be_closed() -> None:
    asyncio.run(Patient(0).close())
