"""Canonical JSON, payload hashes, chain and state hashes: design section 7.

Owns the bytes that are hashed. Canonical JSON is UTF-8, keys sorted by code point, no insignificant
space, integers only: two writers that disagree on a float's digits would disagree on the hash.

    >>> canonical_json({"b": 1, "a": "é"}).decode()
    '{"a":"é","b":1}'
    >>> payload_hash({"a": 1})[:16]
    '015abd7f5cc57a2d'
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue

Json = JsonValue
"""Any JSON value."""

UNREADABLE = (ValueError, RecursionError)
"""What decoding JSON of any origin can raise: no JSON, another shape, no UTF-8, surrogates, nested without end."""

_CHAIN_DOMAIN = b"signoff.chain.v1\x00"


def canonical_json(value: object) -> bytes:
    """Bytes to hash. ValueError for a float, a NaN, a key that is no text, or a lone surrogate."""
    _refuse_floats(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise ValueError(f"canonical JSON holds integers only, got the float {value!r}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"canonical JSON has text keys only, got {key!r}")
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)
    elif value is not None and not isinstance(value, (str, int)):
        raise ValueError(f"canonical JSON cannot hold {type(value).__name__}")


def payload_hash(value: object) -> str:
    """sha256 of the canonical JSON, 64 hex digits without a prefix."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def chain_start(stream: str) -> bytes:
    """chain_0 = sha256("signoff.chain.v1" 0x00 stream_id)."""
    return hashlib.sha256(_CHAIN_DOMAIN + stream.encode()).digest()


def chain_next(previous: bytes, seq: int, idem_key: str, hash_hex: str) -> bytes:
    """chain_n = sha256(chain_{n-1} || seq u64 big-endian || sha256(idem key) || payload hash)."""
    key_digest = hashlib.sha256(idem_key.encode()).digest()
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + key_digest + bytes.fromhex(hash_hex)).digest()


def state_hash(heads: Mapping[str, tuple[int, str]]) -> str:
    """Of a replica: sha256 over the lines `stream 0x00 seq 0x00 hex(chain) newline`, sorted by stream.

    `heads` maps a stream to its last seq and its chain in hex."""
    digest = hashlib.sha256()
    for stream in sorted(heads):
        seq, chain = heads[stream]
        digest.update(f"{stream}\x00{seq}\x00{chain}\n".encode())
    return digest.hexdigest()
