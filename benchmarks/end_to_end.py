"""Events per second and latency from runtime to desktop, beside the floor that the bare server allows.

Two phases on one lab with the reference subject. Throughput: events on many streams as fast as the runtime
acknowledges them, applied by every desktop session. Paced: a modest rate on an otherwise idle system, for
latency, which runs from the harness's invocation of the publish to the desktop's report of the apply. Beside
each, in the same run and on the same server, the floor: one bare HTTP caller of the append reducer, one call
after another, and one bare WebSocket subscriber, both on the server's own port. The ratios say what the
subject and the lab's relays cost, and depend less on the machine than the figures do.

Everything is bounded in count and time, and stays on loopback. An event that is missing at a session, or
that came twice, ends the benchmark with exit 1: the figures of a broken system mean nothing.

    python benchmarks/end_to_end.py --json end_to_end.json
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import described, machine, percentile, table, write_json  # noqa: E402
from harness.history import History  # noqa: E402
from harness.loading import load  # noqa: E402
from harness.runner import prepare  # noqa: E402
from harness.scenario import Scenario  # noqa: E402
from harness.surfaces.replica import Replica  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.wire.client import Subscription  # noqa: E402
from harness.wire.http import HttpClient  # noqa: E402
from harness.wire.messages import SubscribeMultiApplied, TransactionUpdate, subscribe_multi  # noqa: E402
from harness.workload.appends import append_args, append_call  # noqa: E402
from harness.workload.traffic import Sent, Traffic, publish  # noqa: E402

REFERENCE = ROOT / "fixtures" / "reference" / "signoff.toml"
STREAMS, PACED_STREAMS, SESSIONS = 20, 4, 4
MAX_EVENTS = 20_000
WHOLE_TIMEOUT_S = 300
ARRIVAL_TIMEOUT_MS = 60_000


class Figures(TypedDict):
    """Of one way in one phase. `per_s` counts events from the first invocation to the last arrival."""

    events: int
    seconds: float
    per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Times:
    """Seconds on one monotonic clock: per event its invocation, and each (event, receiver) its arrival."""

    begun: dict[str, float]
    arrived: dict[tuple[str, str], float]

    def figures(self) -> Figures:
        waits_ms = [(when - self.begun[key]) * 1000 for (_, key), when in self.arrived.items()]
        seconds = max(self.arrived.values()) - min(self.begun.values())
        return Figures(
            events=len(self.begun),
            seconds=round(seconds, 3),
            per_s=round(len(self.begun) / seconds, 1),
            p50_ms=round(percentile(waits_ms, 50), 2),
            p99_ms=round(percentile(waits_ms, 99), 2),
            max_ms=round(max(waits_ms), 2),
        )


def times_of(history: History, keys: set[str], sessions: int) -> Times:
    """From the history's own stamps. ValueError unless each session applied each event exactly once."""
    begun = {op.key: op.t_ns / 1e9 for op in history.of("publish") if op.phase == "invoke" and op.key in keys}
    applied = [op for op in history.of("apply") if op.key in keys]
    arrived = {(str(op.replica), str(op.key)): op.t_ns / 1e9 for op in applied}
    twice = [pair for pair, count in Counter((op.replica, op.key) for op in applied).items() if count > 1]
    if twice or len(arrived) != len(keys) * sessions:
        raise ValueError(f"{len(arrived)} of {len(keys) * sessions} events applied, {len(twice)} of them twice")
    return Times({str(key): when for key, when in begun.items()}, arrived)


class Floor:
    """A bare caller and a bare subscriber of one stream, as the database's owner, past all relays."""

    def __init__(self, scene: Scenario, http: HttpClient, socket: Subscription) -> None:
        self._scene, self._http, self._socket = scene, http, socket
        self.times = Times({}, {})

    @classmethod
    async def open(cls, scene: Scenario, http: HttpClient, socket: Subscription, stream: str) -> Floor:
        names = scene.config.module.tables.events
        query = f"SELECT * FROM {names.name} WHERE {names.stream} = '{stream}'"
        await socket.send(subscribe_multi((query,), request_id=1, query_id=1))
        while not isinstance(await socket.receive(), SubscribeMultiApplied):
            pass
        return cls(scene, http, socket)

    async def call(self, event: Sent) -> None:
        """One append, answered. Rows come in the order of the calls: the subscriber need not look into them."""
        append = append_call(self._scene.config)
        args = append_args(self._scene.config, self._scene.variables(), event)
        self.times.begun[event.key] = time.monotonic()
        await self._http.call(self._scene.lab.database, append.reducer, args)

    async def receive(self, keys: list[str]) -> None:
        for key in keys:
            while not isinstance(await self._socket.receive(), TransactionUpdate):
                pass
            self.times.arrived[("bare", key)] = time.monotonic()


Each = Callable[[Sent], Awaitable[object]]


async def paced(events: list[Sent], per_s: float, each: Each) -> None:
    """One event at a time, at this rate or slower: the only pauses here."""
    start = time.monotonic()
    for number, event in enumerate(events):
        await asyncio.sleep(max(0.0, start + number / per_s - time.monotonic()))
        await each(event)


async def floor_of(scene: Scenario, traffic: Traffic, count: int, rate: float | None) -> Figures:
    """`count` bare calls one after another, at full speed or at this rate."""
    (stream,) = scene.streams(1, prefix=f"floor.{'full' if rate is None else 'paced'}")
    server, token, database = scene.lab.server.url, scene.lab.owner.token, scene.lab.database
    events = [traffic.event(stream) for _ in range(count)]
    async with HttpClient(server, token) as http, await Subscription.open(server, database, token) as socket:
        floor = await Floor.open(scene, http, socket, stream)
        async with asyncio.TaskGroup() as group:
            group.create_task(floor.receive([event.key for event in events]))
            if rate is None:
                for event in events:
                    await floor.call(event)
            else:
                await paced(events, rate, floor.call)
        return floor.times.figures()


async def subject_of(
    scene: Scenario, phase: str, events: list[Sent], streams: list[str], rate: float | None
) -> tuple[Figures, float]:
    """The way through the whole lab; its figures, and the events that the runtime acknowledged per second."""
    assert scene.runtime is not None
    runtime = scene.runtime
    desktop = await scene.start_desktop(f"desktop-{phase}")
    replicas: list[Replica] = []
    for number in range(SESSIONS):
        name = f"{phase}-{number}"
        session, identity = await scene.sign_in(f"device-{name}", streams)
        replicas.append(await desktop.open(name, session, identity, streams))
    begun = time.monotonic()
    if rate is None:
        await publish(runtime, events)
    else:
        await paced(events, rate, lambda event: runtime.publish(event.stream, event.payload, event.idem_key))
    acknowledged_per_s = len(events) / (time.monotonic() - begun)

    async def all_there() -> bool:
        return all(sum(replica.applied_seq(stream) for stream in streams) >= len(events) for replica in replicas)

    await wait_until(all_there, timeout_ms=ARRIVAL_TIMEOUT_MS, what=f"{len(events)} events at {SESSIONS} sessions")
    await desktop.stop()
    keys = {event.key for event in events}
    return times_of(scene.record.history(), keys, SESSIONS).figures(), round(acknowledged_per_s, 1)


async def measure(count: int, paced_count: int, rate: float) -> dict[str, object]:
    """Both phases, each beside its floor, on one lab."""
    setup = prepare(load(REFERENCE))
    with tempfile.TemporaryDirectory(prefix="signoff-") as out:
        async with asyncio.timeout(WHOLE_TIMEOUT_S), Scenario(setup, "end-to-end", out=Path(out)) as scene:
            traffic = Traffic(scene.rng, scene.nonce)
            await scene.start_control()
            await scene.start_runtime()
            paced_floor = await floor_of(scene, traffic, paced_count, rate)
            streams = scene.streams(PACED_STREAMS, prefix="paced")
            quiet, _ = await subject_of(
                scene, "paced", [traffic.event(streams[n % PACED_STREAMS]) for n in range(paced_count)], streams, rate
            )
            full_floor = await floor_of(scene, traffic, count, None)
            streams = scene.streams(STREAMS, prefix="full")
            full, acknowledged = await subject_of(
                scene, "full", [traffic.event(streams[n % STREAMS]) for n in range(count)], streams, None
            )
    return {
        "throughput": {"subject": full, "floor": full_floor, "runtime_acknowledged_per_s": acknowledged},
        "paced": {"subject": quiet, "floor": paced_floor, "rate_per_s": rate},
        "ratios": {
            "throughput_subject_to_floor": round(full["per_s"] / full_floor["per_s"], 2),
            "paced_p50_subject_to_floor": round(quiet["p50_ms"] / paced_floor["p50_ms"], 2),
            "paced_p99_subject_to_floor": round(quiet["p99_ms"] / paced_floor["p99_ms"], 2),
        },
    }


def shown(result: dict[str, object]) -> str:
    """The table and the ratios; plain text."""
    rows = []
    for phase in ("throughput", "paced"):
        ways = result[phase]
        assert isinstance(ways, dict)
        for way, name in (("subject", "runtime to desktops"), ("floor", "bare server")):
            found = ways[way]
            numbers = [f"{found[figure]:.1f}" for figure in ("per_s", "p50_ms", "p99_ms", "max_ms")]
            rows.append([f"{phase}: {name}", str(found["events"]), *numbers])
    ratios = result["ratios"]
    assert isinstance(ratios, dict)
    lines = [table(["", "events", "events/s", "p50 ms", "p99 ms", "max ms"], rows)]
    lines += [f"{name.replace('_', ' ')}: {value:.2f}" for name, value in ratios.items()]
    throughput = result["throughput"]
    assert isinstance(throughput, dict)
    lines.append(f"the runtime acknowledged {throughput['runtime_acknowledged_per_s']:.0f} events/s")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description="Time events from runtime to desktop beside the bare server.")
    options.add_argument("--events", type=int, default=2_000, help="of the throughput phase")
    options.add_argument("--paced-events", type=int, default=300)
    options.add_argument("--rate", type=float, default=20.0, help="events per second of the paced phase")
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    chosen = options.parse_args()
    if not (1 <= chosen.events <= MAX_EVENTS and 1 <= chosen.paced_events <= MAX_EVENTS and chosen.rate > 0):
        options.error(f"events must be from 1 to {MAX_EVENTS}, the rate above 0")
    where = machine()
    try:
        result = asyncio.run(measure(chosen.events, chosen.paced_events, chosen.rate))
    except ValueError as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 1
    print(f"{STREAMS} streams, {SESSIONS} desktop sessions, paced at {chosen.rate:g} events/s; {described(where)}")
    print(shown(result))
    if chosen.json:
        write_json(chosen.json, {"machine": where, **result})
    return 0


if __name__ == "__main__":
    sys.exit(main())
