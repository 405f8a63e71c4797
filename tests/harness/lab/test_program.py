"""Program hashes: SpacetimeDB's keccak-256, not SHA-3, with its bytes reversed."""

from __future__ import annotations

import hashlib

from harness.lab.program import program_hash


def test_the_known_value_of_keccak_256_reversed() -> None:
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert bytes.fromhex(program_hash(b""))[::-1].hex() == empty
    assert program_hash(b"") != hashlib.sha3_256(b"").hexdigest()


def test_each_bit_counts() -> None:
    assert program_hash(b"\x00asm") != program_hash(b"\x01asm")
