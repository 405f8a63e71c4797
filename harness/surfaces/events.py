"""Events as the harness sees them anywhere: its own nonce in the payload, and the hash that it computes itself.

payload = {KEY_FIELD: "k-1", "index": 7}
key_of(payload, "idem-1") == "k-1"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from harness.canonical import UNREADABLE, Json, payload_hash
from harness.config import HashConfig, TablesConfig
from harness.errors import WireError
from harness.template import fill
from harness.wire.schema import Row

KEY_FIELD = "signoff_key"


@dataclass(frozen=True)
class Event:
    """One event at one place. `hash` is ours, `claimed_hash` what stands beside the payload; both bare hex."""

    stream: str
    seq: int
    key: str | None
    idem_key: str
    hash: str
    claimed_hash: str


def heads_of(events: Iterable[Event]) -> dict[str, int]:
    """The highest seq of each stream."""
    heads: dict[str, int] = {}
    for event in events:
        heads[event.stream] = max(event.seq, heads.get(event.stream, 0))
    return heads


def key_of(payload: Json, idem_key: str) -> str:
    """The harness's nonce in the payload; the idempotency key for an event whose payload has none
    (a published vector, or an event of the subject's own)."""
    key = payload.get(KEY_FIELD) if isinstance(payload, dict) else None
    return key if isinstance(key, str) else idem_key


def bare(claimed: object, config: HashConfig) -> str:
    """A claimed hash without the configured prefix."""
    return str(claimed).removeprefix(config.prefix) if claimed is not None else ""


def hash_of(payload: Json, config: HashConfig, **variables: Json) -> str:
    """sha256 over the canonical JSON of the configured envelope; "" when it cannot be hashed (a float)."""
    try:
        return payload_hash(fill(config.envelope, {**variables, "payload": payload}))
    except UNREADABLE:
        return ""


def event_of_text(stream: str, seq: int, idem_key: str, claimed: object, text: str, config: HashConfig) -> Event:
    """An event whose payload came as JSON text. An unreadable payload has no key and no hash."""
    try:
        payload: Json = msgspec.json.decode(text)
    except UNREADABLE:
        return Event(stream, seq, None, idem_key, "", bare(claimed, config))
    return Event(
        stream,
        seq,
        key_of(payload, idem_key),
        idem_key,
        hash_of(payload, config, stream=stream, seq=seq),
        bare(claimed, config),
    )


def event_of_row(row: Row, tables: TablesConfig, config: HashConfig) -> Event:
    """A row of the configured events table. WireError when it lacks a configured column."""
    names = tables.events
    missing = [
        column for column in (names.stream, names.seq, names.idem_key, names.hash, names.payload) if column not in row
    ]
    if missing:
        raise WireError(f"a row of {names.name} has no {missing}; it has {sorted(row)}")
    seq = row[names.seq]
    if not isinstance(seq, int):
        raise WireError(f"column {names.seq} of {names.name} is {seq!r}, expected a number")
    return event_of_text(
        str(row[names.stream]), seq, str(row[names.idem_key]), row[names.hash], str(row[names.payload]), config
    )
