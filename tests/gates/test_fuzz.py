"""Hostile frames are the same for the same seed, each once, and wrong for certain."""

from __future__ import annotations

import json

from gates.fuzz import Hostile, hostile_frames, is_hostile

GENUINE = [b'{"TransactionUpdate":{"status":{"Committed":{"tables":[]}}}}']


def frames(seed: int, count: int = 200) -> list[Hostile]:
    return hostile_frames(seed, genuine=GENUINE, count=count, table="events")


def test_a_seed_gives_its_frames_and_another_seed_gives_others() -> None:
    assert frames(1) == frames(1)
    assert frames(1) != frames(2)
    assert len(set(frames(1))) == 200


def test_each_of_them_is_refused_by_our_own_codec() -> None:
    assert all(is_hostile(one.text) for one in frames(3) if one.binary is None)
    assert not is_hostile('{"UnsubscribeMultiApplied":{"request_id":1,"query_id":{"id":1},"update":{"tables":[]}}}')


def test_they_are_of_many_kinds() -> None:
    texts = [one.text for one in frames(4, 600) if one.binary is None]
    kinds = {"no JSON": 0, "object": 0, "other JSON": 0, "update": 0}
    for text in texts:
        try:
            value = json.loads(text)
        except ValueError:
            kinds["no JSON"] += 1
            continue
        update = isinstance(value, dict) and any(name.startswith("TransactionUpdate") for name in value)
        kinds["update" if update else "object" if isinstance(value, dict) else "other JSON"] += 1
    assert all(kinds.values()), kinds
