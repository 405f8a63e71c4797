"""Tokens as they come: read without trust, never shown."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.config import ControlConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import History, TokenUse, unpack
from harness.surfaces.child import Child
from harness.surfaces.control import ControlSurface, Minted, Session, unpack_jwt
from harness.surfaces.service import Place
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


@pytest.mark.parametrize("claims", [{}, {"exp": None}, {"exp": True}, {"exp": "soon"}, {"exp": 10**400}])
def test_an_expiry_that_is_none_is_none(claims: dict[str, object]) -> None:
    assert minted(claims).expires_at_s is None


DEEP = base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".e30.c"


@pytest.mark.parametrize(
    "token", [DEEP, "é.e30.c", "_w.e30.c", "", "a.b", "a.b.c.d", "!!!.###.c", jwt([], {}), jwt({}, 7), "e30.e30"]
)
def test_what_is_no_jwt_is_the_subjects_error(token: str) -> None:
    with pytest.raises(SubjectError):
        unpack_jwt(token)


def test_a_use_holds_a_fingerprint_only() -> None:
    token = minted({"iat": 1, "exp": 2})
    use = token.use("connect")
    assert (use.token, use.use, use.expires_at_s) == (token.fingerprint, "connect", 2.0)
    assert len(use.token) == 16


CONFIG = ControlConfig.model_validate(
    {
        "command": ["none"],
        "session": [{"path": "/session", "expect": [201], "capture": {"bearer": "bearer"}}],
        "mint": {"path": "/token", "headers": {"authorization": "Bearer {bearer}"}, "capture": {"token": "token"}},
    }
)
BEARER = "opaque-bearer-9f3a"
TOKEN = jwt({"alg": "ES256"}, {"iss": "i", "sub": "s", "iat": 1, "exp": 2, "streams": ["runtime.run.1"] * 20})


def with_control(
    tmp_path: Path,
    answers: dict[str, tuple[int, dict[str, object]]],
    story: Callable[[ControlSurface], Awaitable[None]],
    session: list[dict[str, object]] | None = None,
) -> History:
    """A control service that says the same to everybody, at its URL."""
    config = CONFIG
    if session is not None:
        config = ControlConfig.model_validate({**CONFIG.model_dump(), "session": session})

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, body = answers[head.split(b" ")[1].decode()]
        raw = json.dumps(body).encode()
        writer.write(f"HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw)
        await writer.drain()
        writer.close()

    async def play() -> History:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with Recorder(tmp_path / "h.jsonl", "s") as record:
            child = Child("control", config, tmp_path, tmp_path / "logs", scenario="control-test")
            place = Place(f"http://127.0.0.1:{port}", None)
            control = ControlSurface(child, config, place, record)
            try:
                await story(control)
            finally:
                await control.close()
                server.close()
            return record.history()

    return asyncio.run(play())


def test_a_session_is_signed_in_and_a_token_minted_and_neither_is_written(tmp_path: Path) -> None:
    async def story(control: ControlSurface) -> None:
        session = await control.sign_in("alice", "laptop")
        assert (session.bearer, session.user) == (BEARER, "alice")
        token = await control.mint(session, ["s"])
        assert token.token == TOKEN
        control.record.op("control", "mint", "fail", error=f"{BEARER} and {TOKEN}")

    history = with_control(tmp_path, {"/session": (201, {"bearer": BEARER}), "/token": (200, {"token": TOKEN})}, story)
    invoke, done, _ = history.of("mint")
    assert (done.op, done.identity) == (invoke.index, identity_of("i", "s"))
    assert unpack(done, TokenUse).expires_at_s == 2.0
    written = (tmp_path / "h.jsonl").read_text()
    assert BEARER not in written
    assert "eyJ" not in written


@pytest.mark.parametrize(
    ("session", "mint"),
    [
        ((200, {"bearer": BEARER}), (200, {"token": TOKEN})),
        ((201, {"bearer": BEARER}), (201, {"token": TOKEN})),
        ((201, {"bearer": BEARER}), (403, {"why": f"{BEARER} may not have {TOKEN}"})),
        ((201, {}), (200, {})),
        ((201, {"bearer": BEARER}), (200, {"token": "no JWT"})),
    ],
    ids=["another status for a session", "another status for a token", "a refusal", "no bearer", "no JWT"],
)
def test_an_answer_that_was_not_expected_is_told_without_its_secrets(
    tmp_path: Path, session: tuple[int, dict[str, object]], mint: tuple[int, dict[str, object]]
) -> None:
    async def story(control: ControlSurface) -> None:
        with pytest.raises(SubjectError) as caught:
            await control.mint(await control.sign_in("alice", "laptop"), ["s"])
        assert BEARER not in str(caught.value)
        assert "eyJ" not in str(caught.value)

    with_control(tmp_path, {"/session": session, "/token": mint}, story)
    written = (tmp_path / "h.jsonl").read_text()
    assert "eyJ" not in written
    assert BEARER not in written


@pytest.mark.parametrize(
    "steps",
    [
        [{"values": {"bearer": "{user}-known-bearer"}}],
        [
            {
                "command": ["echo", '{{"t": "{user}-known-bearer"}}'],
                "capture": {"bearer": "t"},
            }
        ],
        [{"command": ["echo", "{user}-known-bearer"], "capture": {"bearer": ""}}],
        [
            {"values": {"half": "{user}-known"}},
            {"command": ["echo", "{half}-bearer"], "capture": {"bearer": ""}},
        ],
    ],
    ids=["values", "a command that prints JSON", "a command that prints text", "two steps"],
)
def test_a_session_is_had_without_a_request(tmp_path: Path, steps: list[dict[str, object]]) -> None:
    async def story(control: ControlSurface) -> None:
        session = await control.sign_in("alice", "laptop")
        assert session.bearer == "alice-known-bearer"
        assert control.record.redactor.clean(session.bearer) == "[redacted]"

    with_control(tmp_path, {}, story, steps)


def test_a_command_that_fails_says_so_without_its_secrets(tmp_path: Path) -> None:
    script = "import sys; print('tok-secret'); print('no such user tok-secret', file=sys.stderr); sys.exit(3)"

    async def story(control: ControlSurface) -> None:
        with pytest.raises(SubjectError, match="ended with 3: no such user") as caught:
            await control.sign_in("alice", "laptop")
        assert "tok-secret" not in str(caught.value)

    steps: list[dict[str, object]] = [{"command": [sys.executable, "-c", script], "capture": {"bearer": ""}}]
    with_control(tmp_path, {}, story, steps)


def test_two_users_with_one_bearer_cannot_be_judged(tmp_path: Path) -> None:
    async def story(control: ControlSurface) -> None:
        await control.sign_in("alice", "laptop")
        await control.sign_in("alice", "phone")
        with pytest.raises(SubjectError, match=r"use \{user\} in \[\[control\.session\]\]"):
            await control.sign_in("bob", "laptop")

    with_control(tmp_path, {}, story, [{"values": {"bearer": "known-to-all"}}])
