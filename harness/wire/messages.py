"""v1.json.spacetimedb as a table: every message of the protocol, typed; an unknown one is an error.

Source: crates/client-api-messages/src/websocket.rs at v1.2.0, and frames recorded from that server
(tests/harness/wire/frames/). Owns the text of frames; leaves rows to schema and sockets to client.

    message = decode(frame)
    if isinstance(message, TransactionUpdate): ...
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.canonical import UNREADABLE
from harness.errors import WireError

PROTOCOL = "v1.json.spacetimedb"


class _Message(msgspec.Struct, frozen=True):
    pass


class IdentityWire(_Message, frozen=True, rename={"value": "__identity__"}):
    value: str

    @property
    def hex(self) -> str:
        """64 hex digits; the wire drops leading zeros and adds 0x."""
        return self.value.removeprefix("0x").rjust(64, "0")


class ConnectionIdWire(_Message, frozen=True, rename={"value": "__connection_id__"}):
    value: int

    @property
    def hex(self) -> str:
        """32 hex digits."""
        return f"{self.value:032x}"


class TimestampWire(_Message, frozen=True, rename={"micros": "__timestamp_micros_since_unix_epoch__"}):
    micros: int


class QueryUpdate(_Message, frozen=True):
    """Rows are JSON texts. An update of a row is its deletion and its insertion."""

    deletes: tuple[str, ...]
    inserts: tuple[str, ...]


class TableUpdate(_Message, frozen=True):
    """`updates` has an item for each query that matched: overlapping queries repeat a row."""

    table_id: int
    table_name: str
    num_rows: int
    updates: tuple[QueryUpdate, ...]


class DatabaseUpdate(_Message, frozen=True):
    tables: tuple[TableUpdate, ...]


class QueryId(_Message, frozen=True):
    id: int


class SubscribeRows(_Message, frozen=True):
    table_id: int
    table_name: str
    table_rows: TableUpdate


class IdentityToken(_Message, frozen=True):
    """Always first. It carries a token: never write it anywhere as it is."""

    identity: IdentityWire
    token: str
    connection_id: ConnectionIdWire

    def __repr__(self) -> str:
        return f"IdentityToken(identity={self.identity.hex}, token=REDACTED, connection_id={self.connection_id.hex})"


class InitialSubscription(_Message, frozen=True):
    database_update: DatabaseUpdate
    request_id: int


class SubscribeApplied(_Message, frozen=True):
    request_id: int
    query_id: QueryId
    rows: SubscribeRows


class UnsubscribeApplied(_Message, frozen=True):
    request_id: int
    query_id: QueryId
    rows: SubscribeRows


class SubscribeMultiApplied(_Message, frozen=True):
    request_id: int
    query_id: QueryId
    update: DatabaseUpdate


class UnsubscribeMultiApplied(_Message, frozen=True):
    request_id: int
    query_id: QueryId
    update: DatabaseUpdate


class ReducerCall(_Message, frozen=True):
    reducer_name: str
    reducer_id: int
    args: str
    request_id: int


class Status(_Message, frozen=True):
    """Exactly one of the three is set."""

    Committed: DatabaseUpdate | None = None
    Failed: str | None = None
    OutOfEnergy: list[int] | None = None


class TransactionUpdate(_Message, frozen=True):
    """`request_id` is the caller's, shown to every subscriber; on 1.2.0 it is 0 for Failed ones."""

    status: Status
    timestamp: TimestampWire
    caller_identity: IdentityWire
    caller_connection_id: ConnectionIdWire
    reducer_call: ReducerCall


class TransactionUpdateLight(_Message, frozen=True):
    request_id: int
    update: DatabaseUpdate


class SomeInt(_Message, frozen=True):
    some: int | None = None
    none: list[int] | None = None


class SomeText(_Message, frozen=True):
    some: str | None = None
    none: list[int] | None = None


class SubscriptionError(_Message, frozen=True):
    request_id: SomeInt
    query_id: SomeInt
    table_id: SomeInt
    error: str


class OneOffTable(_Message, frozen=True):
    table_name: str
    rows: tuple[str, ...]


class OneOffQueryResponse(_Message, frozen=True):
    message_id: str
    error: SomeText
    tables: tuple[OneOffTable, ...]


ServerMessage = (
    IdentityToken
    | InitialSubscription
    | SubscribeApplied
    | UnsubscribeApplied
    | SubscribeMultiApplied
    | UnsubscribeMultiApplied
    | TransactionUpdate
    | TransactionUpdateLight
    | SubscriptionError
    | OneOffQueryResponse
)

_TABLE: dict[str, type[ServerMessage]] = {
    kind.__name__: kind
    for kind in (
        IdentityToken,
        InitialSubscription,
        SubscribeApplied,
        UnsubscribeApplied,
        SubscribeMultiApplied,
        UnsubscribeMultiApplied,
        TransactionUpdate,
        TransactionUpdateLight,
        SubscriptionError,
        OneOffQueryResponse,
    )
}
SERVER_KINDS = frozenset(_TABLE)

_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in _TABLE.items()}
_encoder = msgspec.json.Encoder()


def decode(frame: str | bytes) -> ServerMessage:
    """One server message. WireError for anything that is not in the table, or not in its shape."""
    kind, body = open_envelope(frame)
    decoder = _decoders.get(kind)
    if decoder is None:
        raise WireError(f"unknown server message {kind[:60]!r}; the protocol has {sorted(_TABLE)}")
    try:
        message = decoder.decode(body)
    except UNREADABLE as error:
        raise WireError(f"malformed {kind}: {error}") from error
    if isinstance(message, TransactionUpdate) and _arms(message.status) != 1:
        raise WireError("malformed TransactionUpdate: its status is none of Committed, Failed, OutOfEnergy")
    return message


def _arms(status: Status) -> int:
    return sum(arm is not None for arm in (status.Committed, status.Failed, status.OutOfEnergy))


def open_envelope(frame: str | bytes) -> tuple[str, msgspec.Raw]:
    """The tag and the body of a message of either side. WireError when it is no tagged object."""
    try:
        envelope = _envelope.decode(frame)
    except UNREADABLE as error:
        raise WireError(f"not a JSON object: {error}") from error
    if len(envelope) != 1:
        raise WireError(f"a message has one tag, this one has {len(envelope)}: {sorted(envelope)[:4]}")
    return next(iter(envelope.items()))


def encode(message: ServerMessage) -> bytes:
    """The frame of a server message: for the middlebox and for round-trip tests."""
    return _encoder.encode({type(message).__name__: _plain(message)})


def _plain(message: ServerMessage) -> object:
    if isinstance(message, TransactionUpdate):
        status = {
            name: value
            for name in ("Committed", "Failed", "OutOfEnergy")
            if (value := getattr(message.status, name)) is not None
        }
        return {**{name: getattr(message, name) for name in message.__struct_fields__}, "status": status}
    return message


def subscribe_multi(queries: tuple[str, ...], *, request_id: int, query_id: int) -> bytes:
    body = {"query_strings": queries, "request_id": request_id, "query_id": {"id": query_id}}
    return _encoder.encode({"SubscribeMulti": body})


def call_reducer(reducer: str, args: object, *, request_id: int) -> bytes:
    """`args` is sent as JSON within JSON. Without flags: an update comes on success too."""
    body = {"reducer": reducer, "args": _encoder.encode(args).decode(), "request_id": request_id, "flags": 0}
    return _encoder.encode({"CallReducer": body})


def updates_of(message: ServerMessage) -> Iterator[TableUpdate]:
    """The table updates in a message of any kind."""
    if isinstance(message, TransactionUpdate):
        if message.status.Committed is not None:
            yield from message.status.Committed.tables
    elif isinstance(message, (TransactionUpdateLight, SubscribeMultiApplied)):
        yield from message.update.tables
    elif isinstance(message, SubscribeApplied):
        yield message.rows.table_rows
    elif isinstance(message, InitialSubscription):
        yield from message.database_update.tables
