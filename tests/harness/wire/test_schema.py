"""Schema and rows: the real module's, every type, both shapes, and what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import WireError
from harness.wire.schema import Schema

BODY = (Path(__file__).with_name("frames") / "schema.json").read_bytes()
SCHEMA = Schema.parse(BODY)


def test_the_real_modules_tables_and_reducers() -> None:
    events = SCHEMA.table("sync_event")
    assert events.column_names[:3] == ["idempotency_key", "stream_id", "seq"]
    assert (events.primary_key, events.public) == ("idempotency_key", True)
    assert SCHEMA.table("grant_detail").public is False
    types = {column.name: column.type for column in SCHEMA.table("active_connection").columns}
    assert (types["connection_id"], types["identity"], types["nostr_npub"]) == (
        "ConnectionId",
        "Identity",
        "Option<String>",
    )
    append = SCHEMA.reducers["append_sync_event"]
    assert [param.name for param in append.params][:2] == ["stream_id", "idempotency_key"]
    assert SCHEMA.reducers["client_connected"].lifecycle
    assert not append.lifecycle


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(WireError, match="no table 'sync_evnt'"):
        SCHEMA.table("sync_evnt")


def connection_row(option_object: object, option_array: object) -> tuple[str, str]:
    values = [[7], ["0x1f"], "1f", 1, 2, option_array, [1, []], [1, []], [0, 9]]
    names = SCHEMA.table("active_connection").column_names
    objects = [
        {"__connection_id__": 7},
        {"__identity__": "0x1f"},
        "1f",
        1,
        2,
        option_object,
        [1, {}],
        {"none": []},
        {"some": 9},
    ]
    return json.dumps(dict(zip(names, objects, strict=True))), json.dumps(values)


def test_special_types_and_options_in_both_shapes() -> None:
    table = SCHEMA.table("active_connection")
    as_object, as_array = connection_row({"some": "x"}, [0, "x"])
    row = table.row(as_array)
    assert row == table.row(as_object)
    assert (row["connection_id"], row["identity"]) == ("0" * 31 + "7", "0" * 62 + "1f")
    assert (row["nostr_pubkey_hex"], row["nostr_npub"], row["nostr_challenge_bound_at_unix_ms"]) == ("x", None, 9)
    assert table.row(connection_row(None, [1, []])[0])["nostr_pubkey_hex"] is None


@pytest.mark.parametrize(
    "text", ["", "7", "[]", "{}", '["k","s"]', '{"idempotency_key":"k"}', '["a","b",1,"h","{}","c",1,1,true,"more"]']
)
def test_a_row_that_does_not_fit_is_a_wire_error(text: str) -> None:
    with pytest.raises(WireError, match="sync_event"):
        SCHEMA.table("sync_event").row(text)


@given(
    st.lists(
        st.none() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2), min_size=9, max_size=9
    )
)
def test_values_of_any_kind_are_a_row_or_a_wire_error(values: list[object]) -> None:
    try:
        row = SCHEMA.table("active_connection").row(json.dumps(values))
    except WireError:
        return
    assert list(row) == SCHEMA.table("active_connection").column_names


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"typespace":{}}', BODY[:-10], BODY.replace(b'"tables"', b'"tabels"')]
)
def test_what_is_no_schema_is_a_wire_error(body: bytes) -> None:
    with pytest.raises(WireError, match="module definition"):
        Schema.parse(body)


@pytest.mark.parametrize(
    "text",
    [b'["\xff"]', "[" * 100_000, '["\ud800"]'],
    ids=["not UTF-8", "nested without end", "a lone surrogate"],
)
def test_bytes_that_no_parser_takes_are_a_wire_error_too(text: str | bytes) -> None:
    with pytest.raises(WireError, match="sync_event"):
        SCHEMA.table("sync_event").row(text)


def test_a_type_that_contains_itself_is_a_wire_error() -> None:
    """The server allows such types; no table of a sync module can need one."""
    product = {"Product": {"elements": [{"name": {"some": "a"}, "algebraic_type": {"Ref": 0}}]}}
    table = {"name": "t", "product_type_ref": 1}
    body = {"typespace": {"types": [{"Ref": 0}, product]}, "tables": [table], "reducers": []}
    with pytest.raises(WireError, match="module definition"):
        Schema.parse(json.dumps(body).encode())
