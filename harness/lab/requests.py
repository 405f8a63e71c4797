"""HTTP requests out of the bytes of one connection, as they cross a relay: every head, also on a kept connection.

Sans-I/O and one-way: it reads what the client sends. After an upgrade the bytes are no HTTP any more; what cannot be
read ends the reading (`broken`); nothing is ever changed.

    RequestSplitter().feed(b"GET /v1/ping HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n")[0].path   # '/v1/ping'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024  # servers refuse heads far shorter than this
MAX_LINE_BYTES = 1024  # of a chunk's size, with its extensions


@dataclass(frozen=True)
class Request:
    """Header names in lower case. `target` is as it was sent: it may hold a token, and is not for a record."""

    method: str
    target: str
    headers: Mapping[str, str]

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
    """The head of an answer to a request to upgrade."""

    status: int
    headers: Mapping[str, str]


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


class RequestSplitter:
    """Bytes of one client in, heads of its requests out. Bodies are skipped by their length, or chunk by chunk."""

    def __init__(self) -> None:
        self.broken = self.upgraded = False
        self._bytes = bytearray()
        self._skip = 0
        self._chunked = False

    def go_on(self) -> None:
        """The upgrade was refused: what follows is HTTP again."""
        self.upgraded = False

    def feed(self, data: bytes) -> list[Request]:
        """The requests whose heads these bytes complete."""
        if self.broken or self.upgraded:
            return []
        self._bytes += data
        found: list[Request] = []
        while self._advance(found):
            pass
        return found

    def _advance(self, found: list[Request]) -> bool:
        """One step; False when more bytes are needed, or none are read any more."""
        if self.broken or self.upgraded or not self._bytes:
            return False
        if self._skip:
            taken = min(self._skip, len(self._bytes))
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
        self._skip, self._chunked = size + 2, size > 0
        return True

    def _head(self, found: list[Request]) -> bool:
        head, end, _ = bytes(self._bytes).partition(b"\r\n\r\n")
        if not end:
            self.broken = len(self._bytes) > MAX_HEAD_BYTES
            return False
        del self._bytes[: len(head) + 4]
        request = parse_request(head)
        if request is None:
            self.broken = True
            return False
        found.append(request)
        length = request.headers.get("content-length", "0")
        self.upgraded = request.upgrades
        self._chunked = request.headers.get("transfer-encoding", "").lower() == "chunked"
        self._skip = int(length) if length.isdigit() else 0
        return True
