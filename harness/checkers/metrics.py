"""I14 metrics-lie: the subject's own counters are what the history counts.

Owns the comparison of the last reading with what lies before it; leaves what the counters are called to
signoff.toml, which says what some of them mean (`Metrics.means`). Bounds, not exact values, since an
answer that was lost may have been given: acknowledged <= counted <= attempted. A reading tells of one
moment and has no invocation: take it when no publish is under way and the outbox has run empty. A
meaning that is not stated is not judged, and the reason lists it.

    MetricsLie(required=("accepted", "duplicates")).check(history).verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Literal, NamedTuple

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, replaced
from harness.history import F, FinalState, History, Metrics, Op, Opened, Restarted, pack, unpack

Meaning = Literal["accepted", "duplicates", "published", "failures", "outbox"]
MEANINGS: tuple[Meaning, ...] = ("accepted", "duplicates", "published", "failures", "outbox")
_RUNTIME = "runtime"  # the replica that a restart, and an attempt at the sink, names


class Bounds(NamedTuple):
    """What a counter may say: from `least` to `most` (None: any number), and why."""

    least: int
    most: int | None
    why: str


Event = tuple[str | None, str | None]  # stream, and the harness's key or the subject's idem key


class _Ledger:
    """What the history counts before one reading. An event has two names, the harness's key and the subject's idem key;
    where they count differently, the wider bound holds. `alive` is what did not definitely fail: a refusal takes no
    event and knows none already."""

    def __init__(self, history: History, reading: Op, observer: str) -> None:
        self.alive = self.acks = 0
        self.alive_keys, self.alive_names = set[Event](), set[Event]()
        self.acked_keys, self.acked_names = set[Event](), set[Event]()
        self._last_publish = -1
        opened = _before(history, "open", reading)
        self.own = sum(unpack(op, Opened).events for op in opened)  # events that the subject itself wrote
        self._publishes(history, reading)
        self._rows, self._read_at = _read_of(history, reading, observer)
        settles = (op.index for op in _before(history, "settle", reading) if op.phase == "ok")
        self._settled_at = max(settles, default=-1)
        self._restarts(history, reading)
        attempts = _before(history, "connect", reading)
        self._ran_before = unpack(reading, Metrics).ran_before
        self._refused = sum(op.process == "sink" and op.phase == "fail" and op.replica == _RUNTIME for op in attempts)

    def _publishes(self, history: History, reading: Op) -> None:
        done = {op.op: op for op in history.of("publish") if op.op is not None}
        for op in _before(history, "publish", reading):
            self._last_publish = op.index
            answer = done.get(op.index)
            if op.phase != "invoke" or (answer is not None and answer.phase == "fail"):
                continue
            said = answer.idem_key if answer is not None else None
            key, name = (op.stream, op.key), (op.stream, said or op.idem_key or f"key {op.key}")
            self.alive += 1
            self.alive_keys.add(key)
            self.alive_names.add(name)
            if answer is not None and answer.phase == "ok" and answer.index < reading.index:
                self.acks += 1
                self.acked_keys.add(key)
                self.acked_names.add(name)

    def _restarts(self, history: History, reading: Op) -> None:
        starts = [op for op in _before(history, "restart", reading) if op.phase == "ok"]
        self.own_restarts = sum(op.replica == _RUNTIME for op in starts)
        servers = [(op.index, unpack(op, Restarted).how) for op in starts if op.replica in (None, "server")]
        self._lossy = sum(how != "stop" for _, how in servers)
        self._server_at = max((index for index, _ in servers), default=-1)
        self._restored = any(how in ("restore", "wipe") for _, how in servers)

    def bounds(self, meaning: Meaning) -> Bounds | None:
        """What this counter may say; None when the history cannot tell."""
        acked = len(self.acked_keys), len(self.acked_names)
        alive = len(self.alive_keys), len(self.alive_names)
        if meaning == "accepted":
            why = f"events that were acknowledged, and that may have been taken{self._and_own}"
            return Bounds(min(acked), max(alive) + self.own, why)
        if meaning == "duplicates":
            why = "acknowledgements beyond the first of each event, and attempts beyond it"
            return Bounds(max(0, self.acks - max(acked)), max(0, self.alive - min(alive)), why)
        if meaning == "published":
            if self._ran_before:
                return Bounds(self._seen(), None, "its rows in the server's last read")
            times = 1 + self._lossy
            why = f"its rows in the server's last read, and events that may have been taken, {times} times at most"
            return Bounds(self._seen(), (max(alive) + self.own) * times, f"{why}{self._and_own}")
        if meaning == "failures":
            return Bounds(1, None, f"the sink refused it {self._refused} times") if self._refused else None
        return self._outbox()

    @property
    def _and_own(self) -> str:
        return f", beside {self.own} of its own" if self.own else ""

    def _seen(self) -> int:
        """The runtime's own events in the server's last complete read, if nothing was taken from the server."""
        return 0 if self._restored or self._read_at < self._server_at else len(self._rows & self.alive_keys)

    def _outbox(self) -> Bounds | None:
        """Empty at rest, but for what was never acknowledged or is known not to have come to the server. What one that
        ran before had left is not known."""
        if self._ran_before or self._settled_at <= max(self._last_publish, self._server_at):
            return None
        absent = self.acked_keys - self._rows if self._read_at >= 0 else set()
        unsure = self.alive_keys - self.acked_keys
        return Bounds(0, len(absent | unsure), f"nothing was under way since the settle at op {self._settled_at}")


class MetricsLie(Checker, frozen=True):
    """I14. `required` meanings must be stated. With `survive_restart` false a subject whose counters begin at nought
    again is judged only where it was not restarted."""

    name = "metrics-lie"
    invariant = "I14"

    required: tuple[Meaning, ...] = ("accepted", "duplicates", "published")
    observer: str = "server"
    survive_restart: bool = True

    def check(self, history: History) -> CheckResult:
        reading = _last_reading(history)
        if reading is None:
            return self.result(0, (), "the subject's counters were never read")
        means = unpack(reading, Metrics).means
        ledger = _Ledger(history, reading, self.observer)
        if ledger.own_restarts and not self.survive_restart:
            return self.result(0, (), "the runtime was restarted, and its counters begin at nought again")
        lacking = ", ".join(meaning for meaning in self.required if meaning not in means)
        if lacking:
            lacking = f"no counter is said to mean {lacking}: [runtime.counters] in signoff.toml gives it"
        judged, findings = 0, list[Found]()
        for meaning in MEANINGS:
            bounds = ledger.bounds(meaning) if meaning in means else None
            if bounds is not None:
                judged += 1
                findings.extend(_lie(reading, meaning, means[meaning], bounds))
        result = self.result(judged, findings, lacking)
        silent = ", ".join(meaning for meaning in MEANINGS if meaning not in means)
        return replace(result, reason=f"not stated: {silent}") if silent and not result.reason else result

    def mutations(self) -> tuple[Mutation, ...]:
        def say(meaning: Meaning, of: Callable[[Bounds], int | None]) -> Callable[[History], History | None]:
            return lambda history: _say(history, self.observer, meaning, of)

        return (
            Mutation("accept more than was offered", say("accepted", _too_many)),
            Mutation("accept less than was acknowledged", say("accepted", lambda b: b.least - 1 if b.least else None)),
            Mutation("halve what is published", say("published", lambda b: b.least // 2 if b.least else None)),
            Mutation("count no duplicate", say("duplicates", lambda b: 0 if b.least else None)),
            Mutation("count attempts as duplicates", say("duplicates", _too_many)),
            Mutation("count no failure", say("failures", lambda b: 0 if b.least else None)),
            Mutation("leave an event in the outbox", say("outbox", _too_many)),
        )


def _last_reading(history: History) -> Op | None:
    return next((op for op in reversed(history.of("metrics")) if op.phase == "ok"), None)


def _before(history: History, kind: F, reading: Op) -> Iterator[Op]:
    return takewhile(lambda op: op.index < reading.index, history.of(kind))


def _read_of(history: History, reading: Op, observer: str) -> tuple[set[Event], int]:
    """The events in the observer's last complete read before this reading, and where it was closed: -1 when nowhere."""
    rows, read, closed_at = set[Event](), set[Event](), -1
    for op in _before(history, "final_read", reading):
        if op.phase != "ok" or op.replica != observer:
            continue
        if op.stream is not None:
            rows.add((op.stream, op.key))
            continue
        if unpack(op, FinalState).caught_up:
            read, closed_at = rows, op.index
        rows = set[Event]()
    return read, closed_at


def _lie(reading: Op, meaning: Meaning, said: int, bounds: Bounds) -> Iterator[Found]:
    if said < bounds.least or (bounds.most is not None and said > bounds.most):
        most = "" if bounds.most is None else f" and at most {bounds.most}"
        expected = f"expected at least {bounds.least}{most} ({bounds.why})"
        yield f"{meaning}: the subject counts {said} at op {reading.index}, {expected}", (reading.index,)


def _too_many(bounds: Bounds) -> int | None:
    return None if bounds.most is None else bounds.most + 1


def _say(history: History, observer: str, meaning: Meaning, of: Callable[[Bounds], int | None]) -> History | None:
    """The last reading says another number for this meaning."""
    reading = _last_reading(history)
    if reading is None:
        return None
    seen = unpack(reading, Metrics)
    bounds = _Ledger(history, reading, observer).bounds(meaning) if meaning in seen.means else None
    value = None if bounds is None else of(bounds)
    if value is None:
        return None
    return replaced(history, replace(reading, data=pack(replace(seen, means={**seen.means, meaning: value}))))
