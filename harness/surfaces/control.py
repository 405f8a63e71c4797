"""Drives the control service: obtains sessions as signoff.toml says, mints sync tokens, reads their claims.

Tokens are registered with the redactor before anything is recorded; a history holds fingerprints only.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from harness.canonical import UNREADABLE, Json
from harness.config import ControlConfig, SessionStep, StepConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import TokenUse
from harness.surfaces.capture import Answer, capture, secret_places
from harness.surfaces.child import Child
from harness.surfaces.service import Place, Service
from harness.surfaces.web import Reply, json_of
from harness.template import fill, fill_text
from harness.tool import run
from harness.wire.identity import fingerprint, identity_of

SESSION_COMMAND_TIMEOUT_S = 30


@dataclass(frozen=True)
class Session:
    """A signed-in user's session: what the steps captured. `bearer` is a secret."""

    user: str
    device: str
    variables: Mapping[str, Json]

    @property
    def bearer(self) -> str:
        return str(self.variables["bearer"])

    def __repr__(self) -> str:
        return f"Session(user={self.user}, device={self.device})"


@dataclass(frozen=True)
class Minted:
    """A token and what it says of itself. Times in seconds since 1970."""

    token: str
    header: Mapping[str, Json]
    claims: Mapping[str, Json]
    reply: Reply

    @property
    def identity(self) -> str:
        """Whom the server will see, computed by our own formula from issuer and subject."""
        return identity_of(str(self.claims.get("iss")), str(self.claims.get("sub")))

    @property
    def expires_at_s(self) -> float | None:
        return _number(self.claims.get("exp"))

    @property
    def issued_at_s(self) -> float | None:
        return _number(self.claims.get("iat"))

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.token)

    def use(self, kind: str) -> TokenUse:
        """This token being used now, as it stands in a history."""
        return TokenUse(
            self.fingerprint,
            kind,  # type: ignore[arg-type]
            time.time(),
            self.issued_at_s,
            self.expires_at_s,
        )

    def __repr__(self) -> str:
        return f"Minted({self.fingerprint})"


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def unpack_jwt(token: str) -> tuple[dict[str, Json], dict[str, Json]]:
    """Header and claims without verifying anything; SubjectError when it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        raise SubjectError(f"the token has {len(parts)} parts, a JWT has 3")
    try:
        header, claims = (
            msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2]
        )
    except UNREADABLE as error:
        raise SubjectError(f"the token cannot be read: {error}") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise SubjectError("the token's header and claims are not JSON objects")
    return header, claims


class ControlSurface(Service):
    def __init__(self, child: Child, config: ControlConfig, place: Place, record: Recorder) -> None:
        super().__init__(child, config, place, record)
        self.config = config
        self._users: dict[str, str] = {}  # bearer -> whose it is

    async def sign_in(self, user: str, device: str) -> Session:
        """Run the session steps. SubjectError when one answers otherwise than expected, no bearer came, or it is that
        of another user: who cannot be told apart would be judged as one."""
        variables: dict[str, Json] = {**self.variables, "user": user, "device": device}
        for step in self.config.session:
            variables.update(await self._sign_in_step(step, variables))
        if "bearer" not in variables:
            raise SubjectError(
                "signing in captured no bearer", hint="add capture = { bearer = ... } to [[control.session]]"
            )
        owner = self._users.setdefault(str(variables["bearer"]), user)
        if owner != user:
            raise SubjectError(
                f"{user} and {owner} have one and the same bearer, so they cannot be told apart",
                hint="use {user} in [[control.session]] of signoff.toml",
            )
        return Session(user, device, variables)

    async def _sign_in_step(self, step: SessionStep, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """What one step gives, its secrets registered."""
        if step.values:
            given = {name: fill(value, variables) for name, value in step.values.items()}
            self._keep_out(given, "bearer")
            return given
        if step.command:
            return await self._ask_command(step, variables)
        reply = await self.web.perform(step, variables)
        self._keep_out(reply.captured, "bearer", *secret_places(step.capture))
        if not reply.expected:
            raise SubjectError(
                f"signing in: {step.method} {step.path} answered {self._told(reply)}, expected {step.expect}"
            )
        return reply.captured

    async def _ask_command(self, step: SessionStep, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """A command that prints a session, as JSON or as mere text."""
        argv = [fill_text(word, variables) for word in step.command]
        done = await asyncio.to_thread(run, argv, timeout_s=SESSION_COMMAND_TIMEOUT_S, cwd=self.child.folder)
        captured = capture(Answer(done.stdout, json_of(done.stdout.encode())), step.capture, variables)
        self._keep_out(captured, *captured)
        if done.returncode != 0:
            said = self.record.redactor.clean(done.stderr or done.stdout)[-300:].strip()
            raise SubjectError(f"signing in: {step.command[0]} ended with {done.returncode}: {said}")
        return captured

    def _keep_out(self, captured: Mapping[str, Json], *names: str) -> None:
        """Secrets stay out of what is written from here on, whether the answer was an expected one or not."""
        for name in names:
            if name in captured:
                self.record.redactor.add(str(captured[name]))

    def _told(self, reply: Reply) -> str:
        return reply.excerpt(self.record.redactor)

    def mint_variables(self, session: Session, streams: list[str], ttl_s: int | None = None) -> dict[str, Json]:
        ttl = ttl_s if ttl_s is not None else self.config.token.ttl_s
        return {**session.variables, "streams": list(streams), "ttl_s": ttl}

    async def rotate(self) -> Reply:
        """Let the next key sign. SubjectError when it is refused."""
        return await self._operate("rotate", self.config.rotate, {})

    async def retire(self, kid: str) -> Reply:
        """Publish an old key no more. SubjectError when it is refused."""
        return await self._operate("retire", self.config.retire, {"kid": kid})

    async def revoke(self, session: Session) -> Reply:
        """End a session from outside. SubjectError when it is refused."""
        return await self._operate("revoke", self.config.revoke, session.variables)

    async def _operate(self, what: str, step: StepConfig | None, variables: Mapping[str, Json]) -> Reply:
        """What an operator does. SubjectError when signoff.toml does not say how, or it is answered otherwise."""
        if step is None:
            raise SubjectError(f"control cannot be told to {what}", hint=f"add [control.{what}] to signoff.toml")
        reply = await self.web.perform(step, {**self.variables, **variables})
        if not reply.expected:
            raise SubjectError(
                f"{what}: {step.method} {step.path} answered {self._told(reply)}, expected {step.expect}"
            )
        return reply

    async def mint(
        self, session: Session, streams: list[str], *, ttl_s: int | None = None, step: StepConfig | None = None
    ) -> Minted:
        """A sync token for these streams, by the step `mint` unless another is given. SubjectError with what was
        answered when none came."""
        step = step or self.config.mint
        begun = self.record.op("control", "mint", "invoke")
        reply = await self.web.perform(step, self.mint_variables(session, streams, ttl_s))
        token = reply.captured.get("token")
        self._keep_out(reply.captured, "token")
        if not reply.expected or not isinstance(token, str):
            self.record.op("control", "mint", "fail", op=begun.index, status=reply.status, error=self._told(reply))
            raise SubjectError(f"minting a token answered {self._told(reply)}, expected {step.expect} with a token")
        minted = Minted(token, *unpack_jwt(token), reply)
        self.record.op(
            "control",
            "mint",
            "ok",
            op=begun.index,
            status=reply.status,
            identity=minted.identity,
            data=minted.use("mint"),
        )
        return minted
