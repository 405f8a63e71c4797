"""I6 inconsistent-offset: everybody agrees on what stands where, and the order is the real one.

Owns the agreement of all observers on (stream, seq) -> (key, hash) and on key -> (stream, seq), and the
order in real time: where one publish was acknowledged before another was invoked, the first has the
smaller seq. Leaves absence to writes. Judged per epoch of the server's data (see epochs).

A key that is published again keeps its place, so its order is judged from its first invocation that
did not definitely fail.

    InconsistentOffset().check(history).findings
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, lack, middle, replaced, sightings, together
from harness.checkers.epochs import Epochs
from harness.history import F, History, Op

_SOURCES: tuple[F, ...] = ("publish", "append", "deliver", "apply", "final_read")
_ALWAYS_PLACED = ("deliver", "apply")


class InconsistentOffset(Checker, frozen=True):
    """I6. `observer` is whose final read gives the seq of a publish that was answered without one."""

    name = "inconsistent-offset"
    invariant = "I6"

    observer: str = "server"

    def check(self, history: History) -> CheckResult:
        epochs = Epochs(history)
        places = _Places(epochs)
        places.read(sightings(history, "publish", "append", "deliver", "apply"))
        order = _Order(epochs, _final_seqs(history, self.observer, epochs))
        for op in together(history, "publish", "append"):
            order.step(op)
        return self.result(places.judged + order.judged, chain(places.findings, order.findings), places.lacking)

    def mutations(self) -> tuple[Mutation, ...]:
        return (
            Mutation("re-identify an applied event", _rekey_apply),
            Mutation("swap the seqs of two rows of the server's read", lambda h: _swap_rows(h, self.observer)),
            Mutation("exchange two seqs everywhere", _exchange),
            Mutation(
                "swap the rows of two events that were acknowledged in turn", lambda h: _swap_silent(h, self.observer)
            ),
            Mutation("re-hash a delivered row", _rehash_deliver),
        )


class _Places:
    """Who saw which event where. The first sight of a place or a key is what the others must match."""

    def __init__(self, epochs: Epochs) -> None:
        self.judged, self.lacking = 0, ""
        self.findings: list[Found] = []
        self._epochs = epochs
        self._places: dict[tuple[int, str], dict[int, Op]] = {}
        self._homes: dict[int, dict[str, Op]] = {}

    def read(self, ops: Sequence[Op]) -> None:
        single, epoch = self._epochs.single, 0
        for op in ops:
            stream, seq, key = op.stream, op.seq, op.key
            if op.phase != "ok":
                continue
            if stream is None or seq is None:
                if op.f in _ALWAYS_PLACED or (op.f == "final_read" and stream is not None):
                    self.lacking = self.lacking or lack(op, "stream", "seq")
                continue
            if not single:
                epoch = self._epochs.of(op)
            place = self._places.get((epoch, stream))
            if place is None:
                place = self._places[epoch, stream] = {}
            first = place.setdefault(seq, op)
            if first is not op:
                self.judged += 1
                if first.key != key or (first.hash != op.hash and first.hash and op.hash):
                    self.findings.append(_other_event(first, op))
            elif key is not None:
                home = self._homes.setdefault(epoch, {}).setdefault(key, op)
                if home.seq != seq or home.stream != stream:
                    self.findings.append(_other_place(home, op))


class _Top(NamedTuple):
    """The highest acknowledged seq of a stream, and the Op that acknowledged it."""

    seq: int
    acked_at: int


_NOTHING = _Top(-1, -1)


class _Order:
    """The sweep by index: what was acknowledged when a publish was invoked must stand before it.

    `floors` holds the open invocations only: per event (stream, key) and invocation, the highest seq
    acknowledged by then. An event that was acknowledged has its place, so it is judged once."""

    def __init__(self, epochs: Epochs, final: dict[tuple[str, str], int]) -> None:
        self.judged = 0
        self.findings: list[Found] = []
        self._epochs, self._final, self._epoch = epochs, final, 0
        self._start_epoch()

    def _start_epoch(self) -> None:
        self._tops: dict[str, _Top] = {}
        self._floors: dict[tuple[str, str], dict[int, _Top]] = {}
        self._begun: dict[int, tuple[str, str]] = {}
        self._placed: set[str] = set()

    def step(self, op: Op) -> None:
        if not self._epochs.single and self._epochs.at(op.index) != self._epoch:
            self._epoch = self._epochs.at(op.index)
            self._start_epoch()
        if op.phase == "invoke":
            stream, key = op.stream, op.key
            if stream is not None and key is not None and key not in self._placed:
                self._begun[op.index] = event = (stream, key)
                self._floors.setdefault(event, {})[op.index] = self._tops.get(stream, _NOTHING)
            return
        begun = None if op.op is None else self._begun.pop(op.op, None)
        if begun is None or op.op is None:
            return
        if op.phase == "ok":
            self._acknowledged(op, *begun)
        elif op.phase == "fail" and begun in self._floors:
            self._floors[begun].pop(op.op, None)

    def _acknowledged(self, op: Op, stream: str, key: str) -> None:
        floors = self._floors.pop((stream, key), None)
        if not floors:
            return
        self._placed.add(key)
        seq = op.seq if op.seq is not None else self._read(stream, key)
        if seq is None:
            return
        floor = min(floors.values())
        if floor is not _NOTHING:
            self.judged += 1
            if seq <= floor.seq:
                self.findings.append(_too_low(op, stream, key, seq, floor))
        if seq > self._tops.get(stream, _NOTHING).seq:
            self._tops[stream] = _Top(seq, op.index)

    def _read(self, stream: str, key: str) -> int | None:
        """Where the final read has it, in the epoch of that read."""
        return self._final.get((stream, key)) if self._epoch == len(self._epochs.starts) else None


def _final_seqs(history: History, observer: str, epochs: Epochs) -> dict[tuple[str, str], int]:
    """(stream, key) -> seq in the observer's rows of the last epoch; needed only where a publish was
    answered without a seq."""
    silent = {op.key for op in together(history, "publish", "append") if op.phase == "ok" and op.seq is None}
    last = len(epochs.starts)
    if not silent:
        return {}
    return {
        (op.stream, op.key): op.seq
        for op in history.of("final_read")
        if op.key in silent and op.replica == observer and op.stream and op.key and op.seq is not None
        if epochs.of(op) == last
    }


def _sight(op: Op) -> str:
    who = f" of {op.replica}" if op.replica else ""
    return f"{op.f}{who} (op {op.index})"


def _other_event(first: Op, op: Op) -> Found:
    return (
        f"stream {op.stream}, seq {op.seq}: {_sight(op)} has event {op.key} with hash {op.hash}, "
        f"{_sight(first)} has event {first.key} with hash {first.hash}",
        (first.index, op.index),
    )


def _other_place(home: Op, op: Op) -> Found:
    return (
        f"event {op.key}: {_sight(op)} has it at stream {op.stream}, seq {op.seq}, "
        f"{_sight(home)} at stream {home.stream}, seq {home.seq}",
        (home.index, op.index),
    )


def _too_low(op: Op, stream: str, key: str, seq: int, floor: _Top) -> Found:
    return (
        f"stream {stream}: event {key} has seq {seq} (op {op.index}), but seq {floor.seq} was acknowledged "
        f"at op {floor.acked_at}, before it was invoked",
        (floor.acked_at, op.index),
    )


def _witnessed(history: History, kind: F) -> list[Op]:
    """Ops of a kind at places that a final read holds too, under the same key and hash."""
    epochs = Epochs(history)
    rows = {
        (epochs.of(op), op.stream, op.seq, op.key, op.hash) for op in history.of("final_read") if op.seq is not None
    }
    candidates = (op for op in history.of(kind) if op.phase == "ok" and op.hash and op.key)
    return [op for op in candidates if (epochs.of(op), op.stream, op.seq, op.key, op.hash) in rows]


def _rekey_apply(history: History) -> History | None:
    victim = middle(_witnessed(history, "apply"))
    return None if victim is None else replaced(history, replace(victim, key=f"{victim.key}-mutant"))


def _rehash_deliver(history: History) -> History | None:
    victim = middle(_witnessed(history, "deliver"))
    if victim is None or not victim.hash:
        return None
    other = ("0" if victim.hash[0] != "0" else "1") + victim.hash[1:]
    return replaced(history, replace(victim, hash=other))


def _swap_rows(history: History, observer: str) -> History | None:
    """Two rows of one stream of the server's read, at least one of them seen by somebody else too."""
    own = [op for op in _witnessed(history, "final_read") if op.replica == observer]
    epochs = Epochs(history)
    others = (op for kind in _SOURCES for op in history.of(kind) if op.phase == "ok" and op.replica != observer)
    seen = {(epochs.of(op), op.stream, op.seq) for op in others}
    pairs = [(a, b) for a, b in pairwise(own) if a.stream == b.stream and a.seq != b.seq]
    pair = middle([(a, b) for a, b in pairs if (epochs.of(a), a.stream, a.seq) in seen and a.key != b.key])
    if pair is None:
        return None
    return replaced(history, replace(pair[0], seq=pair[1].seq), replace(pair[1], seq=pair[0].seq))


def _exchange(history: History) -> History | None:
    """Two events, the first acknowledged before the second was invoked, change places in every Op:
    only the order in real time is broken."""
    epochs = Epochs(history)
    pair = _in_turn(history, epochs.starts[-1] if epochs.starts else -1)
    if pair is None:
        return None
    one, other = pair
    to = {one.seq: other.seq, other.seq: one.seq}
    last = epochs.of(one)
    moved = (op for op in history.ops if op.stream == one.stream and op.seq in to and epochs.of(op) == last)
    return replaced(history, *(replace(op, seq=to[op.seq]) for op in moved))


def _swap_silent(history: History, observer: str) -> History | None:
    """For writers that are told no seq: two events of the server's read, the first acknowledged before the second
    was invoked, in each other's place."""
    epochs = Epochs(history)
    last = len(epochs.starts)
    rows: dict[tuple[str | None, str | None], Op] = {
        (op.stream, op.key): op
        for op in history.of("final_read")
        if op.replica == observer and op.seq is not None and op.key is not None and epochs.of(op) == last
    }
    done: dict[str | None, Op] = {}
    pairs: list[tuple[Op, Op]] = []
    for op in together(history, "publish", "append"):
        if op.phase != "ok" or op.seq is not None or op.op is None or (op.stream, op.key) not in rows:
            continue
        before = done.get(op.stream)
        if before is not None and before.index < op.op and before.key != op.key:
            pairs.append((rows[before.stream, before.key], rows[op.stream, op.key]))
        done[op.stream] = op
    pair = middle(pairs)
    if pair is None:
        return None
    return replaced(history, replace(pair[0], seq=pair[1].seq), replace(pair[1], seq=pair[0].seq))


def _in_turn(history: History, restored: int) -> tuple[Op, Op] | None:
    """Two acknowledged publishes of one stream after the last restore, each key invoked once, one wholly
    before the other."""
    invoked: dict[str | None, int] = {}
    for op in together(history, "publish", "append"):
        if op.phase == "invoke":
            invoked[op.key] = invoked.get(op.key, 0) + 1
    last: dict[str, Op] = {}
    pairs: list[tuple[Op, Op]] = []
    for op in history.of("publish"):
        if op.phase != "ok" or op.stream is None or op.seq is None or op.op is None or op.op < restored:
            continue
        if invoked.get(op.key) != 1:
            continue
        before = last.get(op.stream)
        if before is not None and before.index < op.op:
            pairs.append((before, op))
        last[op.stream] = op
    return middle(pairs)
