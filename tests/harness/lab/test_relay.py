"""The relay: carries bytes as they are, keeps account, can be led elsewhere and dropped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from harness.lab.relay import Link, Relay


class Echo:
    """A server that sends back what it gets, after its name."""

    def __init__(self, name: bytes) -> None:
        self.name, self.peers, self.heard = name, set[int](), b""

    async def start(self) -> tuple[str, int]:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self._server = server
        return server.sockets[0].getsockname()[:2]  # type: ignore[no-any-return]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.add(writer.get_extra_info("peername")[1])
        self.heard = await reader.read()
        writer.write(self.name + self.heard)
        await writer.drain()
        writer.close()


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def with_relay(story: Callable[[Relay, Echo], Awaitable[None]], **options: object) -> None:
    async def play() -> None:
        echo = Echo(b"one:")
        relay = Relay("path", 0, await echo.start(), **options)  # type: ignore[arg-type]
        await relay.start()
        assert relay._server is not None
        relay.port = relay._server.sockets[0].getsockname()[1]
        try:
            await story(relay, echo)
        finally:
            await relay.close()

    asyncio.run(play())


def test_bytes_pass_unchanged_both_ways_with_half_close_and_are_in_the_account() -> None:
    async def story(relay: Relay, echo: Echo) -> None:
        big = os.urandom(3_000_000)
        assert await ask(relay.port, big) == b"one:" + big
        assert await ask(relay.port, b"x") == b"one:x"
        assert relay.carried == echo.peers

    with_relay(story)


def test_it_can_be_led_to_another_target_and_ends_what_was_open() -> None:
    async def story(relay: Relay, echo: Echo) -> None:
        other = Echo(b"two:")
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"open")
        await writer.drain()
        await relay.lead_to(await other.start())
        assert await reader.read() == b""
        assert await ask(relay.port, b"x") == b"two:x"

    with_relay(story)


def test_a_target_that_refuses_ends_the_connection() -> None:
    async def story(relay: Relay, echo: Echo) -> None:
        relay.target = ("127.0.0.1", 9)
        assert await ask(relay.port, b"x") == b""

    with_relay(story)


def test_it_answers_in_the_targets_place_only_where_told() -> None:
    async def story(relay: Relay, echo: Echo) -> None:
        relay.answer = lambda head: b"mine" if head.startswith(b"GET /a ") else None
        assert await ask(relay.port, b"GET /a HTTP/1.1\r\n\r\n") == b"mine"
        assert await ask(relay.port, b"GET /b HTTP/1.1\r\n\r\n") == b"one:GET /b HTTP/1.1\r\n\r\n"
        assert len(relay.carried) == 1

    with_relay(story)


class Shout:
    """A tap that alters both directions and tells when it is over."""

    ended_taps: list[Shout] = []

    def __init__(self, link: Link) -> None:
        pass

    def to_server(self, data: bytes) -> bytes:
        return data.upper()

    def to_client(self, data: bytes) -> bytes:
        return data + b"!"

    def ended(self) -> None:
        self.ended_taps.append(self)


def test_a_tap_sees_and_alters_what_passes() -> None:
    async def story(relay: Relay, echo: Echo) -> None:
        assert await ask(relay.port, b"abc") == b"one:ABC!"

    with_relay(story, tap=Shout)
    assert len(Shout.ended_taps) == 1


def test_a_cut_reply_is_one_whose_request_went_through() -> None:
    async def story(relay: Relay, echo: Echo) -> None:
        relay.cutting = True
        answers = await asyncio.gather(ask(relay.port, b"request"), return_exceptions=True)
        assert answers[0] == b"" or isinstance(answers[0], ConnectionError)
        assert echo.heard == b"request"
        assert len(relay.cut_ns) == 1
        assert echo.peers == relay.carried
        relay.cutting = False
        assert await ask(relay.port, b"x") == b"one:x"

    with_relay(story)
