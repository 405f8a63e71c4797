"""I16 unproxied-path: every connection from the subject to the server went through its proxy.

Owns the accounts of sockets; leaves the counting to the lab's relay, the kernel's table and the
server's metrics. An account of what was carried and a reading of the socket table are both needed: the
relay alone knows nothing of what passed it by.

    UnproxiedPath().check(history).verdict
"""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, inserted, middle, replaced
from harness.history import History, Op, SocketSeen, pack, unpack


class UnproxiedPath(Checker, frozen=True):
    """I16: a socket Op that failed, or that names no path, is a connection that nobody carried."""

    name = "unproxied-path"
    invariant = "I16"

    def check(self, history: History) -> CheckResult:
        findings: list[Found] = []
        judged = 0
        kinds: set[str] = set()
        for op in history.of("socket"):
            if op.phase not in ("ok", "fail"):
                continue
            seen = unpack(op, SocketSeen)
            if op.phase == "ok" and seen.path:
                judged += 1
                kinds.add(seen.kind)
            else:
                findings.append(_bypass(op, seen))
        absent = [kind for kind in ("carried", "table") if kind not in kinds]
        lacking = f"no {' and no '.join(absent)} account of sockets: a bypass would not be seen" if absent else ""
        return self.result(judged, findings, lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("flip a carried socket to fail", _flip),
            Mutation("insert a connection that no path carried", _bypassed),
            Mutation("take the path of a socket away", _no_path),
        )


def _bypass(op: Op, seen: SocketSeen) -> Found:
    path = f"path {seen.path}" if seen.path else "no path"
    message = f"{seen.count} connection(s) from port {seen.peer_port} reached the server by {path} of the lab"
    return f"{message} ({seen.kind}, op {op.index})", (op.index,)


def _sockets(history: History) -> list[Op]:
    return [op for op in history.of("socket") if op.phase == "ok"]


def _flip(history: History) -> History | None:
    victim = middle(_sockets(history))
    return None if victim is None else replaced(history, replace(victim, phase="fail"))


def _bypassed(history: History) -> History | None:
    victim = middle(_sockets(history))
    if victim is None:
        return None
    seen = SocketSeen(path="", kind="table", peer_port=unpack(victim, SocketSeen).peer_port)
    return inserted(history, victim.index, replace(victim, phase="fail", data=pack(seen)))


def _no_path(history: History) -> History | None:
    victim = middle(_sockets(history))
    if victim is None:
        return None
    return replaced(history, replace(victim, data=pack(replace(unpack(victim, SocketSeen), path=""))))
