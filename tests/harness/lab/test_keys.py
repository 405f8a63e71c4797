"""The lab's tokens: signed by the scenario's own key, with the identity that the server will see."""

from __future__ import annotations

import stat
from pathlib import Path

import jwt

from harness.lab.keys import Keys
from harness.wire.identity import identity_of


def test_a_token_verifies_with_the_public_file(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path)
    signed = keys.token("issuer", "subject", lifetime_s=60)
    claims = jwt.decode(signed.token, keys.public_path.read_text(), algorithms=["ES256"])
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == ("issuer", "subject", 60)
    assert signed.identity == identity_of("issuer", "subject")
    assert signed.token not in repr(signed)


def test_keys_are_fresh_and_private(tmp_path: Path) -> None:
    one, other = Keys.create(tmp_path / "a"), Keys.create(tmp_path / "b")
    assert one.public_path.read_bytes() != other.public_path.read_bytes()
    assert stat.S_IMODE(one.private_path.stat().st_mode) == 0o600
    assert b"BEGIN PRIVATE KEY" in one.private_path.read_bytes()
