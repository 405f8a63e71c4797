"""Tokens as they come: read without trust, never shown."""

from __future__ import annotations

import base64
import json

import pytest

from harness.errors import SubjectError
from harness.surfaces.control import Minted, Session, unpack_jwt
from harness.surfaces.web import Reply
from harness.wire.identity import identity_of


def jwt(header: object, claims: object) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, "c2ln"])


def minted(claims: dict[str, object]) -> Minted:
    token = jwt({"alg": "ES256"}, claims)
    return Minted(token, *unpack_jwt(token), Reply(200, "", None, {}))


def test_a_token_is_read_and_never_shown() -> None:
    token = minted({"iss": "i", "sub": "s", "iat": 100, "exp": 400})
    assert (token.header["alg"], token.issued_at_s, token.expires_at_s) == ("ES256", 100.0, 400.0)
    assert token.identity == identity_of("i", "s")
    assert token.token not in repr(token)
    assert "secret" not in repr(Session("u", "d", {"bearer": "secret-bearer"}))


@pytest.mark.parametrize("claims", [{}, {"exp": None}, {"exp": True}, {"exp": "soon"}])
def test_an_expiry_that_is_none_is_none(claims: dict[str, object]) -> None:
    assert minted(claims).expires_at_s is None


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "!!!.###.c", jwt([], {}), jwt({}, 7), "e30.e30"])
def test_what_is_no_jwt_is_the_subjects_error(token: str) -> None:
    with pytest.raises(SubjectError):
        unpack_jwt(token)


def test_a_use_holds_a_fingerprint_only() -> None:
    token = minted({"iat": 1, "exp": 2})
    use = token.use("connect", forged=True)
    assert (use.token, use.use, use.forged, use.expires_at_s) == (token.fingerprint, "connect", True, 2.0)
    assert len(use.token) == 16
