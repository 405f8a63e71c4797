"""The codec: frames recorded from the real server, and everything that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import WireError
from harness.wire import messages
from harness.wire.messages import decode, encode
from harness.wire.schema import Schema

FRAMES = Path(__file__).with_name("frames")
NAMES = sorted(path.name for path in FRAMES.glob("*.json") if path.name != "schema.json")
SCHEMA = Schema.parse((FRAMES / "schema.json").read_bytes())
OWNER = (FRAMES / "identity.txt").read_text().strip()


def frame(name: str) -> str:
    return (FRAMES / f"{name}.json").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_frame_is_decoded_to_its_type(name: str) -> None:
    assert type(decode(frame(name.removesuffix(".json")))).__name__ == name.split(".")[0]


def test_every_kind_of_the_table_was_recorded() -> None:
    assert {name.split(".")[0] for name in NAMES} == messages.SERVER_KINDS


def test_identity_token() -> None:
    hello = decode(frame("IdentityToken"))
    assert isinstance(hello, messages.IdentityToken)
    assert hello.identity.hex == OWNER
    assert hello.connection_id.hex == f"{256080402249604692112675587898828419215:032x}"
    assert hello.token not in repr(hello)


def test_both_shapes_of_one_row_are_the_same_row() -> None:
    """Snapshots carry objects, updates arrays: measured."""
    snapshot, update = decode(frame("SubscribeApplied")), decode(frame("TransactionUpdate"))
    assert isinstance(snapshot, messages.SubscribeApplied)
    assert isinstance(update, messages.TransactionUpdate)
    assert update.status.Committed is not None
    as_object = snapshot.rows.table_rows.updates[0].inserts[0]
    as_array = update.status.Committed.tables[0].updates[0].inserts[0]
    assert (as_object[0], as_array[0]) == ("{", "[")
    table = SCHEMA.table("sync_event")
    assert table.row(as_object) == table.row(as_array)
    assert table.row(as_array)["seq"] == 1


def test_a_transaction_says_who_called_what() -> None:
    update = decode(frame("TransactionUpdate"))
    assert isinstance(update, messages.TransactionUpdate)
    assert update.caller_identity.hex == OWNER
    assert (update.reducer_call.reducer_name, update.reducer_call.request_id) == ("append_sync_event", 7)
    assert json.loads(update.reducer_call.args)[:2] == ["s", "k1"]


def test_a_failed_one_carries_the_text_and_on_this_version_request_id_0() -> None:
    update = decode(frame("TransactionUpdate.failed"))
    assert isinstance(update, messages.TransactionUpdate)
    assert update.status.Failed == "idempotency_conflict key=k1"
    assert update.status.Committed is None
    assert update.reducer_call.request_id == 0


def test_the_others_field_by_field() -> None:
    multi, error = decode(frame("SubscribeMultiApplied")), decode(frame("SubscriptionError"))
    assert isinstance(multi, messages.SubscribeMultiApplied)
    assert (multi.request_id, multi.query_id.id, multi.update.tables[0].table_name) == (3, 3, "active_connection")
    assert isinstance(error, messages.SubscriptionError)
    assert (error.request_id.some, error.table_id.some) == (9, None)
    assert "no_such_table" in error.error
    light, single = decode(frame("TransactionUpdateLight")), decode(frame("OneOffQueryResponse"))
    assert isinstance(light, messages.TransactionUpdateLight)
    assert light.update.tables[0].num_rows == 1
    assert isinstance(single, messages.OneOffQueryResponse)
    assert (single.message_id, single.tables[0].table_name, single.error.some) == ("01ff", "sync_event", None)
    gone = decode(frame("UnsubscribeMultiApplied"))
    assert isinstance(gone, messages.UnsubscribeMultiApplied)
    assert sum(len(q.deletes) for t in gone.update.tables for q in t.updates) >= 1
    first = decode(frame("InitialSubscription"))
    assert isinstance(first, messages.InitialSubscription)
    assert first.database_update.tables[0].updates[0].inserts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        "[]",
        '"IdentityToken"',
        "{}",
        '{"IdentityToken":{}}',
        '{"NoSuchMessage":{}}',
        '{"IdentityToken":{},"TransactionUpdate":{}}',
        '{"TransactionUpdate":{"status":{}}}',
        '{"SubscribeMultiApplied":[]}',
        '{"topic":"t","event":"phx_reply"}',
        '[null,null,"t","phx_reply",{}]',
        frame("TransactionUpdate").replace('"Committed"', '"Perhaps"'),
        frame("TransactionUpdate")[:-5],
        frame("SubscribeApplied").replace('"num_rows":1', '"num_rows":"1"'),
    ],
)
def test_what_is_no_message_is_a_wire_error(text: str) -> None:
    with pytest.raises(WireError):
        decode(text)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=60) | anything.map(lambda v: json.dumps(v).encode()))
def test_nothing_but_wire_errors(raw: bytes) -> None:
    try:
        decode(raw)
    except WireError:
        return
    raise AssertionError("a message by chance")


@given(st.sampled_from(sorted(messages.SERVER_KINDS)), anything)
def test_a_known_tag_over_anything_is_a_message_or_a_wire_error(kind: str, body: object) -> None:
    try:
        decode(json.dumps({kind: body}))
    except WireError:
        return


identities = st.builds(messages.IdentityWire, st.integers(0, (1 << 256) - 1).map(lambda n: f"0x{n:x}"))
connections = st.builds(messages.ConnectionIdWire, st.integers(0, (1 << 128) - 1))
small = st.integers(0, 1 << 31)
queries = st.builds(messages.QueryUpdate, st.tuples(st.text()), st.tuples(st.text()))
tables = st.builds(messages.TableUpdate, small, st.text(), small, st.tuples(queries))
database = st.builds(messages.DatabaseUpdate, st.tuples(tables))
query_ids = st.builds(messages.QueryId, small)
statuses = (
    st.builds(messages.Status, Committed=database)
    | st.builds(messages.Status, Failed=st.text())
    | st.just(messages.Status(OutOfEnergy=[]))
)
calls = st.builds(messages.ReducerCall, st.text(), small, st.text(), small)
times = st.builds(messages.TimestampWire, st.integers(-(1 << 62), 1 << 62))
all_messages = st.one_of(
    st.builds(messages.IdentityToken, identities, st.text(), connections),
    st.builds(messages.TransactionUpdate, statuses, times, identities, connections, calls),
    st.builds(messages.TransactionUpdateLight, small, database),
    st.builds(messages.InitialSubscription, database, small),
    st.builds(messages.SubscribeMultiApplied, small, query_ids, database),
    st.builds(messages.UnsubscribeMultiApplied, small, query_ids, database),
    st.builds(messages.SubscribeApplied, small, query_ids, st.builds(messages.SubscribeRows, small, st.text(), tables)),
    st.builds(
        messages.SubscriptionError,
        st.builds(messages.SomeInt, some=st.none() | small),
        st.builds(messages.SomeInt, some=small),
        st.builds(messages.SomeInt, none=st.just([])),
        st.text(),
    ),
    st.builds(
        messages.OneOffQueryResponse,
        st.text(),
        st.builds(messages.SomeText, some=st.none() | st.text()),
        st.tuples(st.builds(messages.OneOffTable, st.text(), st.tuples(st.text()))),
    ),
)


@given(all_messages)
def test_round_trip(message: messages.ServerMessage) -> None:
    assert decode(encode(message)) == message


def test_dropped_leading_zeros_of_identities_come_back() -> None:
    assert messages.IdentityWire("0x1f").hex == "0" * 62 + "1f"
    assert messages.ConnectionIdWire(7).hex == "0" * 31 + "7"


def test_client_frames_have_the_shapes_of_the_protocol() -> None:
    assert json.loads(messages.subscribe_multi(("q",), request_id=1, query_id=2)) == {
        "SubscribeMulti": {"query_strings": ["q"], "request_id": 1, "query_id": {"id": 2}}
    }
    called = json.loads(messages.call_reducer("r", ["a", 1], request_id=3))["CallReducer"]
    assert (json.loads(called["args"]), called["flags"]) == (["a", 1], 0)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "raw",
    [
        frame("IdentityToken").encode().replace(b"eyJ", b"\xff\xfe"),
        b'{"IdentityToken":' + DEEP.encode() + b"}",
        DEEP,
        '{"IdentityToken\ud800":1}',
    ],
    ids=["not UTF-8", "nested without end", "no object, nested without end", "a lone surrogate"],
)
def test_bytes_that_no_parser_takes_are_a_wire_error_too(raw: str | bytes) -> None:
    with pytest.raises(WireError):
        decode(raw)
