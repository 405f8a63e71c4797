"""Requests are read out of bytes however these are cut."""

from __future__ import annotations

import pytest

from harness.lab.requests import MAX_EXCERPT_BYTES, AnswerSplitter, Request, RequestSplitter, parse_answer

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


def answers(data: bytes, size: int) -> list[tuple[int, str]]:
    splitter = AnswerSplitter()
    found = [one for at in range(0, len(data), size) for one in splitter.feed(data[at : at + size])]
    return [(one.status, str(one.body)) for one in found]


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
def test_answers_of_a_kept_connection_are_seen_with_the_beginning_of_their_bodies(size: int) -> None:
    plain = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
    chunked = b"HTTP/1.1 530 no\r\ntransfer-encoding: chunked\r\n\r\n4\r\nseq_\r\n8\r\nconflict\r\n0\r\n\r\n"
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    until_closed = b"HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 is what it says"
    expected = [(200, "abc"), (530, "seq_conflict"), (204, ""), (200, "abc"), (200, "HTTP/1.1 is what it says")]
    assert answers(plain + chunked + empty + plain + until_closed, size) == expected


def test_a_request_has_the_beginning_of_its_body_and_a_long_one_says_how_long_it_was() -> None:
    long = b"x" * (MAX_EXCERPT_BYTES + 5)
    posts = POST + b"POST /z HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(long) + long
    bodies = [str(one.body) for one in seen(posts, 100)]
    assert bodies[0] == "GET /"
    assert bodies[1].endswith(f"x... ({len(long)} bytes)")
