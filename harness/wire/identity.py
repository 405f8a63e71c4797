"""Who a token is to the server: source crates/lib/src/identity.rs, `from_claims`, at v1.2.0 (measured).

>>> identity_of("http://127.0.0.1:1", "control")[:4]
'c200'
"""

from __future__ import annotations

import hashlib

from blake3 import blake3


def identity_of(issuer: str, subject: str) -> str:
    """c2 00 || blake3(c2 00 || h)[0:4] || h, with h = blake3("{iss}|{sub}")[0:26]; 64 hex digits."""
    name = blake3(f"{issuer}|{subject}".encode()).digest()[:26]
    prefix = b"\xc2\x00"
    return (prefix + blake3(prefix + name).digest()[:4] + name).hex()


def fingerprint(token: str) -> str:
    """What stands in a history for a token: the first 16 hex digits of its sha256."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]
