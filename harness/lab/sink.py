"""A listener in the server's place that lets nobody through, and notes who tried and when.

A disabled proxy tells nothing about the attempts that it refused; whoever wants to judge how a client retries needs
somebody who saw each attempt arrive. The sink reads a request's head, so that an attempt can be told by the token
that it presents, and ends the connection with a reset.

    sink = Sink(port, on_attempt=note)     # the port of a proxy that was disabled before
    await sink.start()
    sink.attempts[0].identity
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from harness.canonical import UNREADABLE
from harness.lab.listener import Listener
from harness.lab.requests import MAX_HEAD_BYTES
from harness.wire.identity import identity_of

HEAD_TIMEOUT_S = 1.0  # a client that connects and says nothing is an attempt too
_TOKEN = re.compile(rb"(?:[Bb]earer |[?&]token=)([A-Za-z0-9_.-]+)")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with a time of 0: close() sends RST


@dataclass(frozen=True)
class Attempt:
    """One connection, arrived at `at_ns` (monotonic). `identity` is that of the token it presented, or None."""

    at_ns: int
    identity: str | None


class Sink(Listener):
    def __init__(self, port: int, *, on_attempt: Callable[[Attempt], None] = lambda attempt: None) -> None:
        super().__init__(port)
        self.attempts: list[Attempt] = []
        self._on_attempt = on_attempt

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived = time.monotonic_ns()
        try:
            attempt = Attempt(arrived, identity_in(await _head(reader)))
            self.attempts.append(attempt)
            self._on_attempt(attempt)
        finally:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """As much of a request's head as comes in time."""
    data = b""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            while b"\r\n\r\n" not in data and len(data) < MAX_HEAD_BYTES:
                more = await reader.read(MAX_HEAD_BYTES)
                if not more:
                    break
                data += more
    return data


def identity_in(head: bytes) -> str | None:
    """Whom the server would have seen in the token of this head.

    >>> identity_in(b"GET / HTTP/1.1") is None
    True
    """
    found = _TOKEN.search(head)
    if found is None:
        return None
    parts = found[1].split(b".")
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except UNREADABLE:
        return None
    if not isinstance(claims, dict) or "iss" not in claims or "sub" not in claims:
        return None
    return identity_of(str(claims["iss"]), str(claims["sub"]))
