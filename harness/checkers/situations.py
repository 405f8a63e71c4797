"""Situations of a cursor: where a replica held one that the server could not serve, and what it did next.

Owns one walk over restarts, prunes, resumes, connects, bootstraps and applies; leaves the judging to
stale. A cursor is "stale" when it is below the floor that was declared before the resume or connect,
"ahead" when it is beyond what the server held after a restore or a wipe, and it is lost when a replica
starts "anew" without either. A restore may undo a prune: floors from before it bind nobody.

    walk = Walk(history)
    walk.seen["stale"]  # how many stale cursors were met with a bootstrap, or with an apply in spite of them
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.checkers.base import lack, together
from harness.checkers.epochs import restores
from harness.history import Checkpointed, History, Op, Restarted, unpack

Situation = Literal["stale", "ahead", "anew"]
Where = tuple[str, str]  # replica, stream


class Waiting(NamedTuple):
    """A cursor that cannot be served, since op `since`: a bootstrap must come. `bound` is the floor or the head; `key`
    is the event that the replica applied at its cursor."""

    kind: Situation
    since: Op
    cursor: int
    bound: int
    key: str | None


@dataclass(slots=True)
class Held:
    """What a replica holds of a stream: rows after `start` (its last bootstrap, op `opened`) up to `at`, which is event
    `key`. `old` while they date from before the last restore; `healed` between a bootstrap that answered a stale
    cursor (the one beside it) and the next Op of the stream."""

    start: int
    opened: int
    at: int
    key: str | None = None
    old: bool = False
    waiting: Waiting | None = None
    healed: tuple[Op, int] | None = None


class Ignored(NamedTuple):
    """A replica applied on, in spite of a cursor that could not be served."""

    where: Where
    waiting: Waiting
    apply: Op


class Walk:
    """All situations of one history. `tops` are the highest floors ever declared. `healed` are bootstraps that answered
    a stale cursor, each directly followed by an apply that the cursor would not have reached."""

    def __init__(self, history: History) -> None:
        self.seen: Counter[Situation] = Counter()
        self.lacking = ""
        self.held: dict[str, dict[str, Held]] = {}
        self.troubled: dict[Where, Held] = {}
        self.ignored: list[Ignored] = []
        self.bootstraps: list[Op] = []
        self.healed: list[Op] = []
        self._restores = restores(history)
        self.restored = max(self._restores, default=-1)
        self.tops: dict[str | None, int] = {}
        self.last_connect: dict[str, int] = {}
        self.first_connect: dict[str, int] = {}  # since the last restore
        self._floors: dict[str, int] = {}
        self._heads: dict[str, int] = {}
        for op in together(history, "restart", "prune", "checkpoint", "connect", "bootstrap", "apply"):
            if op.phase == "ok":
                self._step(op)
        self._end()

    def _step(self, op: Op) -> None:
        replica, stream = op.replica, op.stream
        if op.f == "restart":
            if op.index in self._restores:
                self._restore(op)
        elif op.f == "prune":
            if stream is None or op.cursor is None:
                self.lacking = self.lacking or lack(op, "stream", "cursor")
                return
            self._floors[stream] = max(op.cursor, self._floors.get(stream, 0))
            self.tops[stream] = max(op.cursor, self.tops.get(stream, 0))
        elif op.f == "connect":
            if replica is not None:
                self._connect(op, replica)
        elif replica is None or stream is None:
            self.lacking = self.lacking or lack(op, "replica", "stream")
        elif op.f == "apply":
            self._apply(op, (replica, stream))
        elif op.cursor is None:
            self.lacking = self.lacking or lack(op, "cursor")
        elif op.f == "bootstrap":
            self._bootstrap(op, (replica, stream), op.cursor)
        else:
            self._resume(op, (replica, stream), op.cursor)

    def _restore(self, op: Op) -> None:
        self._heads, self._floors = unpack(op, Restarted).heads, {}
        self.first_connect.clear()
        for streams in self.held.values():
            for held in streams.values():
                held.old, held.waiting, held.healed = True, None, None

    def _connect(self, op: Op, replica: str) -> None:
        self.last_connect[replica] = op.index
        self.first_connect.setdefault(replica, op.index)
        for stream, held in self.held.get(replica, {}).items():
            self._look(op, stream, held)

    def _resume(self, op: Op, where: Where, cursor: int) -> None:
        seen = unpack(op, Checkpointed)
        if seen.at != "resume":
            return
        at = max(cursor, seen.applied_seq)
        streams = self.held.setdefault(where[0], {})
        held = streams.get(where[1])
        if held is None:
            held = streams[where[1]] = Held(0, -1, at, old=self.restored >= 0)
        elif held.at != at:
            held.at, held.key = at, None
        held.healed = None
        self._look(op, where[1], held)

    def _look(self, op: Op, stream: str, held: Held) -> None:
        """At a resume or a connect: can this cursor be served?"""
        if held.waiting is not None:
            return
        if held.at < self._floors.get(stream, 0):
            held.waiting = Waiting("stale", op, held.at, self._floors[stream], held.key)
        elif held.old and held.at > self._heads.get(stream, 0):
            held.waiting = Waiting("ahead", op, held.at, self._heads.get(stream, 0), held.key)

    def _bootstrap(self, op: Op, where: Where, cursor: int) -> None:
        self.bootstraps.append(op)
        streams = self.held.setdefault(where[0], {})
        before = streams.get(where[1])
        held = streams[where[1]] = Held(cursor, op.index, cursor)
        if before is None:
            return
        waiting = before.waiting
        self._met("anew" if waiting is None else waiting.kind, where, held)
        if waiting is not None and waiting.kind == "stale":
            held.healed = op, waiting.cursor

    def _met(self, kind: Situation, where: Where, held: Held) -> None:
        self.seen[kind] += 1
        self.troubled[where] = held

    def _apply(self, op: Op, where: Where) -> None:
        held = self.held.get(where[0], {}).get(where[1])
        if held is None:
            return  # no baseline: replicas says so
        if op.seq is None:
            self.lacking = self.lacking or lack(op, "seq")
            return
        waiting = held.waiting
        if waiting is not None:
            held.waiting = None
            if waiting.kind == "ahead" or op.seq > waiting.cursor + 1:
                self._met(waiting.kind, where, held)
                self.ignored.append(Ignored(where, waiting, op))
        elif held.healed is not None:
            bootstrap, cursor = held.healed
            held.healed = None
            if op.seq > cursor + 1:
                self.healed.append(bootstrap)
        if held.old and where[0] in self.first_connect:
            held.old = False
        if op.seq > held.at:
            held.at, held.key = op.seq, op.key

    def _end(self) -> None:
        """Cursors that still wait were met if their replica had a connection since."""
        for replica, streams in self.held.items():
            for stream, held in streams.items():
                waiting = held.waiting
                if waiting is not None and self.last_connect.get(replica, -1) >= waiting.since.index:
                    self._met(waiting.kind, (replica, stream), held)
