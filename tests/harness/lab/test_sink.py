"""The sink: resets everybody, and notes when each came and whose token it presented."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lab.keys import Keys
from harness.lab.sink import Attempt, Sink, identity_in


async def attempt(port: int, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    try:
        return await reader.read()
    finally:
        writer.close()


def with_sink(heads: list[bytes]) -> tuple[list[Attempt], list[object]]:
    async def play() -> tuple[list[Attempt], list[object]]:
        noted: list[Attempt] = []
        sink = Sink(0, on_attempt=noted.append)
        await sink.start()
        assert sink._server is not None
        port = sink._server.sockets[0].getsockname()[1]
        answers = [await asyncio.gather(attempt(port, head), return_exceptions=True) for head in heads]
        await sink.close()
        assert noted == sink.attempts
        with pytest.raises(ConnectionRefusedError):
            await attempt(port, b"")
        return noted, [answer for (answer,) in answers]

    return asyncio.run(play())


def test_an_attempt_is_reset_and_known_by_its_token(tmp_path) -> None:  # type: ignore[no-untyped-def]
    signed = Keys.create(tmp_path).token("issuer", "subject")
    header = f"GET /v1/database/d/subscribe HTTP/1.1\r\nAuthorization: Bearer {signed.token}\r\n\r\n".encode()
    query = f"GET /v1/database/d/subscribe?token={signed.token} HTTP/1.1\r\n\r\n".encode()
    before = time.monotonic_ns()
    attempts, answers = with_sink([header, query, b"GET / HTTP/1.1\r\n\r\n", b"no http at all\r\n\r\n"])
    assert [one.identity for one in attempts] == [signed.identity, signed.identity, None, None]
    assert before < attempts[0].at_ns < attempts[-1].at_ns < time.monotonic_ns()
    assert all(isinstance(answer, ConnectionResetError) for answer in answers)


def test_one_that_says_nothing_is_an_attempt_too() -> None:
    attempts, _ = with_sink([b""])
    assert [one.identity for one in attempts] == [None]


@given(st.binary(max_size=300))
def test_any_head_is_survived(head: bytes) -> None:
    identity_in(head)
    assert identity_in(b"authorization: Bearer " + head.replace(b".", b"")) is None
