"""HTTP requests and answers out of the bytes of one connection, as they cross a relay: every head, also on a kept
connection, and the beginning of each body.

Sans-I/O and one-way: one splitter reads what the client sends, another what the server says. After an upgrade the bytes
are no HTTP any more; what cannot be read ends the reading (`broken`); nothing is ever changed.

    RequestSplitter().feed(b"GET /v1/ping HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n")[0].path   # '/v1/ping'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MAX_HEAD_BYTES = 64 * 1024  # servers refuse heads far shorter than this
MAX_EXCERPT_BYTES = 2_000
MAX_LINE_BYTES = 1024  # of a chunk's size, with its extensions


class Excerpt:
    """The beginning of a body. It grows while the body crosses, after its head was told of."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.size = 0

    def add(self, data: bytes | bytearray) -> None:
        self.size += len(data)
        self._bytes += data[: max(0, MAX_EXCERPT_BYTES - len(self._bytes))]

    def __str__(self) -> str:
        text = self._bytes.decode("utf-8", "replace")
        return text if self.size <= MAX_EXCERPT_BYTES else f"{text}... ({self.size} bytes)"


@dataclass(frozen=True)
class Request:
    """Header names in lower case. `target` is as it was sent: it may hold a token, and is not for a record."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Excerpt = field(default_factory=Excerpt, compare=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query_names(self) -> tuple[str, ...]:
        """Names of the query's parameters; their values may be secrets."""
        query = self.target.partition("?")[2]
        return tuple(part.partition("=")[0] for part in query.split("&") if part)

    @property
    def upgrades(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


@dataclass(frozen=True)
class Answer:
    """The head of an answer, and the beginning of its body."""

    status: int
    headers: Mapping[str, str]
    body: Excerpt = field(default_factory=Excerpt, compare=False)

    @property
    def upgrades(self) -> bool:
        return self.status == 101


def parse_request(head: bytes) -> Request | None:
    """A request's head up to its empty line; None when it is none."""
    first, headers = _lines(head)
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        return None
    return Request(parts[0], parts[1], headers)


def parse_answer(head: bytes) -> Answer | None:
    first, headers = _lines(head)
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
        return None
    return Answer(int(parts[1]), headers)


def _lines(head: bytes) -> tuple[str, dict[str, str]]:
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return first, headers


H = TypeVar("H", Request, Answer)


class _Splitter(Generic[H]):
    """Bytes of one side in, its heads out. Bodies are passed over by their length, or chunk by chunk."""

    def __init__(self, parse: Callable[[bytes], H | None]) -> None:
        self.broken = self.upgraded = False
        self._parse: Callable[[bytes], H | None] = parse
        self._bytes = bytearray()
        self._skip = self._take = 0  # bytes to pass over, and how many of them are body
        self._chunked = self._to_the_end = False
        self._body = Excerpt()

    def go_on(self) -> None:
        """The upgrade was refused: what follows is HTTP again."""
        self.upgraded = False

    def feed(self, data: bytes) -> list[H]:
        """The heads that these bytes complete."""
        if self.broken or self.upgraded:
            return []
        self._bytes += data
        found: list[H] = []
        while self._advance(found):
            pass
        return found

    def _advance(self, found: list[H]) -> bool:
        """One step; False when more bytes are needed, or none are read any more."""
        if self.broken or self.upgraded or not self._bytes:
            return False
        if self._to_the_end:
            self._body.add(self._bytes)
            self._bytes.clear()
            return False
        if self._skip:
            taken = min(self._skip, len(self._bytes))
            self._body.add(self._bytes[: min(taken, self._take)])
            self._take = max(0, self._take - taken)
            del self._bytes[:taken]
            self._skip -= taken
            return True
        return self._chunk() if self._chunked else self._head(found)

    def _chunk(self) -> bool:
        line, end, _ = bytes(self._bytes[:MAX_LINE_BYTES]).partition(b"\r\n")
        if not end:
            self.broken = len(self._bytes) >= MAX_LINE_BYTES
            return False
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            self.broken = True
            return False
        if size == 0 and not bytes(self._bytes[len(line) + 2 : len(line) + 4]).startswith(b"\r\n"):
            # Trailers, or their end that has not come yet: both are rare, and neither is needed here.
            self.broken = len(self._bytes) >= len(line) + 4
            return False
        del self._bytes[: len(line) + 2]
        self._skip, self._take, self._chunked = size + 2, size, size > 0
        return True

    def _head(self, found: list[H]) -> bool:
        head, end, _ = bytes(self._bytes).partition(b"\r\n\r\n")
        if not end:
            self.broken = len(self._bytes) > MAX_HEAD_BYTES
            return False
        del self._bytes[: len(head) + 4]
        parsed = self._parse(head)
        if parsed is None:
            self.broken = True
            return False
        found.append(parsed)
        self.upgraded, self._body = parsed.upgrades, parsed.body
        self._chunked = parsed.headers.get("transfer-encoding", "").lower() == "chunked"
        length = parsed.headers.get("content-length", "")
        self._skip = self._take = int(length) if length.isdigit() else 0
        # Only an answer may say nothing of its length: its body is what comes until the end.
        bodiless = not isinstance(parsed, Answer) or parsed.status < 200 or parsed.status in (204, 304)
        self._to_the_end = not length and not self._chunked and not bodiless
        return True


class RequestSplitter(_Splitter[Request]):
    """What a client sends."""

    def __init__(self) -> None:
        super().__init__(parse_request)


class AnswerSplitter(_Splitter[Answer]):
    """What a server says. Whether it answers a HEAD is not known here: such a connection is then read no further."""

    def __init__(self) -> None:
        super().__init__(parse_answer)
