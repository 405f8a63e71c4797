"""Which program runs in a database: its hash, read back from the server and compared with the artifact.

SpacetimeDB identifies a program by keccak-256 (crates/sats/src/hash.rs at v1.2.0), printed with its bytes
reversed (measured). `st_module` holds the program that runs now, also after a republish.

    await running_program(http, "db") == program_hash(wasm)
"""

from __future__ import annotations

from Crypto.Hash import keccak

from harness.errors import WireError
from harness.wire.http import HttpClient


def program_hash(wasm: bytes) -> str:
    """64 hex digits, as the server prints it."""
    return keccak.new(digest_bits=256, data=wasm).digest()[::-1].hex()


async def running_program(http: HttpClient, database: str) -> str:
    """The hash of the program that this database runs, as the server states it to its owner."""
    rows = await http.sql(database, "SELECT program_hash FROM st_module")
    if len(rows) != 1:
        raise WireError(f"st_module has {len(rows)} rows, expected one")
    return str(rows[0]["program_hash"]).removeprefix("0x").rjust(64, "0")
