"""Events as the harness sees them anywhere: its own nonce in the payload, and the hashes that it computes itself.

What a row holds may be more than what was published: signoff.toml says where in the stored JSON the payload stands
(`payload_path`), and what the recorded hash is over (`[hash] envelope`).

    payload = {KEY_FIELD: "k-1", "index": 7}
    key_of(payload, "idem-1") == "k-1"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from harness.canonical import UNREADABLE, Json, payload_hash
from harness.config import HashConfig, TablesConfig
from harness.errors import ConfigError, WireError
from harness.history import Applied
from harness.surfaces.capture import dig
from harness.template import fill
from harness.wire.schema import Row

KEY_FIELD = "signoff_key"


@dataclass(frozen=True)
class Event:
    """One event at one place. `hash` is ours, of the payload that was published; `claimed_hash` what stands beside it;
    `recorded_hash` what should stand there by the configured envelope. All bare hex, "" when not known."""

    stream: str
    seq: int
    key: str | None
    idem_key: str
    hash: str
    claimed_hash: str
    recorded_hash: str

    def applied(self, *, live: bool = False) -> Applied:
        """Its hashes as they stand in a history: one that is the payload's own is not said again."""
        return Applied(self.claimed_hash, live, beside(self.hash, self.recorded_hash))


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


def hash_of(payload: Json) -> str:
    """sha256 over the canonical JSON of a payload; "" when it cannot be hashed (a float)."""
    try:
        return payload_hash(payload)
    except UNREADABLE:
        return ""


def recorded_hash_of(config: HashConfig, **known: Json) -> str:
    """The hash that is to be recorded for an event, over the configured envelope filled with what is `known` (payload,
    stored, stream, seq); "" when it holds what is not known here, or cannot be hashed."""
    try:
        return payload_hash(fill(config.envelope, known))
    except (ConfigError, *UNREADABLE):
        return ""


def beside(ours: str, recorded: str) -> str:
    """The hash that a claim must be, as a history says it: nothing where it is the payload's own."""
    return "" if recorded == ours else recorded or "none"


def stored_form(payload: Json, path: str) -> Json:
    """A payload as it stands in its column when the harness writes it itself.

    >>> stored_form(7, "a.b")
    {'a': {'b': 7}}
    """
    for name in reversed(path.split(".") if path else []):
        payload = {name: payload}
    return payload


def event_of_text(
    stream: str, seq: int, idem_key: str, claimed: object, text: str, tables: TablesConfig, config: HashConfig
) -> Event:
    """An event whose stored JSON came as text. An unreadable one has no key and no hash."""
    try:
        stored: Json = msgspec.json.decode(text)
    except UNREADABLE:
        return Event(stream, seq, None, idem_key, "", bare(claimed, config), "")
    path = tables.events.payload_path
    payload = dig(stored, path) if path else stored
    return Event(
        stream,
        seq,
        key_of(payload, idem_key),
        idem_key,
        hash_of(payload),
        bare(claimed, config),
        recorded_hash_of(config, payload=payload, stored=stored, stream=stream, seq=seq),
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
        str(row[names.stream]), seq, str(row[names.idem_key]), row[names.hash], str(row[names.payload]), tables, config
    )
