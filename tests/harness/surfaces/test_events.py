"""Events: the harness's nonce, and the hash that it computes itself."""

from __future__ import annotations

import json

import pytest

from harness.canonical import payload_hash
from harness.config import EventsTable, HashConfig, TablesConfig
from harness.errors import WireError
from harness.history import Applied
from harness.surfaces.events import (
    KEY_FIELD,
    Event,
    bare,
    event_of_row,
    event_of_text,
    hash_of,
    heads_of,
    key_of,
    recorded_hash_of,
    stored_form,
)

PLAIN, TABLES = HashConfig(), TablesConfig()
ROW = {
    "stream_id": "s",
    "seq": 3,
    "idempotency_key": "i",
    "payload_hash": "h",
    "payload_json": '{"signoff_key":"k","b":1,"a":2}',
}


def test_the_nonce_is_found_and_the_idempotency_key_stands_in() -> None:
    assert key_of({KEY_FIELD: "k"}, "i") == "k"
    assert [key_of(payload, "i") for payload in ({}, [], None, {KEY_FIELD: 7})] == ["i"] * 4


def of_text(text: str, stream: str = "s", seq: int = 1, tables: TablesConfig = TABLES) -> Event:
    return event_of_text(stream, seq, "i", "h", text, tables, PLAIN)


def test_the_recorded_hash_is_over_the_configured_envelope() -> None:
    payload = {"b": 1, "a": 2}
    assert hash_of(payload) == recorded_hash_of(PLAIN, payload=payload) == payload_hash(payload)
    envelope = HashConfig(prefix="sha256:", envelope={"topic": "{stream}", "payload": "{payload}"})
    expected = payload_hash({"topic": "s", "payload": payload})
    assert recorded_hash_of(envelope, payload=payload, stream="s") == expected
    assert recorded_hash_of(envelope, payload=payload) == "", "the stream is not known"
    assert bare("sha256:ab", envelope) == "ab"
    assert bare(None, envelope) == ""


def test_what_was_published_may_stand_within_what_is_stored_and_hashed() -> None:
    tables = TablesConfig(events=EventsTable(payload_path="inner.payload"))
    whole = HashConfig(envelope="{stored}")
    stored = {"at": "now", "inner": {"payload": {KEY_FIELD: "k", "a": 1}}}
    event = event_of_row({**ROW, "payload_json": json.dumps(stored)}, tables, whole)
    assert (event.key, event.hash) == ("k", payload_hash({KEY_FIELD: "k", "a": 1}))
    assert event.recorded_hash == payload_hash(stored)
    assert event.applied() == Applied("h", recorded_hash=payload_hash(stored))
    assert stored_form({"a": 1}, "inner.payload") == {"inner": {"payload": {"a": 1}}}
    assert stored_form({"a": 1}, "") == {"a": 1}


def test_a_claim_that_nothing_can_be_right_for_is_told_apart_from_a_plain_one() -> None:
    tables = TablesConfig(events=EventsTable(payload_path="payload"))
    event = event_of_text("s", 1, "i", "h", '{"payload":{"a":1},"at":1.5}', tables, HashConfig(envelope="{stored}"))
    assert (event.hash, event.recorded_hash) == (payload_hash({"a": 1}), "")
    assert event.applied().recorded_hash == "none"
    assert of_text("{}").applied() == Applied("h")


def test_a_row_becomes_an_event_with_our_own_hash() -> None:
    event = event_of_row(ROW, TablesConfig(), PLAIN)
    assert (event.stream, event.seq, event.key, event.idem_key, event.claimed_hash) == ("s", 3, "k", "i", "h")
    assert event.hash == payload_hash({"signoff_key": "k", "a": 2, "b": 1})


def test_the_head_of_a_stream_is_its_highest_seq_in_whatever_order() -> None:
    places = (("s", 2), ("t", 1), ("s", 3), ("s", 1))
    assert heads_of(of_text("{}", stream, seq) for stream, seq in places) == {"s": 3, "t": 1}
    assert heads_of([]) == {}


@pytest.mark.parametrize("text", ["{", "", '{"a":1.5}', "[" * 100_000, '"\ud800"'])
def test_an_unreadable_payload_has_no_hash(text: str) -> None:
    assert of_text(text).hash == ""


@pytest.mark.parametrize("row", [{**ROW, "seq": "3"}, {name: value for name, value in ROW.items() if name != "seq"}])
def test_a_row_that_does_not_fit_is_a_wire_error(row: dict[str, object]) -> None:
    with pytest.raises(WireError, match="seq"):
        event_of_row(row, TablesConfig(), PLAIN)  # type: ignore[arg-type]


def test_a_payload_nested_to_the_edge_has_no_hash_and_raises_nothing() -> None:
    """Parsers, walkers and encoders give up at different depths."""
    for depth in range(0, 1_200, 3):
        of_text("[" * depth + "]" * depth)
