"""Bytes that are hashed: the published vectors, and what canonical JSON refuses."""

from __future__ import annotations

import hashlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.canonical import canonical_json, chain_next, chain_start, payload_hash, state_hash
from harness.host import ROOT

VECTORS = json.loads((ROOT / "fixtures" / "vectors" / "spacetime_payload_hash_vectors.v1.json").read_bytes())["vectors"]

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_published_vectors(vector: dict[str, str]) -> None:
    assert canonical_json(vector["payload"]).decode() == vector["canonical_json"]
    assert "sha256:" + payload_hash(vector["payload"]) == vector["sha256"]


@pytest.mark.parametrize("value", [1.5, float("nan"), {"a": [1.0]}, {1: "x"}, b"bytes", {"a": {2}}, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


@given(values)
def test_it_is_json_and_says_the_same(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(texts, values, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_never_matters(value: dict[str, object], order: random.Random) -> None:
    keys = list(value)
    order.shuffle(keys)
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)


def test_keys_are_sorted_by_code_point_and_nothing_is_escaped_that_need_not_be() -> None:
    assert canonical_json({"é": 1, "z": 2, "Z": 3}).decode() == '{"Z":3,"z":2,"é":1}'


def test_the_chain_is_the_formula_of_the_design() -> None:
    start = hashlib.sha256(b"signoff.chain.v1\x00s").digest()
    assert chain_start("s") == start
    digest = payload_hash({})
    by_hand = hashlib.sha256(
        start + (1).to_bytes(8, "big") + hashlib.sha256(b"k").digest() + bytes.fromhex(digest)
    ).digest()
    assert chain_next(start, 1, "k", digest) == by_hand


def test_the_state_hash_is_over_streams_in_order() -> None:
    one = state_hash({"b": (2, "bb"), "a": (1, "aa")})
    assert one == hashlib.sha256(b"a\x001\x00aa\nb\x002\x00bb\n").hexdigest()
    assert state_hash({"a": (1, "aa"), "b": (3, "bb")}) != one
