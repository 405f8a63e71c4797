"""I1 lost-write: what was acknowledged is still there at the end (seed: zero-loss replay).

Owns the question "is it in the final read"; leaves the order of what is there to order, its bytes to
hashes. An observer is judged by its last complete read: the rows before its last closing final_read,
of the streams that this closing lists. Excused are rows at or below a declared prune cursor (for a
replica: those that its bootstrap at the floor left out), and what was published before a declared
wipe or restore of the server.

    LostWrite(observer="server").check(history).verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, middle, replaced, side_by_side, without
from harness.checkers.epochs import restores
from harness.history import F, FinalState, History, Op, Published, pack, unpack

_WRITES: tuple[F, F] = ("publish", "append")
_ROWS: tuple[F, F, F] = ("deliver", "apply", "final_read")


class Ack(NamedTuple):
    """One acknowledgement, at op `acked_at`, of the invocation `begun`. `event` numbers the keys."""

    acked_at: int
    begun: int
    stream: str
    key: str
    seq: int | None
    event: int


class Read(NamedTuple):
    """One observer's last complete read: closed at op `closed_at`; `has[event]` is 1 when it has a row
    of that acknowledged event; `rows` is how many rows it has."""

    replica: str
    closed_at: int
    streams: frozenset[str]
    has: bytearray
    rows: int


class Acks:
    """All publishes and appends that were answered ok, and why some of them cannot be looked for."""

    def __init__(self, history: History) -> None:
        self.all: list[Ack] = []
        self.last = -1  # index of the last acknowledgement
        self.lacking = ""
        self.events: dict[str, dict[str, int]] = {}
        self._count = 0
        for kind in _WRITES:
            self._collect(history, kind)

    def _collect(self, history: History, kind: F) -> None:
        begun: dict[int, Op] = {}
        for op in history.of(kind):
            if op.phase == "invoke":
                begun[op.index] = op
                continue
            own = begun.pop(-1 if op.op is None else op.op, op)
            stream, key = op.stream or own.stream, op.key or own.key
            if op.phase == "ok":
                if stream is None or key is None:
                    self.lacking = self.lacking or lack(op, "stream", "key")
                    continue
                self.all.append(Ack(op.index, own.index, stream, key, op.seq, self._event(stream, key)))
                self.last = max(self.last, op.index)

    def _event(self, stream: str, key: str) -> int:
        keys = self.events.get(stream)
        if keys is None:
            keys = self.events[stream] = {}
        number = keys.setdefault(key, self._count)
        self._count += number == self._count
        return number

    @property
    def once(self) -> bool:
        """Whether each event was acknowledged once, so that the events number `all`."""
        return len(self.all) == self._count

    def read_by(self, history: History) -> dict[str, Read]:
        """Per observer, its last read, if it was closed as caught up."""
        has: dict[str, tuple[bytearray, list[int]]] = {}
        reads: dict[str, Read] = {}
        nothing: dict[str, int] = {}
        for op in side_by_side(history.of("final_read")):
            replica, stream, key = op.replica, op.stream, op.key
            if op.phase != "ok" or replica is None:
                continue
            if replica not in has:
                has[replica] = bytearray(self._count), [0]
            if stream is None:
                closing = unpack(op, FinalState)
                reads.pop(replica, None)
                marks, rows = has.pop(replica)
                if closing.caught_up:
                    reads[replica] = Read(replica, op.index, frozenset(closing.streams), marks, rows[0])
                continue
            marks, rows = has[replica]
            rows[0] += 1
            event = self.events.get(stream, nothing).get(key or "")
            if event is not None:
                marks[event] = 1
        return reads


class _Excuses:
    """What may be absent from whose read. `why_absent` says "required", "excused" or "undecided"."""

    def __init__(self, history: History, acks: list[Ack], observer: str, restores_excuse: bool) -> None:
        self._observer = observer
        self.restored = max(restores(history), default=-1) if restores_excuse else -1
        self._pruned: dict[str, int] = {}
        self._last_prune: dict[str, int] = {}
        for op in history.of("prune"):
            if op.phase == "ok" and op.stream is not None and op.cursor is not None:
                self._pruned[op.stream] = max(op.cursor, self._pruned.get(op.stream, 0))
                self._last_prune[op.stream] = op.index
        self._started: dict[tuple[str | None, str | None], int] = {
            (op.replica, op.stream): op.cursor
            for op in history.of("bootstrap")
            if op.phase == "ok" and op.cursor is not None
        }
        self._history, self._acks = history, acks
        self._seqs: dict[tuple[str | None, str | None], int] | None = None
        self._first: dict[tuple[str | None, str | None], int] | None = None

    def _seq(self, ack: Ack) -> int | None:
        """As it was answered, or as anybody saw it. Looked up only when something is absent."""
        if ack.seq is not None:
            return ack.seq
        if self._seqs is None:
            silent = {other.key for other in self._acks if other.seq is None and other.stream in self._pruned}
            rows = chain.from_iterable(map(self._history.of, _ROWS))
            self._seqs = {(op.stream, op.key): op.seq for op in rows if op.key in silent and op.seq is not None}
        return self._seqs.get((ack.stream, ack.key))

    def _after(self, ack: Ack, prune: int) -> bool:
        """Whether this event was invoked after the prune and never before it: an earlier invocation may
        have taken effect although its answer was lost."""
        if ack.begun < prune:
            return False
        if self._first is None:
            self._first = {}
            for op in chain.from_iterable(map(self._history.of, _WRITES)):
                if op.phase == "invoke":
                    self._first.setdefault((op.stream, op.key), op.index)
        return self._first.get((ack.stream, ack.key), ack.begun) > prune

    def floor(self, replica: str, stream: str) -> int:
        """Rows at or below it may be absent from this observer's read."""
        pruned = self._pruned.get(stream, 0)
        return pruned if replica == self._observer else min(pruned, self._started.get((replica, stream), 0))

    def why_absent(self, ack: Ack, replica: str) -> str:
        if ack.begun < self.restored:
            return "excused"
        floor = self.floor(replica, ack.stream)
        if not floor or self._after(ack, self._last_prune[ack.stream]):
            return "required"
        seq = self._seq(ack)
        if seq is None:
            return "undecided"
        return "excused" if seq <= floor else "required"


class _Look:
    """One observer's read against all acknowledged events."""

    def __init__(self, excuses: _Excuses, read: Read, truth: Read) -> None:
        self.judged, self.lacking = 0, ""
        self.found: dict[int, Found] = {}
        self._excuses, self._read, self._truth = excuses, read, truth

    def over(self, acks: Acks) -> None:
        """Where every acknowledgement counts, only the absent ones are walked."""
        read, restored = self._read, self._excuses.restored
        limit = min(read.closed_at, self._truth.closed_at)
        if acks.once and acks.last <= limit and restored < 0 and read.streams.issuperset(acks.events):
            self.judged += read.has.count(1)
            place = read.has.find(0)
            while place >= 0:
                self._absent(acks.all[place])
                place = read.has.find(0, place + 1)
        else:
            self._walk(acks.all, limit)

    def _walk(self, acks: list[Ack], limit: int) -> None:
        read, restored = self._read, self._excuses.restored
        for ack in acks:
            if ack.acked_at > limit:
                continue
            if ack.stream not in read.streams:
                if read is self._truth:
                    unread = f"the final_read of {read.replica} does not list stream {ack.stream}"
                    self.lacking = self.lacking or unread
            elif read.has[ack.event]:
                self.judged += ack.begun > restored
            else:
                self._absent(ack)

    def _absent(self, ack: Ack) -> None:
        why = self._excuses.why_absent(ack, self._read.replica)
        if why == "required":
            self.judged += 1
            self.found.setdefault(ack.event, _lost(ack, self._read))
        elif why == "undecided":
            self.lacking = self.lacking or _undecided(ack, self._read)


class LostWrite(Checker, frozen=True):
    """I1. `observer` is the replica whose read is the truth; without one nothing is decided.
    `restores_excuse=False` demands that the subject brings back what a restore took away."""

    name = "lost-write"
    invariant = "I1"

    observer: str = "server"
    restores_excuse: bool = True

    def check(self, history: History) -> CheckResult:
        acks = Acks(history)
        reads = acks.read_by(history)
        truth = reads.get(self.observer)
        if truth is None:
            missing = f"{self.observer} has no complete final_read to look for {len(acks.all)} acknowledged events in"
            return self.result(0, (), missing if acks.all else acks.lacking)
        excuses = _Excuses(history, acks.all, self.observer, self.restores_excuse)
        looks = [_Look(excuses, read, truth) for read in reads.values()]
        for look in looks:
            look.over(acks)
        lacking = next((look.lacking for look in looks if look.lacking), acks.lacking)
        return self.result(sum(look.judged for look in looks), chain(*(look.found.values() for look in looks)), lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        def on(change: Callable[[History, Read, list[Ack]], History | None], own: bool) -> Mutate:
            return lambda history: self._spoil(history, change, own)

        return (
            Mutation("drop a row from the server's read", on(_drop_row, True)),
            Mutation("drop a row from a replica's read", on(_drop_row, False)),
            Mutation("re-identify a row of the server's read", on(_rekey_row, True)),
            Mutation("empty the server's read", on(_drop_all, True)),
            Mutation("flip a publish that left no row to ok", on(_acknowledge, True)),
        )

    def _spoil(
        self, history: History, change: Callable[[History, Read, list[Ack]], History | None], own: bool
    ) -> History | None:
        """Hand `change` a read (the server's own, or a replica's) and the acknowledged events in it that
        must be there, by what is known without the rows."""
        acks = Acks(history)
        reads = acks.read_by(history)
        truth = reads.get(self.observer)
        read = truth if own else next((r for r in reads.values() if r is not truth and r.rows), None)
        if truth is None or read is None:
            return None
        limit = min(read.closed_at, truth.closed_at)
        excuses = _Excuses(history, acks.all, self.observer, self.restores_excuse)
        victims = [
            ack
            for ack in acks.all
            if ack.acked_at < limit
            and ack.stream in read.streams
            and read.has[ack.event]
            and (ack.seq is not None or not excuses.floor(read.replica, ack.stream))
            and excuses.why_absent(ack, read.replica) == "required"
        ]
        return change(history, read, victims)


Mutate = Callable[[History], History | None]


def _lost(ack: Ack, read: Read) -> Found:
    seq = "unknown" if ack.seq is None else ack.seq
    return (
        f"event {ack.key} (stream {ack.stream}, seq {seq}) was acknowledged at op {ack.acked_at} and is "
        f"absent from the final read of {read.replica} (op {read.closed_at})",
        (ack.acked_at, read.closed_at),
    )


def _undecided(ack: Ack, read: Read) -> str:
    return (
        f"event {ack.key} (stream {ack.stream}, acknowledged at op {ack.acked_at}) is absent from the final read of "
        f"{read.replica}, and without its seq nobody can say whether the prune took it"
    )


def _rows(history: History, replica: str) -> Iterator[Op]:
    return (op for op in history.of("final_read") if op.replica == replica and op.stream is not None)


def _drop_row(history: History, read: Read, victims: list[Ack]) -> History | None:
    victim = middle(victims)
    if victim is None:
        return None
    rows = _rows(history, read.replica)
    return without(history, *(op.index for op in rows if op.stream == victim.stream and op.key == victim.key))


def _rekey_row(history: History, read: Read, victims: list[Ack]) -> History | None:
    victim = middle(victims)
    if victim is None:
        return None
    rows = [op for op in _rows(history, read.replica) if op.stream == victim.stream and op.key == victim.key]
    return replaced(history, *(replace(op, key=f"{victim.key}-mutant") for op in rows))


def _drop_all(history: History, read: Read, victims: list[Ack]) -> History | None:
    return without(history, *(op.index for op in _rows(history, read.replica))) if victims else None


def _acknowledge(history: History, read: Read, _: list[Ack]) -> History | None:
    """A failed or unknown publish after the last restore, into a stream that was never pruned."""
    spared = {op.stream for op in history.of("prune")}
    last = max(restores(history), default=-1)
    begun = {op.index: op for op in history.of("publish") if op.phase == "invoke" and op.index > last}
    held = {(op.stream, op.key) for op in _rows(history, read.replica)}
    for op in history.of("publish"):
        own = begun.get(-1 if op.op is None else op.op)
        if op.phase not in ("fail", "info") or own is None or op.index > read.closed_at or own.key is None:
            continue
        if own.stream in read.streams and own.stream not in spared and (own.stream, own.key) not in held:
            claim = pack(Published(""))
            return replaced(history, replace(op, phase="ok", stream=own.stream, key=own.key, error=None, data=claim))
    return None
