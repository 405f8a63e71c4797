"""A thin asyncio client over the codec: one socket, no reconnect, no state of its own.

async with await Subscription.open(url, database, token) as socket:
    await socket.send(subscribe_multi(("SELECT * FROM sync_event",), request_id=1, query_id=1))
    message = await socket.receive()
"""

from __future__ import annotations

import asyncio
from types import TracebackType

import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from harness.errors import WireError
from harness.wire.messages import PROTOCOL, IdentityToken, ServerMessage, decode

OPEN_TIMEOUT_MS = 10_000
MAX_MESSAGE_BYTES = 1024 * 1024 * 1024  # the server sends a whole snapshot as one message


class Refused(WireError):
    """The server did not open the socket. `status` is its HTTP status, None when none came."""

    def __init__(self, what: str, status: int | None) -> None:
        super().__init__(what)
        self.status = status


class Subscription:
    """One open socket whose IdentityToken has come."""

    def __init__(self, socket: websockets.asyncio.client.ClientConnection, hello: IdentityToken) -> None:
        self._socket = socket
        self.identity, self.connection = hello.identity.hex, hello.connection_id.hex

    @classmethod
    async def open(cls, base_url: str, database: str, token: str) -> Subscription:
        """Refused when the handshake fails; WireError when the first message is no IdentityToken."""
        url = base_url.replace("http", "ws", 1) + f"/v1/database/{database}/subscribe"
        try:
            socket = await websockets.asyncio.client.connect(
                url,
                additional_headers={"Authorization": f"Bearer {token}"},
                subprotocols=[Subprotocol(PROTOCOL)],
                open_timeout=OPEN_TIMEOUT_MS / 1000,
                max_size=MAX_MESSAGE_BYTES,
                compression=None,
                proxy=None,
                ping_interval=None,
            )
        except (InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
            response = getattr(error, "response", None)
            raise Refused(f"no socket: {error}", getattr(response, "status_code", None)) from error
        hello = decode(await socket.recv())
        if not isinstance(hello, IdentityToken):
            raise WireError(f"the first message is {type(hello).__name__}, expected IdentityToken")
        return cls(socket, hello)

    async def send(self, frame: bytes) -> None:
        await self._socket.send(frame.decode())

    async def receive(self) -> ServerMessage:
        """The next message. WireError when the socket ended."""
        try:
            return decode(await self._socket.recv())
        except ConnectionClosed as error:
            raise WireError(f"the socket ended: {error}") from error

    async def close(self) -> None:
        await self._socket.close()

    def abort(self) -> None:
        """Drop the TCP connection without a Close frame."""
        self._socket.transport.abort()

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with asyncio.timeout(OPEN_TIMEOUT_MS / 1000):
            await self.close()
