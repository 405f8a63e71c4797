"""What crossed the middlebox, as Ops: every WebSocket message counted, every event row that was delivered.

It reads with the harness's own codec, so it is a witness that depends neither on the desktop's word nor on
the server's. It also injects: frames of the old protocol, which a desktop must refuse.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from websockets.frames import Opcode

from harness.config import HashConfig, TablesConfig
from harness.errors import WireError
from harness.evidence.exchanges import MAX_KEPT, Exchange
from harness.evidence.recorder import Recorder
from harness.history import FrameSeen
from harness.lab.middlebox import Message, Middlebox
from harness.lab.requests import Answer, Request
from harness.surfaces.events import Event, event_of_row
from harness.surfaces.tail import Tail
from harness.wire import bsatn, messages
from harness.wire.schema import Schema, Table

_TRANSACTIONS = (messages.TransactionUpdate, messages.TransactionUpdateLight)


@dataclass
class Crossed:
    """One request and what came of it."""

    asked_ns: int
    request: Request
    answer: Answer | None = None
    answered_ns: int = 0

    def exchange(self, by: str) -> Exchange:
        told = f"{self.request.method} {self.request.path}"
        if self.answer is None:
            return Exchange(self.asked_ns, None, by, "server", told, str(self.request.body), error="no answer crossed")
        ms = round((self.answered_ns - self.asked_ns) / 1e6, 1)
        answer = str(self.answer.body)
        return Exchange(self.asked_ns, ms, by, "server", told, str(self.request.body), self.answer.status, answer)


class Crossing:
    """The middlebox of one path, with its Ops."""

    def __init__(self, record: Recorder, tables: TablesConfig, hashing: HashConfig) -> None:
        self._record, self._tables, self._hashing = record, tables, hashing
        self.schema: Schema | None = None
        self.box = Middlebox(
            on_message=self._on_message,
            on_request=self._on_request,
            on_answer=self._on_answer,
            on_end=self._on_end,
        )
        self.asked: list[tuple[int, Request]] = []  # every HTTP request, with the number of its connection
        self.answered: dict[int, Answer] = {}  # the last one on each connection
        self._open: dict[int, deque[Crossed]] = {}  # requests without an answer, by connection
        self._crossed: deque[Crossed] = deque(maxlen=MAX_KEPT)
        self.sockets: dict[str, int] = {}  # connection id -> the middlebox's number of its socket
        self._connections: dict[int, str] = {}
        self._identities: dict[int, str] = {}
        self.upgraded = 0
        self.delivered: dict[tuple[str, int], Event] = {}  # the last event that crossed at each place
        self.tail = Tail()

    def _on_request(self, number: int, request: Request) -> None:
        self.asked.append((number, request))
        crossed = Crossed(time.monotonic_ns(), request)
        self._crossed.append(crossed)
        self._open.setdefault(number, deque()).append(crossed)

    def _on_answer(self, number: int, answer: Answer) -> None:
        self.answered[number] = answer
        waiting = self._open.get(number)
        if waiting:
            crossed = waiting.popleft()
            crossed.answer, crossed.answered_ns = answer, time.monotonic_ns()

    def exchanges(self, by: str) -> list[Exchange]:
        """What crossed by HTTP, of the part of the subject whose path this is."""
        return [crossed.exchange(by) for crossed in self._crossed]

    def _on_message(self, message: Message) -> None:
        connection = self._connections.get(message.socket)
        if message.spoilt:
            seen = FrameSeen(message.direction, "malformed", injected=True)
            self.tail.add(self._record.op("middlebox", "frame", data=seen, connection=connection), seen, message)
            return
        try:
            kind = _kind_of(message)
        except WireError:
            kind = "malformed"
        if message.direction == "to_client" and kind in messages.SERVER_KINDS:
            connection = self._look(message) or connection
        identity = self._identities.get(message.socket) if kind == "IdentityToken" else None
        seen = FrameSeen(message.direction, kind)
        op = self._record.op("middlebox", "frame", data=seen, connection=connection, identity=identity)
        self.tail.add(op, seen, message)

    def _look(self, message: Message) -> str | None:
        """Deliveries of one server message; the connection id when this is where it is told."""
        try:
            decoded = self._decoded(message)
        except WireError:
            return None
        if isinstance(decoded, messages.IdentityToken):
            connection = decoded.connection_id.hex
            self._record.redactor.add(decoded.token)
            self._connections[message.socket] = connection
            self._identities[message.socket] = decoded.identity.hex
            self.sockets[connection] = message.socket
            self.upgraded += 1
            self.box.unsure.discard(message.socket)
            return connection
        live = isinstance(decoded, _TRANSACTIONS)
        for update in messages.updates_of(decoded):
            if update.table_name == self._tables.events.name:
                self._deliver(update, self._connections.get(message.socket), live)
        return None

    def _decoded(self, message: Message) -> messages.ServerMessage:
        """In either form of the protocol; the binary one needs the schema."""
        if message.opcode is not Opcode.BINARY:
            return messages.decode(message.payload)
        if self.schema is None:
            raise WireError("the schema is not known yet")
        return bsatn.decode(message.payload, self.schema)

    def _row(self, table: Table, text: str, connection: str | None) -> Event | None:
        """The event in a delivered row; a row that cannot be read is recorded, and goes on its way."""
        try:
            return event_of_row(table.row(text), self._tables, self._hashing)
        except WireError as error:
            self._record.op("middlebox", "deliver", "info", connection=connection, error=str(error))
            return None

    def _deliver(self, update: messages.TableUpdate, connection: str | None, live: bool) -> None:
        if self.schema is None:
            return
        table = self.schema.table(update.table_name)
        for query in update.updates:
            for text in query.inserts:
                event = self._row(table, text, connection)
                if event is None:
                    continue
                self.delivered[event.stream, event.seq] = event
                self._record.op(
                    "middlebox",
                    "deliver",
                    stream=event.stream,
                    seq=event.seq,
                    key=event.key,
                    idem_key=event.idem_key,
                    hash=event.hash,
                    connection=connection,
                    data=event.applied(live=live),
                )

    def _on_end(self, number: int) -> None:
        self._open.pop(number, None)
        connection = self._connections.pop(number, None)
        self._identities.pop(number, None)
        if connection is not None:
            self.sockets.pop(connection, None)

    def inject(
        self, connection: str, text: str | bytes, *, kind: str, key: str | None = None, opcode: Opcode = Opcode.TEXT
    ) -> bool:
        """Send a message of our own to the client of this connection; False when it is gone."""
        number = self.sockets.get(connection)
        payload = text.encode() if isinstance(text, str) else text
        if number is None or not self.box.inject(number, payload, opcode):
            return False
        seen = FrameSeen("to_client", kind, injected=True)
        op = self._record.op("middlebox", "frame", data=seen, connection=connection, key=key)
        self.tail.add(op, seen, Message(number, "to_client", opcode, payload))
        return True


def _kind_of(message: Message) -> str:
    if message.opcode is Opcode.BINARY:
        return bsatn.kind_of(message.payload, message.direction)
    return messages.open_envelope(message.payload)[0]
