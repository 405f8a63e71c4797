"""A counting TCP relay: one path from a part of the subject to where it believes it connects.

The subject is never told the server's own port; it reaches the server through Toxiproxy and then through
this relay, which keeps account of every connection that it carried (I16). It can be led to
another target (the decoy of falsification (b)), and a tap can look at, alter and add bytes.

    relay = Relay("runtime", port, target=("127.0.0.1", 20011))
    await relay.start()
    relay.carried            # local ports of the connections that it made towards its targets
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Protocol

from harness.lab.listener import Listener

CHUNK_BYTES = 256 * 1024
Address = tuple[str, int]


class Link:
    """One carried connection, as a tap sees it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self._client = client

    def send_to_client(self, data: bytes) -> None:
        self._client.write(data)

    def abort(self) -> None:
        """Drop the client's side at once (RST when bytes were unread)."""
        self._client.transport.abort()


class Tap(Protocol):
    """Looks at the bytes of one connection; what it returns is passed on."""

    def to_server(self, data: bytes) -> bytes: ...
    def to_client(self, data: bytes) -> bytes: ...
    def ended(self) -> None: ...


class Answer(Protocol):
    """Answers a connection in the target's place: the reply's bytes for the first bytes of a request."""

    def __call__(self, head: bytes) -> bytes | None: ...


class Relay(Listener):
    """One listening port that leads to one target."""

    def __init__(self, name: str, port: int, target: Address, *, tap: Callable[[Link], Tap] | None = None) -> None:
        super().__init__(port)
        self.name, self.target = name, target
        self.carried: set[int] = set()
        self.answer: Answer | None = None
        self.cut_ns: list[int] = []  # when each reply was cut
        self.cutting = False  # cut replies: what goes to the server goes on, what comes back ends the connection
        self._tap = tap

    async def lead_to(self, target: Address) -> None:
        """Carry new connections to another target, and end the present ones."""
        self.target = target
        await self.drop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # ended by a peer or by drop(): both ends are closed below
        finally:
            _close(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = b""
        if self.answer is not None:
            first = await reader.read(CHUNK_BYTES)
            reply = self.answer(first)
            if reply is not None:
                writer.write(reply)
                await writer.drain()
                return
        # Bound before it connects, so that the port is in the account before the kernel knows the connection.
        outgoing = socket.socket()
        outgoing.setblocking(False)
        # asyncio does this for sockets that it makes itself; without it a small request waits 40 ms for an ACK.
        outgoing.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        outgoing.bind(("127.0.0.1", 0))
        self.carried.add(outgoing.getsockname()[1])
        try:
            await asyncio.get_running_loop().sock_connect(outgoing, self.target)
        except BaseException:
            outgoing.close()
            raise
        upstream_reader, upstream = await asyncio.open_connection(sock=outgoing, limit=CHUNK_BYTES)
        tap = self._tap(Link(writer)) if self._tap is not None else None
        try:
            if first:
                upstream.write(tap.to_server(first) if tap else first)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, upstream, tap.to_server if tap else None))
                group.create_task(self._answers(upstream_reader, writer, tap.to_client if tap else None))
        except* OSError:
            pass
        finally:
            if tap is not None:
                tap.ended()
            _close(upstream)

    async def _answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], bytes] | None
    ) -> None:
        """From the target to the client, unless replies are being cut."""

        def pass_on(data: bytes) -> bytes:
            if self.cutting:
                self.cut_ns.append(time.monotonic_ns())
                writer.transport.abort()
                raise ConnectionAbortedError("the reply was cut")
            return look(data) if look is not None else data

        await _pump(reader, writer, pass_on)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], bytes] | None
) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(look(data) if look is not None else data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


def _close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
