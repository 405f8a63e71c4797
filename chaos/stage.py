"""The stage of a drill: the cast, steady traffic, and how it must end.

Every drill has the same frame: the subject is up and in steady state; traffic goes on while the nemesis plays; all is
healed; what was acknowledged is everywhere; a fresh event arrives live; everything is read. A drill says only what is
its own.

    stage = Stage(scene)
    await stage.up(sessions=4, streams=3)
    await stage.under(nemesis, per_s=40)
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from chaos.nemesis import Nemesis
from harness.errors import SubjectError
from harness.history import Op, Probed, Restarted, unpack
from harness.scenario import Scenario
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.events import Event, heads_of
from harness.surfaces.follower import NAME as FOLLOWER
from harness.surfaces.observer import final_read_of
from harness.surfaces.replica import Replica
from harness.surfaces.runtime import RuntimeSurface
from harness.wait import WaitedTooLong, until, wait_until
from harness.workload.traffic import Sent, Traffic, publish

WARM_UP = 5  # events per stream before the first fault
PROBE_WITHIN_MS = 15_000  # three times the longest backoff of the contract
CATCH_UP_MS = 30_000
PRESENCE_MS = 10_000
STILL_MS = 800
OUTBOX_MS = 10_000  # twice the longest backoff of the contract


class Stage:
    """`acknowledged` are the events that were taken, by key, with the seq that was told. Without a runtime the harness
    writes itself, through the module."""

    def __init__(self, scene: Scenario) -> None:
        self.scene = scene
        self.streams: list[str] = []
        self.replicas: dict[str, Replica] = {}
        self.acknowledged: dict[str, tuple[str, int | None]] = {}
        self.aside: list[str] = []  # streams that no session follows, and that are read at the end all the same
        self.events = Traffic(scene.rng, scene.nonce)
        scene.record.listeners.append(self._look)
        self.hosts: dict[str, DesktopSurface] = {}
        self._lacking = ""
        self._connected_ns: dict[str, int] = {}
        self._stirred_ns = 0

    def _look(self, op: Op) -> None:
        """When sessions connected; and what a server lost is gone for good when nobody else has it."""
        if op.f in ("connect", "subscribe", "reject") and op.replica is not None:
            self._stirred_ns = op.t_ns
        if op.f == "connect" and op.phase == "ok" and op.replica is not None:
            self._connected_ns[op.replica] = op.t_ns
        lost = op.f == "restart" and op.replica is None and unpack(op, Restarted).how in ("restore", "wipe")
        if lost and self.scene.runtime is None:
            self.acknowledged.clear()

    @property
    def runtime(self) -> RuntimeSurface:
        if self.scene.runtime is None:
            raise SubjectError("the runtime was not started")
        return self.scene.runtime

    async def up(
        self, *, sessions: int, streams: int, processes: int = 1, ttl_s: int | None = None, runtime: bool = True
    ) -> None:
        """Control, runtime, and sessions spread over desktop processes; then steady state: some events everywhere."""
        await self.scene.start_control()
        if runtime:
            await self.scene.start_runtime()
        self.streams = await self.scene.open_streams(streams)
        for number in range(processes):
            await self.scene.start_desktop(f"desktop-{number + 1}")
        names = [f"d{number + 1}" for number in range(sessions)]
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(names):
                group.create_task(self.join(name, f"desktop-{number % processes + 1}", ttl_s=ttl_s))
        await self.send(self.events.events(self.streams, each=WARM_UP))
        await self.settle("steady state before the faults")

    async def up_alone(self, *, streams: int) -> None:
        """The runtime and nobody else of the subject: what becomes of its events our own observer sees, live."""
        await self.scene.start_runtime()
        self.streams = await self.scene.open_streams(streams)
        self.replicas[FOLLOWER] = (await self.scene.follow(self.streams)).replica
        await self.send(self.events.events(self.streams, each=WARM_UP))
        await self.settle("steady state before the faults")

    async def join(
        self, name: str, process: str = "desktop-1", *, ttl_s: int | None = None, twice: bool = False
    ) -> Replica:
        """One more session; `twice`: it asks for each stream two times over."""
        desktop = self.scene.desktops[process]
        session, identity = await self.scene.sign_in(f"device-{name}", self.streams)
        asked = [*self.streams, *self.streams] if twice else self.streams
        replica = await desktop.open(name, session, identity, asked, ttl_s=ttl_s)
        self.replicas[name], self.hosts[name] = replica, desktop
        return replica

    def event(self) -> Sent:
        """The next event, on a stream of the seed's choice."""
        return self.events.event(self.scene.rng.choice(self.streams))

    async def send(self, events: list[Sent]) -> None:
        """Publish, and remember what was acknowledged."""
        if self.scene.runtime is None:
            appender = self.scene.appender()
            for event in events:
                if await appender.append(event) == "ok":
                    self.acknowledged[event.key] = event.stream, None
            return
        for event, said in zip(by_stream(events), await publish(self.runtime, events), strict=True):
            if said.phase == "ok":
                self.acknowledged[event.key] = event.stream, said.seq

    async def _send_times(self, event: Sent, times: int) -> None:
        for _ in range(times):
            await self.send([event])

    @contextlib.asynccontextmanager
    async def traffic(self, *, per_s: float, again: int = 0) -> AsyncIterator[None]:
        """Publishes at a steady pace while the body runs: each on its own, so that a slow answer holds up nothing. Each
        `again`-th event is sent once more under its key when it was answered, as by a client that did not hear."""
        under_way: set[asyncio.Task[None]] = set()

        async def keep_sending() -> None:
            began, count = time.monotonic_ns(), 0
            while True:
                count += 1
                times = 2 if again and count % again == 0 else 1
                task = asyncio.create_task(self._send_times(self.event(), times))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                await until(began + int(count * 1e9 / per_s))

        sending = asyncio.create_task(keep_sending(), name="traffic")
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, *under_way, return_exceptions=True)

    async def under(self, nemesis: Nemesis, *, per_s: float, again: int = 0) -> None:
        """The middle and the end of the frame: all windows under traffic, then everything recovers."""
        async with self.traffic(per_s=per_s, again=again):
            await nemesis.play()
        await self.recover()

    async def settle(self, what: str) -> bool:
        """Wait until what was acknowledged is in the server and in every replica."""
        try:
            await wait_until(self._everywhere, timeout_ms=CATCH_UP_MS, what=what)
        except WaitedTooLong as error:
            self.scene.record.op("lab", "settle", "info", error=f"{error}: {self._lacking}")
            return False
        self.scene.record.op("lab", "settle")
        return True

    async def _everywhere(self) -> bool:
        held = await self.scene.observer.events(self.streams)
        self._lacking = self._lacking_in(held)
        return not self._lacking

    def _lacking_in(self, held: list[Event]) -> str:
        """What keeps the scene from being settled; "" when nothing does."""
        there = {event.key for event in held}
        absent = [key for key, place in self.acknowledged.items() if key not in there and not self._pruned(*place)]
        if absent:
            return f"{len(absent)} acknowledged events are not in the server"
        heads = heads_of(held)
        for name, replica in self.replicas.items():
            behind = [stream for stream, head in heads.items() if replica.applied_seq(stream) != head]
            if behind:
                at = replica.applied_seq(behind[0])
                return f"{name} is at seq {at} of {behind[0]}, the server at {heads[behind[0]]}"
        return ""

    def _pruned(self, stream: str, seq: int | None) -> bool:
        """Whether the scene itself took this event away, as far as can be known."""
        floor = self.scene.floors.get(stream, 0)
        return floor > 0 and (seq is None or seq <= floor)

    async def keep_data(self) -> None:
        """Keep a copy of the server's data as they are now, to be put back later. Call it after idleness."""
        self.scene.lab.data_heads = await self.scene.observer.heads()
        await self.scene.lab.keep_data()

    async def server_gone(self) -> bool:
        return not self.scene.lab.server.process.alive

    async def recover(self, *, calm_ms: int = 0) -> None:
        """After the last heal: everything acknowledged is everywhere, a fresh event arrives live, all is read. With
        `calm_ms`, each session is probed right after one of its reconnects: one whose tokens are short changes its
        socket every few seconds, and what comes in between comes by snapshot without any fault."""
        settled = await self.settle("everything acknowledged to be everywhere after the last heal")
        arrived = await self._probe_all(calm_ms)
        if settled and arrived:
            await self.settle("rest after the last publish, so that the outbox may be judged")
        await self.read()

    async def _probe_all(self, calm_ms: int) -> bool:
        """Whether a fresh event came live to every session."""
        if not calm_ms:
            await self._still()
            return await self.probe(tuple(self.replicas))
        left, arrived = set(self.replicas), True
        while left:
            calm = await self._calm(left, calm_ms)
            arrived = await self.probe(calm) and arrived
            left.difference_update(calm)
        return arrived

    async def _still(self) -> None:
        """Wait until no session has connected, subscribed or refused anything for a while, or the limit: one that is
        asking for its rows again after the last fault gets what comes meanwhile by snapshot, rightly."""

        async def still() -> bool:
            return time.monotonic_ns() - self._stirred_ns > STILL_MS * 1_000_000

        with contextlib.suppress(WaitedTooLong):  # a session that never comes to rest fails by its probe
            await wait_until(still, timeout_ms=PROBE_WITHIN_MS, what="the sessions to be still")

    async def _calm(self, left: set[str], calm_ms: int) -> tuple[str, ...]:
        """Which of these sessions connected so recently that they will stay; all of them at the limit."""

        async def some() -> tuple[str, ...]:
            since = time.monotonic_ns() - calm_ms * 1_000_000
            return tuple(sorted(name for name in left if self._connected_ns.get(name, 0) > since))

        try:
            return await wait_until(some, timeout_ms=PROBE_WITHIN_MS, what="sessions that have just connected")
        except WaitedTooLong:
            return tuple(sorted(left))

    async def probe(self, names: tuple[str, ...]) -> bool:
        """A fresh event after the heal must arrive live at these sessions."""
        event = self.event()
        begun = self.scene.record.op(
            "gate", "probe", "invoke", stream=event.stream, key=event.key, data=Probed(names, PROBE_WITHIN_MS)
        )

        async def live() -> bool:
            # Offered again under its key until it is taken: one that is slow to come back has so long, too.
            if event.key not in self.acknowledged:
                await self.send([event])
            return event.key in self.acknowledged and all(self._has(name, event.key) for name in names)

        try:
            await wait_until(live, timeout_ms=PROBE_WITHIN_MS, what="the fresh event to be everywhere")
        except WaitedTooLong as error:
            self.scene.record.op("gate", "probe", "info", op=begun.index, error=str(error))
            return False
        self.scene.record.op("gate", "probe", op=begun.index, stream=event.stream, key=event.key)
        return True

    def _has(self, name: str, key: str) -> bool:
        return any(event.key == key for state in self.replicas[name].state.values() for event in state.events[-8:])

    def latencies(self, names: list[str]) -> tuple[list[float], list[float]]:
        """ms from publish to apply at these sessions: of events sent before the first fault, and of those sent while
        it was on."""
        before, during, sent, place = list[float](), list[float](), dict[str, int](), "before"
        begun: dict[str, str] = {}
        for op in self.scene.record.history().ops:
            if op.f in ("fault_on", "fault_off"):
                place = "during" if op.f == "fault_on" and place == "before" else "after"
            elif op.f == "publish" and op.phase == "invoke" and op.key is not None:
                sent[op.key], begun[op.key] = op.t_ns, place
            elif op.f == "apply" and op.replica in names and op.key in sent:
                series = {"before": before, "during": during}.get(begun[op.key])
                if series is not None:
                    series.append((op.t_ns - sent[op.key]) / 1e6)
        return before, during

    async def presence(self, when: str, *, gone: list[str], live: list[str] | None = None) -> None:
        """A reading of the presence rows once they agree with what is live (by default all sessions)."""
        alive = live if live is not None else [r.connection for r in self.replicas.values() if r.connection]
        rows: list[str] = []

        async def agrees() -> bool:
            rows[:] = await self.scene.observer.presence_rows()
            present = self.scene.observer.rows_of(alive)
            return present <= set(rows) and not (self.scene.observer.rows_of(gone) - present) & set(rows)

        with contextlib.suppress(WaitedTooLong):  # the reading itself says it
            await wait_until(agrees, timeout_ms=PRESENCE_MS, what=f"presence {when}")
        self.scene.observer.presence(rows, alive, gone, settled=True)

    async def read(self) -> None:
        """The final read of the server and of every session, and the runtime's counters."""
        await self.scene.observer.final_read([*self.streams, *self.aside])
        if self.scene.runtime is not None:
            await self._outbox_empty()
            await self.runtime.counters()  # after the server's rows, so that they can be compared
        for name, replica in self.replicas.items():
            if name not in self.hosts:
                final_read_of(self.scene.record, replica, "")
                continue
            ours, said = await self.scene.read_replica(self.hosts[name], name)
            if ours:  # unknown for a replica that began at a floor
                clause = f"{name} claims the state hash of what it applied"
                self.scene.record.expect("desktop", clause, ours, said)

    async def _outbox_empty(self) -> None:
        """What is in the server may still be in the outbox: its reply was lost, and the runtime has yet to look."""

        async def empty() -> bool:
            return await self.runtime.outbox() == 0

        with contextlib.suppress(WaitedTooLong):  # the counters say so too
            await wait_until(empty, timeout_ms=OUTBOX_MS, what="the outbox to be empty")


def by_stream(events: list[Sent]) -> list[Sent]:
    """The order in which `publish` answers: stream by stream."""
    streams = dict.fromkeys(event.stream for event in events)
    return [event for stream in streams for event in events if event.stream == stream]
