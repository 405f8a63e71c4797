"""I8 token-misuse: a token opens what it was minted for, while it is valid, and nothing else.

Owns the truth table of acknowledged uses; leaves the wording of refusals to contract. A refusal is
never a finding here. Times are those of the use as the harness recorded them; the leeway and the
window are what the contract states (a server that caches keys refreshes them after 300 s, for one).

    TokenMisuse(leeway_s=60.0, revoked_window_s=0.0).check(history).verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, middle, replaced
from harness.history import History, Op, TokenUse, pack, unpack

Seconds = Annotated[float, msgspec.Meta(ge=0)]
SERVER_LEEWAY_S = 60  # jsonwebtoken fork 9.3.0, validation.rs:120; measured on 1.2.0


class TokenMisuse(Checker, frozen=True):
    """I8. An acknowledged use or mint is judged, and each connection's identity. `leeway_s` after the
    expiry, `revoked_window_s` after a revocation, a use is still allowed."""

    name = "token-misuse"
    invariant = "I8"

    leeway_s: Seconds = float(SERVER_LEEWAY_S)
    revoked_window_s: Seconds = 0.0

    def check(self, history: History) -> CheckResult:
        findings: list[Found] = []
        judged, lacking = 0, ""
        for invoke, ok in _uses(history):
            if invoke is None:
                lacking = lacking or f"op {ok.index} (use_token, ok) has no invocation: what was used is unknown"
                continue
            judged += 1
            use = unpack(invoke, TokenUse)
            findings.extend((f"{_named(ok, use)} {what}", (invoke.index, ok.index)) for what in self._wrong(use))
            if invoke.identity is not None and ok.identity is None:
                lacking = lacking or lack(ok, "identity")
            elif invoke.identity not in (None, ok.identity):
                findings.append(_other_identity(invoke, ok))
        for op in history.of("mint"):
            if op.phase == "ok":
                judged += 1
                use = unpack(op, TokenUse)
                findings.extend((f"{_named(op, use)} {what}", (op.index,)) for what in self._wrong(use))
        seen, changed, unnamed = _identities(history)
        told, lied = _told(history)
        return self.result(judged + seen + told, findings + changed + lied, lacking or unnamed)

    def _wrong(self, use: TokenUse) -> Iterator[str]:
        """Why this use must not have been acknowledged."""
        if use.expires_at_s is None:
            yield "has no expiry"
        elif use.at_s > use.expires_at_s + self.leeway_s:
            late = use.at_s - use.expires_at_s
            yield f"came {late:g} s after its expiry, the leeway is {self.leeway_s:g} s"
        if not use.in_scope:
            yield "is outside its scope"
        if use.forged:
            yield "is forged"
        if use.revoked_at_s is not None and use.at_s > use.revoked_at_s + self.revoked_window_s:
            late = use.at_s - use.revoked_at_s
            yield f"came {late:g} s after its revocation, the window is {self.revoked_window_s:g} s"

    def _revoked(self, use: TokenUse) -> TokenUse:
        return replace(use, revoked_at_s=use.at_s - self.revoked_window_s - 1)

    def mutations(self) -> tuple[Mutation, ...]:
        def change(of: Callable[[TokenUse], TokenUse]) -> Callable[[History], History | None]:
            return lambda history: _alter(history, of)

        return (
            Mutation("retime an expiry", change(lambda u: replace(u, expires_at_s=u.at_s - self.leeway_s - 1))),
            Mutation("take an expiry away", change(lambda u: replace(u, expires_at_s=None))),
            Mutation("put a use out of scope", change(lambda u: replace(u, in_scope=False))),
            Mutation("forge a token", change(lambda u: replace(u, forged=True))),
            Mutation("retime a revocation", change(self._revoked)),
            Mutation("re-identify an acknowledged use", _reidentify_use),
            Mutation("re-identify a reconnect", _reidentify_connect),
            Mutation("re-identify what the server told a socket", _reidentify_socket),
            Mutation("flip a refused misuse to ok", lambda history: _flip(self, history)),
        )


def _uses(history: History, phase: str = "ok") -> Iterator[tuple[Op | None, Op]]:
    """Acknowledged (or refused) uses with their invocations."""
    begun: dict[int, Op] = {}
    for op in history.of("use_token"):
        if op.phase == "invoke":
            begun[op.index] = op
        elif op.phase == phase:
            yield (None if op.op is None else begun.get(op.op)), op


def _identities(history: History) -> tuple[int, list[Found], str]:
    """How many connections were compared, which changed their replica's identity, and which name none."""
    known: dict[str, tuple[str, int]] = {}
    compared, findings, lacking = 0, list[Found](), ""
    for op in history.of("connect"):
        if op.phase != "ok" or op.replica is None:
            continue
        if op.identity is None:
            lacking = lacking or lack(op, "identity")
            continue
        first, index = known.setdefault(op.replica, (op.identity, op.index))
        if index != op.index:
            compared += 1
            if first != op.identity:
                message = f"replica {op.replica}: connected as {op.identity}, but before as {first} (op {index})"
                findings.append((message, (index, op.index)))
    return compared, findings, lacking


def _told(history: History) -> tuple[int, list[Found]]:
    """Whom the server named on each socket, as the middlebox read it, beside whom the replica says it is."""
    named = {op.connection: op for op in history.of("frame") if op.identity is not None and op.connection is not None}
    compared, findings = 0, list[Found]()
    for op in history.of("connect"):
        frame = named.get(op.connection or "")
        if op.phase != "ok" or frame is None or op.identity is None:
            continue
        compared += 1
        if op.identity != frame.identity:
            message = (
                f"replica {op.replica}: says that it is {op.identity}, the server told its socket {frame.identity}"
            )
            findings.append((message, (frame.index, op.index)))
    return compared, findings


def _reidentify_socket(history: History) -> History | None:
    claimed = {op.connection for op in history.of("connect") if op.phase == "ok" and op.identity is not None}
    victim = middle([op for op in history.of("frame") if op.identity is not None and op.connection in claimed])
    return None if victim is None else replaced(history, replace(victim, identity=f"{victim.identity}-mutant"))


def _named(op: Op, use: TokenUse) -> str:
    return f"{op.f} at op {op.index} was acknowledged, but token {use.token} ({use.use})"


def _other_identity(invoke: Op, ok: Op) -> Found:
    message = f"use_token at op {ok.index}: minted for identity {invoke.identity}, the server knows it by {ok.identity}"
    return message, (invoke.index, ok.index)


def _alter(history: History, change: Callable[[TokenUse], TokenUse]) -> History | None:
    uses = [invoke for invoke, _ in _uses(history) if invoke is not None]
    victim = middle(uses or [op for op in history.of("mint") if op.phase == "ok"])
    return None if victim is None else replaced(history, replace(victim, data=pack(change(unpack(victim, TokenUse)))))


def _reidentify_use(history: History) -> History | None:
    named = [ok for invoke, ok in _uses(history) if invoke is not None and invoke.identity is not None and ok.identity]
    victim = middle(named)
    return None if victim is None else replaced(history, replace(victim, identity=f"{victim.identity}-mutant"))


def _reidentify_connect(history: History) -> History | None:
    seen: set[str | None] = set()
    again: list[Op] = []
    for op in history.of("connect"):
        if op.phase == "ok" and op.replica is not None and op.identity is not None:
            if op.replica in seen:
                again.append(op)
            seen.add(op.replica)
    victim = middle(again)
    return None if victim is None else replaced(history, replace(victim, identity=f"{victim.identity}-mutant"))


def _flip(checker: TokenMisuse, history: History) -> History | None:
    refused = [
        (invoke, fail)
        for invoke, fail in _uses(history, "fail")
        if invoke is not None and any(checker._wrong(unpack(invoke, TokenUse)))
    ]
    victim = middle(refused)
    if victim is None:
        return None
    invoke, fail = victim
    return replaced(history, replace(fail, phase="ok", identity=invoke.identity, error=None))
