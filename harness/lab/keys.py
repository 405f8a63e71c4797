"""The keys of one scenario: the server's own P-256 pair, and tokens signed with it.

A server accepts any issuer's token that its own key signed (measured), so the lab can be whoever
it needs to be: the owner who publishes, the runtime, an observer.

    keys = Keys.create(folder)
    token = keys.token("signoff-lab", "owner")
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from harness.errors import LabError
from harness.wire.identity import identity_of

ISSUER = "signoff-lab"
TOKEN_LIFETIME_S = 24 * 3600  # longer than any run; the lab's tokens are not what is judged


@dataclass(frozen=True)
class Signed:
    """A token and whom the server will see in it."""

    token: str
    identity: str

    def __repr__(self) -> str:
        return f"Signed(identity={self.identity})"


class Keys:
    def __init__(self, public_path: Path, private_path: Path, key: ec.EllipticCurvePrivateKey) -> None:
        self.public_path, self.private_path = public_path, private_path
        self._key = ECKey.import_key(_pem(key).decode())

    @property
    def private_pem(self) -> str:
        return self.private_path.read_text(encoding="ascii")

    @property
    def public_pem(self) -> str:
        return self.public_path.read_text(encoding="ascii")

    @classmethod
    def create(cls, folder: Path, given: Path | None = None) -> Keys:
        """A pair, fresh unless a private one is given, written as PEM (PKCS#8 and SPKI) for the server to read.
        LabError when the given one is no key of the kind that a server signs with."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1()) if given is None else _read(given)
        private_path, public_path = folder / "server.key", folder / "server.pub"
        private_path.touch(mode=0o600)
        private_path.write_bytes(_pem(key))
        public_path.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return cls(public_path, private_path, key)

    def token(self, issuer: str, subject: str, *, lifetime_s: int | None = TOKEN_LIFETIME_S) -> Signed:
        """An ES256 token; `iat` is required by the server, `exp` is ours: in the past when the lifetime is negative,
        absent when there is none."""
        now = int(time.time())
        claims: dict[str, str | int] = {"iss": issuer, "sub": subject, "iat": now}
        if lifetime_s is not None:
            claims["exp"] = now + lifetime_s
        return Signed(jwt.encode({"alg": "ES256"}, claims, self._key), identity_of(issuer, subject))


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:  # a TypeError: it asks for a password
        raise LabError(f"lab.signing_key cannot be read: {error}", where=str(path)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise LabError("lab.signing_key is no P-256 key, and a server signs with no other", where=str(path))
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
