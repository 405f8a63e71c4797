"""The mutations of I17 legacy-lane: one for each way in that must be closed.

Owns how a green history is spoiled; leaves the judging to legacy.
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import Mutation, inserted, middle, replaced, without
from harness.history import Applied, FrameSeen, History, Op, Rejected, RouteProbed, pack, unpack

_LEGACY_KEY = "mutant-legacy"
_UNUSED = "mutant-connection"


def mutations_of(allowed: tuple[str, ...], deliver_required: bool) -> tuple[Mutation, ...]:
    """With the checker's own parameters, which decide what is a command and what must cross."""
    return (
        Mutation("insert an accepted legacy frame", _accepted),
        Mutation("insert a legacy frame that nobody rejects", _unrejected),
        Mutation("let a retired route answer", lambda history: _route(history, 200, "")),
        Mutation("let a retired route redirect", lambda history: _route(history, 308, "/api/sync/token")),
        Mutation("drop every delivery of an applied event", lambda history: _undelivered(history, deliver_required)),
        Mutation("insert a command on a subscription socket", lambda history: _command(history, allowed)),
    )


def _frame(like: Op, connection: str, seen: FrameSeen, key: str | None = None) -> Op:
    return Op(
        index=-1,
        t_ns=like.t_ns,
        process="middlebox",
        f="frame",
        phase="ok",
        connection=connection,
        key=key,
        data=pack(seen),
    )


def _accepted(history: History) -> History | None:
    """Frame and reject as they should be, and an apply all the same."""
    victim = middle([op for op in history.of("apply") if op.phase == "ok" and op.hash])
    if victim is None:
        return None
    connection = victim.connection or _UNUSED
    frame = _frame(victim, connection, FrameSeen("to_client", "legacy", injected=True), _LEGACY_KEY)
    reject = replace(frame, f="reject", key=None, replica=victim.replica, data=pack(Rejected("legacy")))
    apply = replace(victim, index=-1, key=_LEGACY_KEY, idem_key=_LEGACY_KEY, data=pack(Applied(victim.hash or "")))
    return inserted(history, victim.index, frame, reject, apply)


def _unrejected(history: History) -> History | None:
    """On a connection of its own, so that no reject can be counted for it."""
    if not history.ops:
        return None
    last = history.ops[-1]
    return inserted(history, last.index, _frame(last, _UNUSED, FrameSeen("to_client", "legacy", injected=True)))


def _route(history: History, status: int, location: str) -> History | None:
    retired = (op for op in history.of("route") if op.phase == "ok" and op.status is not None)
    victim = middle([op for op in retired if unpack(op, RouteProbed).retired])
    if victim is None:
        return None
    route = replace(unpack(victim, RouteProbed), location=location)
    return replaced(history, replace(victim, status=status, data=pack(route)))


def _undelivered(history: History, deliver_required: bool) -> History | None:
    """All deliveries of one event; another must remain when a history may do without any."""
    delivered = {(op.stream, op.seq, op.key) for op in history.of("deliver") if op.phase == "ok"}
    if not deliver_required and len(delivered) < 2:
        return None
    applied = ((op.stream, op.seq, op.key) for op in history.of("apply") if op.phase == "ok")
    victim = middle([event for event in applied if event in delivered])
    if victim is None:
        return None
    gone = [op.index for op in history.of("deliver") if (op.stream, op.seq, op.key) == victim]
    return without(history, *gone)


def _command(history: History, allowed: tuple[str, ...]) -> History | None:
    kinds = ("CallReducer", "CallProcedure", "MutantCommand")
    kind = next((kind for kind in kinds if not kind.startswith(allowed)), None)
    sockets = [op for op in (*history.of("deliver"), *history.of("connect")) if op.connection]
    victim = middle(sockets)
    if victim is None or victim.connection is None or kind is None:
        return None
    return inserted(history, victim.index, _frame(victim, victim.connection, FrameSeen("to_server", kind)))
