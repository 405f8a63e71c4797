"""Traffic: the same seed gives the same events, and no key comes twice."""

from __future__ import annotations

import random

from harness.canonical import canonical_json
from harness.surfaces.events import key_of
from harness.workload.traffic import Traffic, contradicting


def test_the_same_seed_gives_the_same_events() -> None:
    one = Traffic(random.Random(7), "n").events(["a", "b"], each=3)
    assert one == Traffic(random.Random(7), "n").events(["a", "b"], each=3)
    assert one != Traffic(random.Random(8), "n").events(["a", "b"], each=3)


def test_keys_are_unique_interleaved_and_in_the_payload() -> None:
    events = Traffic(random.Random(1), "n").events(["a", "b"], each=50)
    assert len({event.key for event in events}) == len({event.idem_key for event in events}) == 100
    assert [event.stream for event in events[:4]] == ["a", "b", "a", "b"]
    assert all(key_of(event.payload, event.idem_key) == event.key for event in events)


def test_payloads_need_canonical_hashing() -> None:
    """Keys out of order and text that is not ASCII: a hash over plain json.dumps would differ."""
    import json

    payload = Traffic(random.Random(1), "n").event("a").payload
    assert json.dumps(payload, separators=(",", ":")).encode() != canonical_json(payload)


def test_a_contradiction_differs_in_its_content_only() -> None:
    event = Traffic(random.Random(1), "n").event("a")
    other = contradicting(event)
    assert (other.stream, other.key, other.idem_key) == (event.stream, event.key, event.idem_key)
    assert canonical_json(other.payload) != canonical_json(event.payload)
