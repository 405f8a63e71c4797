"""I9 retry-storm: clients that cannot reach the server ask again, but not all the time and not all at once.

Owns the attempts that reached the lab's sink while it stood in the server's place: they are timed by the
sink on arrival and not by the client's word. Leaves whether a client comes back when the outage is over
to convergence. A client is who a token belongs to (the Op's identity, else its replica); an outage is a
window of a fault. Three questions: does a client go on asking, does it ask too often, and (a herd of at
least `min_clients_for_step`) do the clients wait equally long. What nobody can be blamed for excuses a
client's silence; a client that was restarted inside the window is not judged in it. A session that a
gate closes inside a window looks silent: close it before or after.

    RetryStorm(base_ms=200, cap_ms=5_000).check(history).findings
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise
from math import sqrt

from msgspec.structs import replace

from harness.checkers.base import Checker, CheckResult, Found, Mutation, inserted, lack, middle, renumbered, without
from harness.checkers.windows import Window, windows
from harness.history import History, Op

_MS = 1_000_000  # ns

# Bounds of attempts, against E = attempts whose mean full-jitter waits fill the window. Simulated with 30,000 clients
# per kind of jitter and window of 2 to 60 s: in 12 s a client may make 32, and the busiest made 16 with full, 9 with
# equal, 26 with decorrelated jitter; the mean of five may be 17.4, and the highest was 11.8, 8.0 and 14.0. Closest to
# its bound came decorrelated jitter in 10.6 s, 14.0 of 15.8. A fixed pause of 200 ms makes 25 in 5 s, where a client
# may make 23.
_CLIENT_FACTOR, _CLIENT_SPARE = 3.0, 5
_MEAN_FACTOR, _MEAN_SPARE = 1.6, 3
_MEAN_CLIENTS = 5
# Spread of the waits of one ordinal over clients, as standard deviation / mean: 0.58 with full jitter, 0.19 with equal
# jitter, 0 without. Simulated, ten clients with equal jitter come out below 0.08 in 15 of 10,000 ordinals, and more
# than half must. A busy machine adds some 20 ms to waits of 800 ms and more, which is 0.03.
_STEP_SPREAD = 0.08
_STEP_FROM = 2  # the first two waits are so short that the machine's own delays would hide a step
_STEP_ORDINALS = 2
_STEP_SHARE = 0.9  # of the clients: where only the quick ones got so far, their waits are alike for that reason


class Outage:
    """The attempts of one window, by client; `nameless` are those of nobody that is known."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.clients: dict[str, list[Op]] = {}
        self.nameless: list[Op] = []

    def add(self, op: Op) -> None:
        client = op.identity or op.replica
        if client is None:
            self.nameless.append(op)
        else:
            self.clients.setdefault(client, []).append(op)

    @property
    def ms(self) -> float | None:
        """How long it was; None when it was never healed."""
        off = self.window.off
        return None if off is None else (off.t_ns - self.window.on.t_ns) / _MS


@dataclass
class _Part:
    """What one outage came to."""

    judged: int = 0
    findings: list[Found] = field(default_factory=list)
    lacking: str = ""


class RetryStorm(Checker, frozen=True):
    """I9. The wait before try k is at most min(cap_ms, base_ms * factor**k), spread by jitter. `slack_ms` is the time
    to connect, to be refused and to be scheduled. `lanes`: how many loops of retries a replica (as the sink names it,
    such as "runtime") runs side by side; one where nothing is said. With `herd_required` a history without enough
    clients in one window to be in step is UNKNOWN."""

    name = "retry-storm"
    invariant = "I9"

    base_ms: int = 200
    factor: float = 2.0
    cap_ms: int = 5_000
    slack_ms: int = 2_000
    min_clients_for_step: int = 10
    process: str = "sink"
    lanes: dict[str, int] = {}
    herd_required: bool = False

    def check(self, history: History) -> CheckResult:
        outages, lacking = outages_of(history, self.process)
        if not outages:
            return self.result(0, (), lacking or f"the {self.process} recorded no attempt inside a window of a fault")
        absent = _Absences(history)
        parts = [self._outage(outage, absent) for outage in outages]
        if self.herd_required and max(len(one.clients) for one in outages) < self.min_clients_for_step:
            lacking = (
                lacking or f"no window has {self.min_clients_for_step} clients: whether they keep step was not shown"
            )
        lacking = next((part.lacking for part in parts if part.lacking), lacking)
        return self.result(sum(part.judged for part in parts), chain(*(part.findings for part in parts)), lacking)

    def _outage(self, outage: Outage, absent: _Absences) -> _Part:
        part = _Part()
        named = sum(map(len, outage.clients.values()))
        if len(outage.nameless) > named:
            total = named + len(outage.nameless)
            part.lacking = f"{outage.window.name}: {len(outage.nameless)} of {total} attempts say not who made them"
        if outage.ms is None:
            part.lacking = f"{outage.window.name} was never healed: how often and how long cannot be said"
            return part
        judged = {
            client: ops for client, ops in outage.clients.items() if not absent.within(outage.window, client, ops)
        }
        for client, ops in judged.items():
            part.judged += len(ops)
            part.findings.extend(self._silence(outage, client, ops))
        part.findings.extend(self._too_many(outage, judged))
        part.findings.extend(self._in_step(outage, judged))
        return part

    def expected(self, window_ms: float) -> int:
        """How many attempts it takes until their mean waits, with full jitter, are longer than the window."""
        count, total, bound = 0, 0.0, float(self.base_ms)
        while total <= window_ms:
            total += max(1.0, min(bound, self.cap_ms) / 2)
            bound = min(bound * self.factor, self.cap_ms)
            count += 1
        return count

    def most(self, window_ms: float, lanes: int = 1) -> int:
        """The most attempts that one client may make in a window."""
        return lanes * int(_CLIENT_FACTOR * self.expected(window_ms) + _CLIENT_SPARE)

    def _lanes(self, ops: list[Op]) -> int:
        return max(1, self.lanes.get(ops[0].replica or "", 1))

    def _silence(self, outage: Outage, client: str, ops: list[Op]) -> Iterator[Found]:
        """The cap bounds every wait: how far the backoff had come when the window began, nobody knows."""
        off, limit_ms = outage.window.off, self.cap_ms + self.slack_ms
        if off is None or outage.nameless:
            return
        for op, after in pairwise((*ops, off)):
            waited_ms = (after.t_ns - op.t_ns) // _MS
            if waited_ms > limit_ms:
                then = "the outage ended" if after is off else "it tried again"
                message = (
                    f"{outage.window.name}: client {client} waited {waited_ms} ms after op {op.index} until {then}"
                )
                yield f"{message}, expected at most {limit_ms} ms", (op.index, after.index)

    def _too_many(self, outage: Outage, judged: dict[str, list[Op]]) -> Iterator[Found]:
        window_ms = outage.ms or 0.0
        for client, ops in judged.items():
            most = self.most(window_ms, self._lanes(ops))
            if len(ops) > most:
                message = f"{outage.window.name}: client {client} made {len(ops)} attempts in {window_ms:.0f} ms"
                yield f"{message}, expected at most {most}", (ops[0].index, ops[-1].index)
        if len(judged) >= _MEAN_CLIENTS:
            mean = sum(len(ops) / self._lanes(ops) for ops in judged.values()) / len(judged)
            bound = _MEAN_FACTOR * self.expected(window_ms) + _MEAN_SPARE
            if mean > bound:
                message = f"{outage.window.name}: {len(judged)} clients made {mean:.1f} attempts each"
                yield f"{message} in {window_ms:.0f} ms, expected at most {bound:.1f}", (outage.window.on.index,)

    def _in_step(self, outage: Outage, judged: dict[str, list[Op]]) -> Iterator[Found]:
        """Whether more than half of the waits that nearly all made were the same for all."""
        single = [ops for ops in judged.values() if self._lanes(ops) == 1]
        if len(single) < self.min_clients_for_step:
            return
        waits: list[list[int]] = []
        for ops in single:
            for ordinal, (op, after) in enumerate(pairwise(ops)):
                if ordinal == len(waits):
                    waits.append([])
                waits[ordinal].append(after.t_ns - op.t_ns)
        enough = max(self.min_clients_for_step, _STEP_SHARE * len(single))
        spreads = [_spread(found) for found in waits[_STEP_FROM:] if len(found) >= enough]
        alike = sum(spread < _STEP_SPREAD for spread in spreads)
        if alike >= _STEP_ORDINALS and 2 * alike > len(spreads):
            message = (
                f"{outage.window.name}: {len(single)} clients retry in step: {alike} of {len(spreads)} waits differ"
            )
            detail = f"by less than {_STEP_SPREAD:g} of their mean between them, expected jitter"
            yield f"{message} {detail}", (outage.window.on.index,)

    def mutations(self) -> tuple[Mutation, ...]:
        def on(
            change: Callable[[RetryStorm, History, list[Outage]], History | None],
        ) -> Callable[[History], History | None]:
            return lambda history: change(self, history, _healed_outages(history, self.process))

        return (
            Mutation("insert a storm of attempts behind one", on(_storm)),
            Mutation("drop a client's attempts after its first", on(_fall_silent)),
            Mutation("retime all clients of a window into step", on(_keep_step)),
        )


class _Absences:
    """Who was restarted when: such a client neither fell silent nor went on with its backoff."""

    def __init__(self, history: History) -> None:
        self._replicas = {op.identity: op.replica for op in history.of("connect") if op.phase == "ok" and op.identity}
        self._restarts: dict[str, list[int]] = {}
        for op in history.of("restart"):
            if op.replica is not None:
                self._restarts.setdefault(op.replica, []).append(op.t_ns)

    def within(self, window: Window, client: str, ops: list[Op]) -> bool:
        if not self._restarts or window.off is None:
            return False
        names = {ops[0].replica, self._replicas.get(client)}
        times = chain.from_iterable(self._restarts.get(name, ()) for name in names if name is not None)
        return any(window.on.t_ns <= t_ns <= window.off.t_ns for t_ns in times)


def outages_of(history: History, process: str) -> tuple[list[Outage], str]:
    """The windows in which the sink saw attempts, and why some attempt belongs to none."""
    by_name = {window.on.fault: Outage(window) for window in windows(history)}
    lacking = ""
    for op in history.of("connect"):
        if op.process != process or op.phase != "fail":
            continue
        outage = None if op.fault is None else by_name.get(op.fault)
        if op.fault is None:
            lacking = lacking or lack(op, "fault")
        elif outage is None:
            lacking = lacking or f"the attempt at op {op.index} names window {op.fault}, which never began"
        else:
            outage.add(op)
    return [one for one in by_name.values() if one.clients or one.nameless], lacking


def _spread(values: list[int]) -> float:
    """Standard deviation over mean; nought where all are nought."""
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values)) / mean if mean else 0.0


def _healed_outages(history: History, process: str) -> list[Outage]:
    """Those in which everybody is judged: ended, all attempts named, and nobody restarted."""
    absent = _Absences(history)
    return [
        outage
        for outage in outages_of(history, process)[0]
        if outage.ms is not None and outage.clients and not outage.nameless
        if not any(absent.within(outage.window, client, ops) for client, ops in outage.clients.items())
    ]


def _storm(checker: RetryStorm, history: History, outages: list[Outage]) -> History | None:
    outage = middle(outages)
    if outage is None or outage.ms is None:
        return None
    ops = outage.clients[sorted(outage.clients)[0]]
    extra = checker.most(outage.ms, checker._lanes(ops)) + 1 - len(ops)
    return inserted(history, ops[0].index, *([ops[0]] * extra))


def _fall_silent(checker: RetryStorm, history: History, outages: list[Outage]) -> History | None:
    limit_ns = (checker.cap_ms + checker.slack_ms + 1) * _MS
    victim = middle(
        [
            ops
            for outage in outages
            for ops in outage.clients.values()
            if len(ops) > 1 and outage.window.off is not None and outage.window.off.t_ns - ops[0].t_ns > limit_ns
        ]
    )
    return None if victim is None else without(history, *(op.index for op in victim[1:]))


def _keep_step(checker: RetryStorm, history: History, outages: list[Outage]) -> History | None:
    """Everybody's attempts at the same moments, equally far apart, in the place of those that were."""

    def single(outage: Outage) -> list[list[Op]]:
        return [ops for ops in outage.clients.values() if checker._lanes(ops) == 1]

    victim = middle([outage for outage in outages if len(single(outage)) >= checker.min_clients_for_step])
    tries = _STEP_FROM + 2 * _STEP_ORDINALS
    if victim is None or victim.ms is None or victim.ms * _MS <= tries:
        return None
    step_ns = int(victim.ms * _MS) // (tries + 1)
    gone = {op.index for ops in single(victim) for op in ops}
    new = [
        replace(ops[0], t_ns=victim.window.on.t_ns + step_ns * (number + 1))
        for number in range(tries)
        for ops in single(victim)
    ]
    kept = [op for op in history.ops if op.index not in gone]
    return renumbered(history, sorted((*kept, *new), key=lambda op: op.t_ns))
