"""HTTP towards a surface: answers of every kind over real sockets, and none of them an unhandled error."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable

import pytest

from harness.config import StepConfig
from harness.evidence.exchanges import Exchange
from harness.surfaces import web as web_module
from harness.surfaces.web import NoAnswer, Reply, Web

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(raw: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        talk.seen.append(head)  # type: ignore[attr-defined]
        writer.write(raw)
        await writer.drain()
        writer.close()

    talk.seen = []  # type: ignore[attr-defined]
    return talk


def http(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


def asked(talk: Talk, ask: Callable[[Web], Awaitable[Reply]]) -> Reply:
    async def play() -> Reply:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Web(f"http://127.0.0.1:{port}") as web:
            try:
                return await ask(web)
            finally:
                server.close()

    return asyncio.run(play())


def test_a_step_sends_what_it_says_and_captures_what_is_there() -> None:
    talk = answering(http(b'{"data":{"seq":7,"list":[{"x":1}]}}', "201 Created"))
    step = StepConfig(
        path="/s/{stream}",
        body={"p": "{payload}"},
        headers={"x-t": "{stream}"},
        expect=[201],
        capture={"seq": "data.seq", "x": "data.list.0.x", "no": "data.none"},
    )
    reply = asked(talk, lambda web: web.perform(step, {"stream": "abc", "payload": {"a": 1}}))
    assert (reply.status, reply.expected, dict(reply.captured)) == (201, True, {"seq": 7, "x": 1})
    head = talk.seen[0].lower()  # type: ignore[attr-defined]
    assert head.startswith(b"post /s/abc http/1.1")
    assert b"x-t: abc" in head
    assert b"connection: close" in head


def test_each_exchange_is_told_with_the_headers_that_were_sent() -> None:
    heard: list[Exchange] = []

    async def play() -> None:
        server = await asyncio.start_server(answering(http(b"no", "403 No")), "127.0.0.1", 0)
        async with Web(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard=heard.append) as web:
            await web.send("POST", "/a", body={"b": 1}, headers={"x-c": "d"})
            server.close()
            with pytest.raises(NoAnswer):
                await web.send("GET", "/e")

    asyncio.run(play())
    assert [(one.asked, one.headers, one.body) for one in heard] == [
        ("POST /a", ("content-type: application/json", "x-c: d"), '{"b":1}'),
        ("GET /e", (), ""),
    ]
    assert [(one.status, one.answer, one.ms is None, bool(one.error)) for one in heard] == [
        (403, "no", False, False), (None, "", True, True)
    ]  # fmt: skip


def test_redirects_are_not_followed() -> None:
    reply = asked(
        answering(http(b"", "308 Moved", "location: /elsewhere\r\n")), lambda web: web.send("POST", "/a", body={})
    )
    assert (reply.status, reply.headers["location"]) == (308, "/elsewhere")


@pytest.mark.parametrize("body", [b"<html>no</html>", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_body_that_is_no_json_is_text(body: bytes) -> None:
    reply = asked(answering(http(body)), lambda web: web.send("GET", "/"))
    assert reply.body is None
    assert reply.captured == {}


@pytest.mark.parametrize("raw", [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"])
def test_what_is_no_answer_is_told_apart(raw: bytes) -> None:
    with pytest.raises(NoAnswer) as caught:
        asked(answering(raw), lambda web: web.send("GET", "/"))
    assert caught.value.sent


def test_who_does_not_answer_is_called_by_its_own_name_and_asked_under_its_path() -> None:
    async def play() -> None:
        async with Web("http://127.0.0.1:9/api", host="there.test:81") as web:
            await web.send("GET", "/healthz")

    with pytest.raises(NoAnswer, match=r"GET http://there\.test:81/api/healthz: "):
        asyncio.run(play())


def test_a_path_of_the_url_goes_before_each_route() -> None:
    talk = answering(http(b"{}"))

    async def play() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with Web(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api") as web:
            await web.send("GET", "/healthz")
        server.close()

    asyncio.run(play())
    assert talk.seen[0].startswith(b"GET /api/healthz ")  # type: ignore[attr-defined]


def test_a_refused_connection_was_not_sent() -> None:
    async def play() -> None:
        async with Web("http://127.0.0.1:9") as web:
            await web.send("GET", "/")

    with pytest.raises(NoAnswer) as caught:
        asyncio.run(play())
    assert not caught.value.sent


def test_a_body_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_module, "MAX_BODY_BYTES", 1_000)
    with pytest.raises(NoAnswer, match="longer than"):
        asked(answering(http(b"x" * 5_000)), lambda web: web.send("GET", "/"))


PACKED = gzip.compress(b'{"seq":7}', mtime=0)  # or the time would be in the names of the tests


@pytest.mark.parametrize(
    ("encoding", "body", "read"),
    [
        ("gzip", PACKED, {"seq": 7}),
        ("GZIP", PACKED, {"seq": 7}),
        ("deflate", zlib.compress(b'{"seq":7}'), {"seq": 7}),
        ("deflate", zlib.compress(b'{"seq":7}')[2:-4], {"seq": 7}),
        ("gzip", b"", None),
        ("identity", b'{"seq":7}', {"seq": 7}),
        ("gzip, gzip", gzip.compress(PACKED, mtime=0), None),
        ("br", b"\x0b\x04", None),
    ],
)
def test_a_packed_body_is_unpacked_where_it_can_be(encoding: str, body: bytes, read: object) -> None:
    talk = answering(http(body, extra=f"content-encoding: {encoding}\r\n"))
    reply = asked(talk, lambda web: web.send("GET", "/"))
    assert (reply.status, reply.body) == (200, read)
    assert b"accept-encoding: identity" in talk.seen[0].lower()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(bytes(50_000_000), mtime=0), "unpacked, is longer than"),
        (b"no gzip at all", "cannot be unpacked"),
        (PACKED[:-3], "it ends early"),
    ],
)
def test_a_body_that_unpacks_to_too_much_or_not_at_all_is_no_answer(body: bytes, said: str) -> None:
    talk = answering(http(body, extra="content-encoding: gzip\r\n"))
    with pytest.raises(NoAnswer, match=said):
        asked(talk, lambda web: web.send("GET", "/"))


def test_headers_and_cookies_are_captured_too() -> None:
    extra = "X-Session: s-1\r\nset-cookie: sid=abc; Path=/\r\nset-cookie: b=2\r\n"
    step = StepConfig(path="/login", capture={"session": "header:x-session", "jar": "cookie:*", "sid": "cookie:sid"})
    reply = asked(answering(http(b"no JSON", extra=extra)), lambda web: web.perform(step, {}))
    assert dict(reply.captured) == {"session": "s-1", "jar": "sid=abc; b=2", "sid": "abc"}
