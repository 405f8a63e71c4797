"""I7 stale-cursor-ignored: a cursor that the server cannot serve is given up, and nothing is left out.

Owns what follows from a cursor that is stale, ahead or lost (see situations): a bootstrap before the next
apply, not above the floor, and a final read that is complete from there on and holds nothing that the
server's restored data contradict. Leaves cursors against applied state to cursors, acknowledged events to
writes. Only what is certain is judged: a row that follows a stale cursor without a gap had crossed before
the prune, and a cursor ahead is right when the same events came back to the same places.

    StaleCursorIgnored(expect=("stale",)).check(history).verdict
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, middle, replaced, together, without
from harness.checkers.situations import Held, Situation, Walk, Where
from harness.history import FinalState, History, Op, unpack

_NONE: dict[int, Op] = {}


class Read(NamedTuple):
    """One observer's last complete read: its rows by stream and seq, and where it was closed."""

    closed_at: int
    caught_up: bool
    streams: frozenset[str]
    rows: dict[str, dict[int, Op]]

    def of(self, stream: str) -> dict[int, Op]:
        return self.rows.get(stream, _NONE)


def reads_of(history: History) -> dict[str, Read]:
    """Per observer, its last complete read."""
    rows: dict[str, dict[str, dict[int, Op]]] = {}
    reads: dict[str, Read] = {}
    for op in history.of("final_read"):
        if op.phase != "ok" or op.replica is None:
            continue
        if op.stream is None:
            closing = unpack(op, FinalState)
            held = rows.pop(op.replica, {})
            reads[op.replica] = Read(op.index, closing.caught_up, frozenset(closing.streams), held)
        elif op.seq is not None:
            rows.setdefault(op.replica, {}).setdefault(op.stream, {})[op.seq] = op
    return reads


class StaleCursorIgnored(Checker, frozen=True):
    """I7. `observer` is the replica whose read is the truth. Each situation of `expect` must have been seen; where none
    is named, at least one of the three."""

    name = "stale-cursor-ignored"
    invariant = "I7"

    observer: str = "server"
    expect: tuple[Situation, ...] = ()

    def check(self, history: History) -> CheckResult:
        walk = Walk(history)
        look = _Look(history, walk, self.observer)
        owed, gaps = look.completeness()
        kept, contradicted = look.after_restore()
        silent = look.nothing_came()
        findings = chain(_ignored(look), _above(walk), silent, gaps, contradicted)
        lacking = self._unseen(walk) or walk.lacking or look.lacking
        return self.result(sum(walk.seen.values()) + owed + kept, findings, lacking)

    def _unseen(self, walk: Walk) -> str:
        missing = ", ".join(kind for kind in self.expect if not walk.seen[kind])
        if missing:
            return f"no cursor was seen in the situation: {missing}"
        return "" if walk.seen else "no cursor was ever stale, ahead or lost: nothing to judge"

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("drop the bootstrap that answered a stale cursor", _drop_bootstrap),
            Mutation("raise the start of a baseline above every floor", _start_late),
            Mutation("drop a row of a replica that met a bad cursor", lambda h: _drop_row(h, self.observer)),
            Mutation("re-identify a row of a replica's read after a restore", lambda h: _rekey(h, self.observer)),
        )


class _Look:
    """The final reads beside the situations. They are walked only where there is something to compare."""

    def __init__(self, history: History, walk: Walk, observer: str) -> None:
        self.walk, self.lacking = walk, ""
        needed = walk.seen or walk.restored >= 0
        self._history, self._observer = history, observer
        self.reads = reads_of(history) if needed else {}
        truth = self.reads.get(observer)
        if truth is not None and not truth.caught_up:
            truth = None
        self.truth = truth
        if needed and truth is None:
            self.lacking = f"{observer} has no complete final_read: whether anything was left out cannot be said"

    def owed(self, where: Where, held: Held) -> dict[int, Op]:
        """The server's rows that a replica which met a bad cursor must hold in the end."""
        replica, stream = where
        read, truth = self.reads.get(replica), self.truth
        if read is None or truth is None or not read.caught_up or read.closed_at < held.opened:
            return _NONE
        if stream not in read.streams or stream not in truth.streams:
            return _NONE
        # A read that was closed before the server's may lack what came between.
        last = max(read.of(stream), default=0) if read.closed_at < truth.closed_at else None
        rows = truth.of(stream).items()
        return {seq: row for seq, row in rows if seq > held.start and (last is None or seq <= last)}

    def completeness(self) -> tuple[int, list[Found]]:
        judged, findings = 0, list[Found]()
        for where, held in self.walk.troubled.items():
            owed = self.owed(where, held)
            judged += len(owed)
            absent = sorted(owed.keys() - self.reads[where[0]].of(where[1]).keys()) if owed else []
            if absent:
                first = owed[absent[0]]
                message = (
                    f"replica {where[0]}, stream {where[1]}: lacks {len(absent)} of the {len(owed)} rows that the "
                    f"server has after its start at cursor {held.start}, first event {first.key} (seq {absent[0]})"
                )
                findings.append((message, (first.index, self.reads[where[0]].closed_at)))
        return judged, findings

    def comparable(self) -> Iterator[tuple[str, str, dict[int, Op]]]:
        """(replica, stream, rows) of replicas that had a connection between the last restore and the server's read."""
        walk, truth = self.walk, self.truth
        if walk.restored < 0 or truth is None or truth.closed_at < walk.restored:
            return
        for replica, read in self.reads.items():
            connected = walk.first_connect.get(replica)
            if connected is None or connected > truth.closed_at or read.closed_at < connected:
                continue
            for stream in sorted(read.streams & truth.streams):
                floor = walk.tops.get(stream, 0)
                yield replica, stream, {seq: row for seq, row in read.of(stream).items() if seq > floor}

    def contradicts(self, row: Op) -> bool:
        """Whether the server has another event in this row's place, or none."""
        assert self.truth is not None
        there = self.truth.of(row.stream or "").get(row.seq or 0)
        return there is None or (there.key != row.key and None not in (there.key, row.key))

    def after_restore(self) -> tuple[int, list[Found]]:
        judged, findings = 0, list[Found]()
        late: set[tuple[str | None, str | None, int | None]] | None = None
        for replica, stream, rows in self.comparable():
            judged += len(rows)
            bad = [row for row in rows.values() if self.contradicts(row)]
            if bad and late is None:
                late = self._late()
            bad = [row for row in bad if (replica, stream, row.seq) not in (late or ())]
            if bad:
                findings.append(self._kept(bad[0], len(bad)))
        return judged, findings

    def _late(self) -> set[tuple[str | None, str | None, int | None]]:
        """What was applied after the server had been read is not to be looked for in that read."""
        closed_at = self.truth.closed_at if self.truth is not None else -1
        return {(op.replica, op.stream, op.seq) for op in self._history.of("apply") if op.index > closed_at}

    def _kept(self, row: Op, count: int) -> Found:
        assert self.truth is not None
        there = self.truth.of(row.stream or "").get(row.seq or 0)
        others = f", and {count - 1} more so" if count > 1 else ""
        message = (
            f"replica {row.replica}, stream {row.stream}: kept event {row.key} at seq {row.seq} after the server was "
            f"restored (op {self.walk.restored}), where the server has {there.key if there else 'nothing'}{others}; "
            f"expected a bootstrap"
        )
        return message, (self.walk.restored, row.index)

    def nothing_came(self) -> list[Found]:
        """A stale cursor, a connection, rows above the floor, and until the server was read nothing but silence. A
        replica that was gone again by then decides nothing."""
        findings: list[Found] = []
        truth = self.truth
        departed = self._departures() if truth is not None else {}
        for (replica, stream), held in self.walk.troubled.items():
            waiting = held.waiting
            if truth is None or waiting is None or waiting.kind != "stale":
                continue
            if max(truth.of(stream), default=0) <= waiting.bound:
                continue
            message = f"replica {replica}, stream {stream}: cursor {waiting.cursor} was below the floor {waiting.bound}"
            connected = self.walk.last_connect[replica]
            gone = connected < departed.get(replica, -1)
            if connected < truth.closed_at and not gone:
                shown = waiting.since.index, truth.closed_at
                findings.append((f"{message}, and neither a bootstrap nor an apply followed", shown))
            else:
                self.lacking = self.lacking or f"{message}, and the replica was not there to show what follows"
        return findings

    def _departures(self) -> dict[str | None, int]:
        """When each replica was last disconnected or restarted, before the server was read."""
        closed_at = self.truth.closed_at if self.truth is not None else -1
        gone = (op for op in together(self._history, "disconnect", "restart") if op.index < closed_at)
        return {op.replica: op.index for op in gone}


def _ignored(look: _Look) -> Iterator[Found]:
    truth, restored = look.truth, look.walk.restored
    for (replica, stream), waiting, apply in look.walk.ignored:
        where = f"replica {replica}, stream {stream}: cursor {waiting.cursor} (op {waiting.since.index})"
        then = f"the next was seq {apply.seq} ({apply.key}), expected a bootstrap before it"
        shown = waiting.since.index, apply.index
        if waiting.kind == "stale":
            yield f"{where} was below the floor {waiting.bound}, and {then}", shown
            continue
        if truth is None or waiting.key is None or not restored < waiting.since.index < truth.closed_at:
            continue
        if stream in truth.streams and waiting.cursor > look.walk.tops.get(stream, 0):
            there = truth.of(stream).get(waiting.cursor)
            if there is None or there.key != waiting.key:
                beyond = (
                    f"was ahead of the restored server's {waiting.bound}, which has {there.key if there else 'nothing'}"
                )
                yield f"{where} {beyond} in the place of event {waiting.key}, and {then}", shown


def _above(walk: Walk) -> Iterator[Found]:
    """A start above every floor leaves out rows that the server has."""
    for op in walk.bootstraps:
        top = walk.tops.get(op.stream, 0)
        if op.cursor is not None and op.cursor > top:
            message = f"replica {op.replica}, stream {op.stream}: started after cursor {op.cursor} (op {op.index})"
            yield f"{message}, above every floor ({top})", (op.index,)


def _drop_bootstrap(history: History) -> History | None:
    victim = middle(Walk(history).healed)
    return None if victim is None else without(history, victim.index)


def _start_late(history: History) -> History | None:
    walk = Walk(history)
    victim = middle(walk.bootstraps)
    return None if victim is None else replaced(history, replace(victim, cursor=walk.tops.get(victim.stream, 0) + 1))


def _drop_row(history: History, observer: str) -> History | None:
    walk = Walk(history)
    look = _Look(history, walk, observer)
    rows: list[Op] = []
    for where, held in walk.troubled.items():
        owed = look.owed(where, held)
        mine = look.reads[where[0]].of(where[1]) if owed else _NONE
        rows.extend(mine[seq] for seq in owed if seq in mine and seq != max(mine))
    victim = middle(rows)
    return None if victim is None else without(history, victim.index)


def _rekey(history: History, observer: str) -> History | None:
    walk = Walk(history)
    look = _Look(history, walk, observer)
    late = look._late() if walk.restored >= 0 else set()
    rows = [row for _, _, found in look.comparable() for row in found.values()]
    victim = middle([row for row in rows if row.key is not None and (row.replica, row.stream, row.seq) not in late])
    return None if victim is None else replaced(history, replace(victim, key=f"{victim.key}-mutant"))
