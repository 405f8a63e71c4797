"""Requests are read out of bytes however these are cut."""

from __future__ import annotations

import pytest

from harness.lab.requests import Request, RequestSplitter, parse_answer

GET = b"GET /v1/ping?token=secret HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET /"
CHUNKED = b"POST /y HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n"
UPGRADE = b"GET /s HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"


def seen(data: bytes, size: int) -> list[Request]:
    splitter = RequestSplitter()
    return [one for at in range(0, len(data), size) for one in splitter.feed(data[at : at + size])]


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
def test_all_requests_of_a_kept_connection_are_seen(size: int) -> None:
    found = seen(GET + POST + CHUNKED + GET + UPGRADE + GET, size)
    assert [(one.method, one.path) for one in found] == [
        ("GET", "/v1/ping"),
        ("POST", "/x"),
        ("POST", "/y"),
        ("GET", "/v1/ping"),
        ("GET", "/s"),
    ]
    assert [one.upgrades for one in found] == [False] * 4 + [True]


def test_the_values_of_a_query_are_kept_out() -> None:
    (request,) = seen(GET, 99)
    assert request.query_names == ("token",)
    assert request.headers == {"host": "a"}


def test_what_is_no_request_ends_the_reading() -> None:
    splitter = RequestSplitter()
    assert splitter.feed(b"\x00\x01 nonsense\r\n\r\n" + GET) == []
    assert splitter.broken
    assert splitter.feed(GET) == []


def test_a_head_without_an_end_is_not_kept_for_ever() -> None:
    splitter = RequestSplitter()
    splitter.feed(b"GET / HTTP/1.1\r\n" + b"a" * 70_000)
    assert splitter.broken


def test_an_answer() -> None:
    answer = parse_answer(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: p\r\n\r\n")
    assert answer is not None
    assert (answer.status, answer.headers) == (101, {"sec-websocket-protocol": "p"})
    assert parse_answer(b"nonsense") is None
