"""I17 legacy-lane: the retired ways in are closed, and events come over the WebSocket alone.

Owns four questions, each skipped when the history holds nothing of it: does a retired route answer;
was an injected legacy or malformed frame refused, and its event not taken; did a command travel on a
subscription socket; did every applied event cross a WebSocket. Leaves the shape of a typed rejection to
contract. Its mutations are in legacy_mutations.

    LegacyLane(deliver_required=True).check(history).findings
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, together
from harness.checkers.legacy_mutations import mutations_of
from harness.history import FrameSeen, History, Op, RouteProbed, unpack

FOREIGN = ("legacy", "malformed")
"""Kinds of frames that the middlebox makes and that no subject may take."""


class Part(NamedTuple):
    """What one of the four questions came to."""

    judged: int = 0
    findings: tuple[Found, ...] = ()
    lacking: str = ""


class LegacyLane(Checker, frozen=True):
    """I17. `gone_statuses` are the answers that a retired route may give: a 405 says that the path is
    still there under another method. `subscription_messages` are the prefixes of what a client may send
    on a subscription socket. `deliver_required=False` is for histories without a middlebox."""

    name = "legacy-lane"
    invariant = "I17"

    gone_statuses: tuple[int, ...] = (404, 410)
    subscription_messages: tuple[str, ...] = ("Subscribe", "Unsubscribe", "OneOffQuery")
    deliver_required: bool = True

    def check(self, history: History) -> CheckResult:
        frames = [(op, unpack(op, FrameSeen)) for op in history.of("frame") if op.phase == "ok"]
        parts = (
            _routes(history, self.gone_statuses),
            _refusals(history, frames),
            _acceptance(history, frames),
            _commands(history, frames, self.subscription_messages),
            _crossed(history, self.deliver_required),
        )
        findings = [one for part in parts for one in part.findings]
        lacking = next((part.lacking for part in parts if part.lacking), "")
        return self.result(sum(part.judged for part in parts), findings, lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return mutations_of(self.subscription_messages, self.deliver_required)


Frames = list[tuple[Op, FrameSeen]]


def _routes(history: History, gone: tuple[int, ...]) -> Part:
    """Retired routes must not answer; one that is in use must, or the prober may have asked nobody."""
    judged, asked, control = 0, 0, False
    findings: list[Found] = []
    for op in history.of("route"):
        if op.phase not in ("ok", "fail"):
            continue
        route = unpack(op, RouteProbed)
        answered = op.phase == "ok" and op.status is not None
        if not route.retired:
            control = control or (answered and 200 <= (op.status or 0) < 300)
            continue
        asked += 1
        judged += answered
        if answered and op.status not in gone:
            findings.append(_answers(op, route, gone))
    if not asked:
        return Part()
    if not judged:
        return Part(0, (), f"none of the {asked} retired routes gave any answer")
    lacking = "" if control else "no route in use answered 2xx: the prober may have asked the wrong place"
    return Part(judged, tuple(findings), lacking)


def _answers(op: Op, route: RouteProbed, gone: tuple[int, ...]) -> Found:
    redirect = f" and leads to {route.location}" if route.location else ""
    expected = " or ".join(map(str, gone))
    message = f"retired route {route.method} {route.path} answers {op.status}{redirect}, expected {expected}"
    return message, (op.index,)


def _refusals(history: History, frames: Frames) -> Part:
    """Per connection, as many rejects as frames that nobody should have sent."""
    sent: dict[str, list[int]] = {}
    judged, lacking = 0, ""
    for op, frame in frames:
        if not frame.injected or frame.kind not in FOREIGN or frame.direction != "to_client":
            continue
        if op.connection is None:
            lacking = lacking or lack(op, "connection")
            continue
        judged += 1
        sent.setdefault(op.connection, []).append(op.index)
    rejects = Counter(op.connection for op in history.of("reject") if op.phase == "ok")
    findings = tuple(
        (
            f"connection {connection}: accepted silently: {len(indices)} legacy or malformed frames were sent, "
            f"{rejects[connection]} were rejected",
            tuple(indices[:3]),
        )
        for connection, indices in sent.items()
        if rejects[connection] < len(indices)
    )
    return Part(judged, findings, lacking)


def _acceptance(history: History, frames: Frames) -> Part:
    """An event that came by a foreign frame only is in nobody's state."""
    foreign = {op.key: op.index for op, frame in frames if frame.kind in FOREIGN and op.key is not None}
    if not foreign:
        return Part()
    for op in history.of("deliver"):
        if op.key is not None:
            foreign.pop(op.key, None)
    findings = tuple(
        (
            f"replica {op.replica}: accepted: event {op.key} (stream {op.stream}, seq {op.seq}) came only by a legacy "
            f"frame and is in its {op.f} (op {op.index})",
            (foreign[op.key], op.index),
        )
        for op in together(history, "apply", "final_read")
        if op.key in foreign and op.phase == "ok" and op.replica != "server"
    )
    return Part(len(foreign), findings)


def _commands(history: History, frames: Frames, allowed: tuple[str, ...]) -> Part:
    """What a client sends on a subscription socket: subscriptions and queries only. A connection is one
    when a replica used it, or when it carried a subscription."""
    sent = [(op, frame) for op, frame in frames if frame.direction == "to_server" and not frame.injected]
    if not sent:
        return Part()
    sockets = {op.connection for op, frame in sent if frame.kind.startswith("Subscribe")}
    for kind in ("connect", "subscribe", "deliver", "apply", "reject", "disconnect"):
        sockets.update(op.connection for op in history.of(kind))
    sockets.discard(None)
    findings: list[Found] = []
    judged, lacking = 0, ""
    for op, frame in sent:
        if op.connection is None:
            lacking = lacking or lack(op, "connection")
        elif op.connection in sockets:
            judged += 1
            if not frame.kind.startswith(allowed):
                message = f"connection {op.connection}: a command travelled on the subscription socket: {frame.kind}"
                findings.append((f"{message} (op {op.index})", (op.index,)))
    return Part(judged, tuple(findings), lacking)


class _Crossed:
    """Which events were seen on a WebSocket, by place; `others` are second events at a place."""

    def __init__(self, history: History) -> None:
        self.any = False
        self._places: dict[str | None, dict[int | None, str | None]] = {}
        self._others: set[tuple[str | None, int | None, str | None]] = set()
        for op in history.of("deliver"):
            if op.phase == "ok":
                self.any = True
                places = self._places.get(op.stream)
                if places is None:
                    places = self._places[op.stream] = {}
                if places.setdefault(op.seq, op.key) != op.key:
                    self._others.add((op.stream, op.seq, op.key))

    def __contains__(self, op: Op) -> bool:
        places = self._places.get(op.stream, {})
        if op.seq in places and places[op.seq] == op.key:
            return True
        return (op.stream, op.seq, op.key) in self._others


def _crossed(history: History, required: bool) -> Part:
    """Every applied (stream, seq, key) was seen on a WebSocket."""
    crossed = _Crossed(history)
    if not crossed.any and not required:
        return Part()
    findings: list[Found] = []
    judged = 0
    for op in history.of("apply"):
        if op.phase == "ok":
            judged += 1
            if op not in crossed:
                what = f"event {op.key} (stream {op.stream}, seq {op.seq})"
                message = f"replica {op.replica}: {what} was applied without crossing a WebSocket"
                findings.append((message, (op.index,)))
    return Part(judged, tuple(findings))
