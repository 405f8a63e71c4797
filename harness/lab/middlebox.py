"""Looks into WebSocket connections that the relay carries: counts messages, adds frames; answers routes.

Sans-I/O but for the link it is given. A connection starts as HTTP; after a 101 both directions are parsed as
frames. Compression is declined on the client's behalf (the extension header is taken out of its
request), so that every message can be read. Frames pass on as they are, message by message.

    box = Middlebox(on_message=record)       # Relay(..., tap=box.tap)
    box.inject(socket, b'{"event":"phx_reply"}')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from harness.lab.relay import Answer, Link
from harness.lab.requests import MAX_HEAD_BYTES, AnswerSplitter, Request, RequestSplitter, parse_answer
from harness.lab.requests import Answer as Head

Direction = Literal["to_client", "to_server"]
MAX_MESSAGE_BYTES = 256 * 1024 * 1024  # a snapshot of a large database is one message
_EXTENSIONS = re.compile(rb"(?im)^sec-websocket-extensions:[^\r\n]*\r\n")
_UPGRADED = re.compile(rb"^HTTP/1\.1 101\b")


@dataclass(frozen=True)
class Message:
    """One WebSocket message that crossed. `socket` numbers the connection within its middlebox; `spoilt` when what goes
    on is not what came."""

    socket: int
    direction: Direction
    opcode: Opcode
    payload: bytes
    spoilt: bool = False


class Payload(NamedTuple):
    """What goes to the client instead of a message; `spoilt` when no server has said it."""

    data: bytes
    spoilt: bool = False


class FrameSplitter:
    """Bytes in, frames out; holds what is not complete yet.

    >>> FrameSplitter(masked=False).feed(b"\\x81\\x02hi")[0].data
    bytearray(b'hi')
    """

    def __init__(self, *, masked: bool) -> None:
        self._stream = StreamReader()
        self._masked = masked
        self._parser: Generator[None, None, Frame] | None = None
        self.pending = self._inside = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by these bytes. ProtocolError when they are no frames."""
        self._stream.feed_data(data)
        frames = []
        while (frame := self._one()) is not None:
            frames.append(frame)
        self.pending = bool(self._stream.buffer) or self._inside
        return frames

    def _read_exact(self, count: int) -> Generator[None, None, bytes | bytearray]:
        data = yield from self._stream.read_exact(count)
        self._inside = True
        return data

    def _one(self) -> Frame | None:
        if self._parser is None:
            self._parser = Frame.parse(self._read_exact, mask=self._masked, max_size=MAX_MESSAGE_BYTES)
        try:
            next(self._parser)
        except StopIteration as done:
            self._parser, self._inside = None, False
            frame: Frame = done.value
            return frame
        return None


class _Head:
    """Collects an HTTP head up to its empty line. What is longer than any head is no head: it is all rest."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        self._bytes += data
        head, found, rest = self._bytes.partition(b"\r\n\r\n")
        if found:
            return head + found, rest
        return (b"", self._bytes) if len(self._bytes) > MAX_HEAD_BYTES else None


class _WebSocketTap:
    """The tap on one connection."""

    def __init__(self, box: Middlebox, number: int, link: Link) -> None:
        self._box, self.number, self._link = box, number, link
        self._request: _Head | None = _Head()
        self._requests, self._answers = RequestSplitter(), AnswerSplitter()
        self._response: _Head | None = _Head()
        self._upgrading = self._altering = False
        self._splitters: dict[Direction, FrameSplitter] = {}
        self._parts: dict[Direction, tuple[Opcode, bytearray]] = {}
        self._waiting: list[bytes] = []

    def to_server(self, data: bytes) -> bytes:
        requests = self._requests.feed(data)
        for request in requests:
            self._box.on_request(self.number, request)
        if self._request is None:
            if not any(request.upgrades for request in requests):
                return self._frames("to_server", data)
            self._ask_for_upgrade()  # on a connection that was kept after an earlier request
            return _EXTENSIONS.sub(b"", data)
        done = self._request.feed(data)
        if done is None:
            return b""
        self._request = None
        head, rest = done
        if b"upgrade: websocket" in head.lower():
            self._ask_for_upgrade()
        return _EXTENSIONS.sub(b"", head) + rest

    def _ask_for_upgrade(self) -> None:
        self._upgrading, self._response = True, _Head()
        self._box.unsure.add(self.number)

    def to_client(self, data: bytes) -> bytes:
        if self._response is None:
            return self._frames("to_client", data)
        if not self._upgrading:
            for answer in self._answers.feed(data):
                self._box.on_answer(self.number, answer)
            return data
        done = self._response.feed(data)
        if done is None:
            return b""
        self._response = None
        head, rest = done
        told = parse_answer(head)
        if told is not None:
            self._box.on_answer(self.number, told)
        if _UPGRADED.match(head):
            self._splitters = {"to_client": FrameSplitter(masked=False), "to_server": FrameSplitter(masked=True)}
        else:
            self._box.unsure.discard(self.number)
            self._upgrading = False
            self._requests.go_on()
        return head + self._frames("to_client", rest)

    def _frames(self, direction: Direction, data: bytes) -> bytes:
        splitter = self._splitters.get(direction)
        if splitter is None or not data:
            return data
        if direction == "to_client" and (self._altering or (self._box.alter is not None and self.between_messages)):
            return self._altered(splitter, data)
        try:
            for frame in splitter.feed(data):
                self._look(direction, frame)
        except (ProtocolError, PayloadTooBig):
            # Not ours to judge: the bytes go on as they are, and are no longer looked at.
            del self._splitters[direction]
        if direction == "to_client" and self._waiting and self.between_messages:
            data += b"".join(self._waiting)
            self._waiting.clear()
        return data

    def _altered(self, splitter: FrameSplitter, data: bytes) -> bytes:
        """Frame by frame, whole messages only, as `alter` says; until there is nothing to alter and nothing is under
        way. Bytes that are no frames end the connection: half of them may be held here."""
        out = []
        try:
            for frame in splitter.feed(data):
                whole = frame.opcode in (Opcode.TEXT, Opcode.BINARY) and frame.fin
                if whole and self._box.alter is not None:
                    message = Message(self.number, "to_client", frame.opcode, bytes(frame.data))
                    for payload in self._box.alter(message):
                        self._box.on_message(replace(message, payload=payload.data, spoilt=payload.spoilt))
                        out.append(Frame(frame.opcode, payload.data).serialize(mask=False))
                else:
                    self._look("to_client", frame)
                    out.append(frame.serialize(mask=False))
        except (ProtocolError, PayloadTooBig):
            self._link.abort()
            return b""
        self._altering = self._box.alter is not None or not self.between_messages
        if self.between_messages and self._waiting:
            out += self._waiting
            self._waiting.clear()
        return b"".join(out)

    def _look(self, direction: Direction, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._parts[direction] = (frame.opcode, bytearray())
        part = self._parts.get(direction)
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) and part is not None:
            part[1].extend(frame.data)
            if frame.fin:
                del self._parts[direction]
                self._box.on_message(Message(self.number, direction, part[0], bytes(part[1])))

    @property
    def readable(self) -> bool:
        """Whether messages to the client are told apart: it was upgraded, and has sent nothing but frames."""
        return "to_client" in self._splitters

    @property
    def between_messages(self) -> bool:
        """Nothing of a message to the client is under way, neither a fragment nor a part of a frame."""
        splitter = self._splitters.get("to_client")
        return splitter is not None and "to_client" not in self._parts and not splitter.pending

    def inject(self, frame: bytes) -> None:
        """Send a frame to the client, now or after the message that is under way."""
        if self.between_messages:
            self._link.send_to_client(frame)
        else:
            self._waiting.append(frame)

    def ended(self) -> None:
        self._box.forget(self.number)


class Middlebox:
    """Taps for a relay's connections, and what can be done to them."""

    def __init__(
        self,
        *,
        on_message: Callable[[Message], None],
        on_request: Callable[[int, Request], None] = lambda number, request: None,
        on_answer: Callable[[int, Head], None] = lambda number, answer: None,
        on_end: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.on_message, self.on_request, self.on_answer, self._on_end = on_message, on_request, on_answer, on_end
        self.alter: Callable[[Message], list[Payload]] | None = None  # what goes to the client instead of a message
        self.unsure: set[int] = set()  # sockets that asked for an upgrade: neither refused nor seen in use
        self._taps: dict[int, _WebSocketTap] = {}
        self._count = 0

    def tap(self, link: Link) -> _WebSocketTap:
        self._count += 1
        tap = self._taps[self._count] = _WebSocketTap(self, self._count, link)
        return tap

    def forget(self, number: int) -> None:
        self._taps.pop(number, None)
        self._on_end(number)

    def inject(self, socket: int, payload: bytes, opcode: Opcode = Opcode.TEXT, *, crossed: bool = False) -> bool:
        """Send one more message to the client of that socket; False when it is gone. `crossed`: it is a message of the
        server's that was held back, and is told as such."""
        tap = self._taps.get(socket)
        if tap is None or not tap.readable:
            return False
        if crossed:
            self.on_message(Message(socket, "to_client", opcode, payload))
        tap.inject(Frame(opcode, payload).serialize(mask=False))
        return True


def answers(routes: Mapping[tuple[str, str], tuple[int, str]]) -> Answer:
    """Answers (method, path) with (status, body) in the subject's place: falsification (b) of the route gates.

    It looks at the first request of a connection only; the harness sends one request per connection
    to routes that it probes."""

    def answer(head: bytes) -> bytes | None:
        method, _, rest = head.partition(b" ")
        target = rest.partition(b" ")[0].partition(b"?")[0]
        found = routes.get((method.decode("latin-1"), target.decode("latin-1")))
        if found is None:
            return None
        status, body = found
        payload = b"" if method == b"HEAD" else body.encode()
        lines = f"HTTP/1.1 {status} Answered\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n"
        return lines.encode() + b"connection: close\r\n\r\n" + payload

    return answer
