"""I11 no-convergence: when the last fault is over, everybody catches up and fresh events arrive live.

Owns liveness: after the last heal the harness settles within the bound, final reads are caught up, and a
probe (an event that nobody could have had before) is published and reaches every replica by an update,
not in a snapshot. Leaves what may never happen, fault or not, to the others. A probe that was invoked
while a fault was on that is not tolerable is not judged; without any fault the probes alone are.

    NoConvergence(bound_ms=30_000).check(history).verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness.checkers.base import (
    Checker,
    CheckResult,
    Found,
    Mutation,
    lack,
    middle,
    renumbered,
    replaced,
    together,
    without,
)
from harness.checkers.windows import windows
from harness.history import Applied, FinalState, History, Op, Probed, pack, unpack

_MS = 1_000_000  # ns


class Probe(NamedTuple):
    """One probe that is judged: its invocation, whom it must reach, and until when."""

    op: Op
    replicas: tuple[str, ...]
    limit_ms: int

    @property
    def until_ns(self) -> int:
        return self.op.t_ns + self.limit_ms * _MS


class _Scene:
    """The faults, and the probes that are judged because no fault excused the subject."""

    def __init__(self, history: History, bound_ms: int) -> None:
        self.heal: Op | None = None
        self.probes: list[Probe] = []
        self.lacking = ""
        began = {window.on.index: window for window in windows(history)}
        ends = {op.index for window in began.values() for op, _ in window.offs}
        on: dict[str | None, int] = {}
        for op in together(history, "fault_on", "fault_off", "probe"):
            if op.f == "probe" and op.phase == "invoke":
                if all(began[index].began.tolerable for index in on.values()):
                    self._add(op, bound_ms)
            elif op.index in began:
                on[op.fault] = op.index
            elif op.index in ends:
                on.pop(op.fault, None)
                self.heal = op
        if on:
            window = began[min(on.values())]
            self.lacking = f"{window.name} was never healed: nothing came after the last fault"
        elif not any(self.heal is None or probe.op.index > self.heal.index for probe in self.probes):
            after = "" if self.heal is None else f" after the last fault healed (op {self.heal.index})"
            self.lacking = self.lacking or f"no probe{after}: whether a fresh event arrives was not shown"

    def _add(self, op: Op, bound_ms: int) -> None:
        asked = unpack(op, Probed)
        if op.stream is None or op.key is None:
            self.lacking = self.lacking or lack(op, "stream", "key")
        elif not asked.replicas:
            self.lacking = self.lacking or f"the probe at op {op.index} names no replica that it must reach"
        else:
            self.probes.append(Probe(op, asked.replicas, min(asked.within_ms, bound_ms)))


Event = tuple[str | None, str | None]  # stream, key


class _Arrivals:
    """What became of the probes' events: the last attempt to publish each, and who applied it."""

    def __init__(self, history: History, probes: list[Probe]) -> None:
        begun: dict[Event, int] = {(probe.op.stream, probe.op.key): probe.op.index for probe in probes}
        self._last: dict[Event, tuple[Op, Op | None]] = {}
        self._applies: dict[tuple[Event, str | None], list[Op]] = {}
        if not begun:
            return
        for op in together(history, "publish", "append"):
            event = (op.stream, op.key)
            if op.index > begun.get(event, op.index):
                if op.phase == "invoke":
                    self._last[event] = op, None
                elif event in self._last and self._last[event][0].index == op.op:
                    self._last[event] = self._last[event][0], op
        for op in history.of("apply"):
            event = (op.stream, op.key)
            if op.phase == "ok" and op.index > begun.get(event, op.index):
                self._applies.setdefault((event, op.replica), []).append(op)

    def published(self, probe: Probe) -> tuple[Op, Op | None] | None:
        """The last attempt and its answer."""
        return self._last.get((probe.op.stream, probe.op.key))

    def applied(self, probe: Probe, replica: str) -> list[Op]:
        return self._applies.get(((probe.op.stream, probe.op.key), replica), [])

    def arrived(self, probe: Probe, replica: str) -> bool:
        """Live and in time."""
        return any(_live(op) and op.t_ns <= probe.until_ns for op in self.applied(probe, replica))


class NoConvergence(Checker, frozen=True):
    """I11. `bound_ms` holds from the last heal to the first settle after it, and for a probe that would allow more."""

    name = "no-convergence"
    invariant = "I11"

    bound_ms: int = 30_000

    def check(self, history: History) -> CheckResult:
        scene = _Scene(history, self.bound_ms)
        arrivals = _Arrivals(history, scene.probes)
        judged, findings, lacking = 0, list[Found](), scene.lacking
        for probe in scene.probes:
            attempt = arrivals.published(probe)
            if attempt is None:
                lacking = lacking or f"the probe at op {probe.op.index} was never published"
                continue
            judged += 1 + len(probe.replicas)
            if attempt[1] is None or attempt[1].phase != "ok":
                findings.append(_refused(probe, *attempt))
            else:
                late = (replica for replica in probe.replicas if not arrivals.arrived(probe, replica))
                findings.extend(_missed(probe, replica, arrivals.applied(probe, replica)) for replica in late)
        if scene.heal is not None:
            seen = _settles(history, scene.heal), _closings(history, scene.heal)
            judged += sum(map(len, seen))
            findings.extend(chain(self._unsettled(scene.heal, seen[0]), _behind(scene.heal, seen[1])))
        return self.result(judged, findings, lacking)

    def _unsettled(self, heal: Op, settles: list[Op]) -> Iterator[Found]:
        healed = f"after the last fault healed (op {heal.index})"
        for op in settles:
            if op.phase != "ok":
                yield (
                    f"the settle at op {op.index}, {healed}, ended with: {op.error or op.phase}",
                    (heal.index, op.index),
                )
        if settles and settles[0].phase == "ok" and settles[0].t_ns - heal.t_ns > self.bound_ms * _MS:
            took = (settles[0].t_ns - heal.t_ns) // _MS
            message = f"quiet came {took} ms {healed}, expected within {self.bound_ms} ms (op {settles[0].index})"
            yield message, (heal.index, settles[0].index)

    def mutations(self) -> tuple[Mutation, ...]:
        def arrival(change: Callable[[History, Probe, list[Op]], History]) -> Callable[[History], History | None]:
            return lambda history: _spoil(history, self.bound_ms, change)

        return (
            Mutation("let a probe come by snapshot", arrival(_by_snapshot)),
            Mutation("drop the applies of a probe", arrival(lambda h, _, applies: without(h, *_indices(applies)))),
            Mutation("retime the applies of a probe to after its limit", arrival(_too_late)),
            Mutation("flip the publish of a probe to info", lambda history: _unanswered(history, self.bound_ms)),
            Mutation("flip a settle after the last heal to info", _unsettle),
        )


def _live(op: Op) -> bool:
    return unpack(op, Applied).live


def _indices(ops: list[Op]) -> tuple[int, ...]:
    return tuple(op.index for op in ops)


def _settles(history: History, heal: Op) -> list[Op]:
    return [op for op in history.of("settle") if op.index > heal.index]


def _closings(history: History, heal: Op) -> list[Op]:
    """The last closing final_read of each observer, of those after the heal."""
    reads = (op for op in history.of("final_read") if op.index > heal.index and op.stream is None and op.phase == "ok")
    return list({op.replica: op for op in reads}.values())


def _behind(heal: Op, closings: list[Op]) -> Iterator[Found]:
    for op in closings:
        if not unpack(op, FinalState).caught_up:
            message = f"{op.replica} has not caught up after the last fault healed (op {heal.index}): its final read"
            yield f"{message} says so (op {op.index})", (heal.index, op.index)


def _refused(probe: Probe, begun: Op, done: Op | None) -> Found:
    message = f"publishing does not work again: the last attempt for probe {probe.op.key} (op {begun.index})"
    if done is None:
        return f"{message} was never answered", (probe.op.index, begun.index)
    said = done.error if done.status is None else f"{done.status} {done.error or ''}"
    return f"{message} ended in {done.phase}: {said}", (probe.op.index, begun.index, done.index)


def _missed(probe: Probe, replica: str, applies: list[Op]) -> Found:
    """Why this replica is not reached: never, by snapshot, or too late."""
    live = [op for op in applies if _live(op)]
    if not applies:
        how = "never applied it"
    elif not live:
        how = f"had it by a snapshot (op {applies[0].index})"
    else:
        how = f"applied it {(live[0].t_ns - probe.op.t_ns) // _MS} ms after (op {live[0].index})"
    message = (
        f"replica {replica}: probe {probe.op.key} (op {probe.op.index}) must arrive live within {probe.limit_ms} ms"
    )
    return f"{message}, but the replica {how}", (probe.op.index, *_indices(applies[:1]))


def _spoil(history: History, bound_ms: int, change: Callable[[History, Probe, list[Op]], History]) -> History | None:
    """Hand `change` a probe that arrived, and all applies of one replica it reached."""
    probes = _Scene(history, bound_ms).probes
    arrivals = _Arrivals(history, probes)
    reached = [
        (probe, arrivals.applied(probe, replica))
        for probe in probes
        if _acknowledged(arrivals.published(probe))
        for replica in probe.replicas
        if arrivals.arrived(probe, replica)
    ]
    victim = middle(reached)
    return None if victim is None else change(history, *victim)


def _acknowledged(attempt: tuple[Op, Op | None] | None) -> bool:
    return attempt is not None and attempt[1] is not None and attempt[1].phase == "ok"


def _by_snapshot(history: History, _: Probe, applies: list[Op]) -> History:
    return replaced(history, *(replace(op, data=pack(replace(unpack(op, Applied), live=False))) for op in applies))


def _too_late(history: History, probe: Probe, applies: list[Op]) -> History:
    """They move to the end of the record, where time has passed the limit."""
    moved = set(_indices(applies))
    end_ns = max(history.ops[-1].t_ns, probe.until_ns + _MS)
    kept = (op for op in history.ops if op.index not in moved)
    return renumbered(history, chain(kept, (replace(op, t_ns=end_ns) for op in applies)))


def _unanswered(history: History, bound_ms: int) -> History | None:
    probes = _Scene(history, bound_ms).probes
    arrivals = _Arrivals(history, probes)
    answers = [attempt[1] for probe in probes if (attempt := arrivals.published(probe)) and attempt[1] is not None]
    victim = middle(answers)
    if victim is None:
        return None
    return replaced(history, replace(victim, phase="info", seq=None, error="timeout", data=msgspec.UNSET))


def _unsettle(history: History) -> History | None:
    heal = _Scene(history, 0).heal
    victim = None if heal is None else middle(_settles(history, heal))
    return None if victim is None else replaced(history, replace(victim, phase="info", error="the limit passed"))
