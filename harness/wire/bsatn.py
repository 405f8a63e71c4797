"""v1.bsatn.spacetimedb: the same messages as in v1.json, in the binary form that the official SDKs speak.

Source: crates/client-api-messages/src/websocket.rs at v1.2.0; frames recorded from an SDK and a server. A frame of the
server's begins with a byte that names its compression; brotli is not read, and is told as an error. Rows come
out as the JSON texts that v1.json would have carried, so that everything behind is the same.

    message = decode(frame, schema)
    if isinstance(message, TransactionUpdate): ...
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Literal

import msgspec

from harness.errors import WireError
from harness.wire import messages as m
from harness.wire.reader import MAX_INFLATED_BYTES, Reader
from harness.wire.schema import Schema

PROTOCOL = "v1.bsatn.spacetimedb"
_PLAIN, _BROTLI, _GZIP = range(3)
_SERVER = (
    "InitialSubscription",
    "TransactionUpdate",
    "TransactionUpdateLight",
    "IdentityToken",
    "OneOffQueryResponse",
    "SubscribeApplied",
    "UnsubscribeApplied",
    "SubscriptionError",
    "SubscribeMultiApplied",
    "UnsubscribeMultiApplied",
)
_CLIENT = (
    "CallReducer",
    "Subscribe",
    "OneOffQuery",
    "SubscribeSingle",
    "SubscribeMulti",
    "Unsubscribe",
    "UnsubscribeMulti",
)


def kind_of(frame: bytes, direction: Literal["to_client", "to_server"]) -> str:
    """The name of a message. WireError for a number that has none."""
    names, reader = (_CLIENT, Reader(frame)) if direction == "to_server" else (_SERVER, _unpacked(frame))
    number = reader.tag()
    if number >= len(names):
        raise WireError(f"unknown message {number}; the protocol has {len(names)}")
    return names[number]


def decode(frame: bytes, schema: Schema) -> m.ServerMessage:
    """One server message. WireError for anything that is not in the table, or not in its shape."""
    reader = _unpacked(frame)
    number = reader.tag()
    read = _READERS.get(_SERVER[number]) if number < len(_SERVER) else None
    if read is None:
        raise WireError(f"message {number} of the server is not read")
    message = read(_Body(reader, schema))
    if reader.left:
        raise WireError(f"{reader.left} bytes are left after a {type(message).__name__}")
    return message


def _unpacked(frame: bytes) -> Reader:
    reader = Reader(frame)
    return Reader(_inflated(reader.tag(), reader.take(reader.left)))


def _inflated(packing: int, data: bytes) -> bytes:
    if packing == _PLAIN:
        return data
    if packing != _GZIP:
        raise WireError("brotli is not read" if packing == _BROTLI else f"unknown compression {packing}")
    try:
        unpacker = zlib.decompressobj(wbits=31)
        whole = unpacker.decompress(data, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise WireError(f"not gzip: {error}") from error
    if not unpacker.eof:
        raise WireError("a compressed message is cut, or beyond any limit")
    return whole


class _Body:
    """What is read of a message, part by part, in the order of its fields."""

    def __init__(self, reader: Reader, schema: Schema) -> None:
        self.reader, self.schema = reader, schema

    def u32(self) -> int:
        return self.reader.number(4)

    def skip(self, count: int) -> None:
        self.reader.take(count)

    def query_id(self) -> m.QueryId:
        return m.QueryId(self.u32())

    def identity(self) -> m.IdentityWire:
        return m.IdentityWire(self.reader.hex(32))

    def connection(self) -> m.ConnectionIdWire:
        return m.ConnectionIdWire(self.reader.number(16))

    def database_update(self) -> m.DatabaseUpdate:
        return m.DatabaseUpdate(tuple(self.reader.many(self.table_update)))

    def table_update(self) -> m.TableUpdate:
        number, name, rows = self.u32(), self.reader.text(), self.reader.number(8)
        return m.TableUpdate(number, name, rows, tuple(self.reader.many(lambda: self._query_update(name))))

    def _query_update(self, table: str) -> m.QueryUpdate:
        packing = self.reader.tag()
        if packing == _PLAIN:
            return self._rows_of(table)
        inner = Reader(_inflated(packing, self.reader.blob()))
        return _Body(inner, self.schema)._rows_of(table)

    def _rows_of(self, table: str) -> m.QueryUpdate:
        return m.QueryUpdate(deletes=self.row_list(table), inserts=self.row_list(table))

    def row_list(self, table: str) -> tuple[str, ...]:
        """Rows lie one behind the other; the hint about their sizes is not needed to tell them apart."""
        if self.reader.tag() == 0:
            self.skip(2)
        else:
            self.reader.many(lambda: self.skip(8))
        rows, columns = Reader(self.reader.blob()), self.schema.table(table).columns
        found = []
        while rows.left:
            found.append(msgspec.json.encode([column.read(rows) for column in columns]).decode())
        return tuple(found)

    def subscribe_rows(self) -> m.SubscribeRows:
        return m.SubscribeRows(self.u32(), self.reader.text(), self.table_update())

    def status(self) -> m.Status:
        number = self.reader.tag()
        if number == 0:
            return m.Status(Committed=self.database_update())
        return m.Status(Failed=self.reader.text()) if number == 1 else m.Status(OutOfEnergy=[])

    def reducer_call(self) -> m.ReducerCall:
        name, number, args = self.reader.text(), self.u32(), self.reader.blob()
        return m.ReducerCall(name, number, args.hex(), self.u32())


def _transaction(body: _Body) -> m.TransactionUpdate:
    status, micros = body.status(), m.TimestampWire(body.reader.number(8, signed=True))
    message = m.TransactionUpdate(status, micros, body.identity(), body.connection(), body.reducer_call())
    body.skip(16 + 8)  # energy, duration
    return message


def _initial(body: _Body) -> m.InitialSubscription:
    message = m.InitialSubscription(body.database_update(), body.u32())
    body.skip(8)  # duration
    return message


def _identity_token(body: _Body) -> m.IdentityToken:
    return m.IdentityToken(body.identity(), body.reader.text(), body.connection())


def _subscription_error(body: _Body) -> m.SubscriptionError:
    body.skip(8)  # duration
    request, query, table = (m.SomeInt(some=body.reader.option(body.u32)) for _ in range(3))
    return m.SubscriptionError(request, query, table, body.reader.text())


def _one_off(body: _Body) -> m.OneOffQueryResponse:
    message_id, error = body.reader.blob().hex(), m.SomeText(some=body.reader.option(body.reader.text))

    def table() -> m.OneOffTable:
        name = body.reader.text()
        return m.OneOffTable(name, body.row_list(name))

    message = m.OneOffQueryResponse(message_id, error, tuple(body.reader.many(table)))
    body.skip(8)  # duration
    return message


def _after_duration(body: _Body) -> tuple[int, m.QueryId]:
    """The request's number and the query's; how long the server took lies between them."""
    request = body.u32()
    body.skip(8)
    return request, body.query_id()


_READERS: dict[str, Callable[[_Body], m.ServerMessage]] = {
    "InitialSubscription": _initial,
    "TransactionUpdate": _transaction,
    "TransactionUpdateLight": lambda body: m.TransactionUpdateLight(body.u32(), body.database_update()),
    "IdentityToken": _identity_token,
    "OneOffQueryResponse": _one_off,
    "SubscribeApplied": lambda body: m.SubscribeApplied(*_after_duration(body), body.subscribe_rows()),
    "UnsubscribeApplied": lambda body: m.UnsubscribeApplied(*_after_duration(body), body.subscribe_rows()),
    "SubscriptionError": _subscription_error,
    "SubscribeMultiApplied": lambda body: m.SubscribeMultiApplied(*_after_duration(body), body.database_update()),
    "UnsubscribeMultiApplied": lambda body: m.UnsubscribeMultiApplied(*_after_duration(body), body.database_update()),
}
