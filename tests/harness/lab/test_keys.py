"""The lab's tokens: signed by the scenario's own key, with the identity that the server will see."""

from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from harness.errors import LabError
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


def test_a_given_key_signs_what_its_own_server_would(tmp_path: Path) -> None:
    first = Keys.create(tmp_path / "a")
    again = Keys.create(tmp_path / "b", first.private_path)
    assert again.public_pem == first.public_pem
    assert again.token("i", "s").identity == first.token("i", "s").identity


@pytest.mark.parametrize("kind", ["none", "text", "rsa", "p384", "locked"])
def test_what_is_no_key_of_a_server_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key.pem"
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    keys = {"rsa": rsa.generate_private_key(65537, 2048), "p384": ec.generate_private_key(ec.SECP384R1())}
    if kind == "text":
        path.write_text("no key")
    elif kind == "locked":
        locked = serialization.BestAvailableEncryption(b"secret")
        path.write_bytes(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, form, locked)
        )
    elif kind in keys:
        path.write_bytes(keys[kind].private_bytes(serialization.Encoding.PEM, form, plain))
    with pytest.raises(LabError, match=r"lab\.signing_key"):
        Keys.create(tmp_path / "keys", path)
