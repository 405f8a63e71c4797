"""Writes that meet trouble of their own: a second writer, an event that cannot be taken, a disk without room."""

from __future__ import annotations

import asyncio
import contextlib
import time
from random import Random

from chaos.drill import SAFETY, drill
from chaos.faults import DiskFull, Latency, LostReply, ProxyDown
from chaos.nemesis import Nemesis
from chaos.schedule import Window, in_turn
from chaos.stage import Stage
from harness.surfaces.web import NoAnswer
from harness.wait import until
from harness.wire.http import HttpClient
from harness.workload.appends import Appender
from harness.workload.traffic import Sent, contradicting

MAX_TRIES = 40  # of one append in a race of two: each refusal means that the other one went forward
RACE_PER_S = 12.0
DISK_KB = 8 * 1024  # a store and its log of a few hundred events, and little more


def _race(rng: Random, profile: str) -> list[Window]:
    """The second writer's way is slow, then loses its replies."""
    faults = [(Latency(ms=rng.randint(40, 120)), "writer"), (LostReply(), "writer")]
    return in_turn(rng, faults, shortest_ms=1_500, longest_ms=2_000)


@drill(
    "chaos/two-writers",
    schedule=_race,
    checkers=SAFETY,
    floors={"append": 60, "apply": 120, "final_read": 180},
)
async def test_two_writers(stage: Stage, nemesis: Nemesis) -> None:
    """Two writers race for the same streams, each expecting the seq that it read: one of them wins each place, the
    other is refused and tries again; every accepted event is there once, in the order of its acknowledgement."""
    await stage.up(sessions=2, streams=2, runtime=False)
    scene = stage.scene
    path = await scene.lab.path("writer")
    async with HttpClient(path.url, scene.lab.owner.token) as slow:
        over = asyncio.Event()
        writers = (scene.appender(), scene.appender(http=slow))
        racing = [asyncio.create_task(_write(stage, writer, over)) for writer in writers]
        try:
            await nemesis.play()
        finally:
            over.set()
            await asyncio.gather(*racing, return_exceptions=True)
    await stage.recover()


async def _write(stage: Stage, appender: Appender, over: asyncio.Event) -> None:
    """One writer at its pace; what it began it ends, so that nothing is still on its way when the replicas are read."""
    began, count = time.monotonic_ns(), 0
    while not over.is_set():
        count += 1
        await _place(stage, appender, stage.event())
        await until(began + int(count * 1e9 / RACE_PER_S))


async def _place(stage: Stage, appender: Appender, event: Sent) -> None:
    """Read the head, append behind it, and again when the other writer was there first."""
    for _ in range(MAX_TRIES):
        heads = await stage.scene.observer.heads()
        phase = await appender.append(event, heads.get(event.stream, 0) + 1)
        if phase == "ok":
            stage.acknowledged[event.key] = event.stream, None
            return
        if phase == "info" and event.key in {held.key for held in await stage.scene.observer.events([event.stream])}:
            return  # its reply was lost, and it is there


def _outage(rng: Random, profile: str) -> list[Window]:
    return in_turn(rng, [(ProxyDown(), "runtime")], shortest_ms=1_200, longest_ms=1_800)


@drill(
    "chaos/poison-message",
    schedule=_outage,
    checkers=SAFETY,
    floors={"publish": 35, "apply": 70, "final_read": 105, "request": 2},
)
async def test_poison_message(stage: Stage, nemesis: Nemesis) -> None:
    """An event that the server will never take (its key is known there with other content) is in the runtime's outbox:
    what comes behind it in its stream goes on, and it is told somewhere, not lost silently."""
    await stage.up(sessions=2, streams=2)
    elsewhere = stage.scene.streams(1, prefix="signoff.elsewhere")[0]
    stage.aside.append(elsewhere)
    taken = stage.events.event(elsewhere)
    stage.scene.record.expect("server", "the key is taken elsewhere", "ok", await stage.scene.appender().append(taken))
    async with stage.traffic(per_s=20):
        playing = asyncio.create_task(nemesis.play())
        await _poison(stage, taken)
        await playing
    await stage.recover()


async def _poison(stage: Stage, taken: Sent) -> None:
    """Offered to the runtime under the taken key, into a stream of the traffic. It may refuse it at once (the better
    way) or take it and park it; it is not counted among the acknowledged ones."""
    poison = contradicting(taken)
    variables = stage.runtime.event_variables(stage.streams[0], poison.payload, poison.idem_key)
    with contextlib.suppress(NoAnswer):
        reply = await stage.runtime.fast.perform(stage.runtime.config.publish, variables)
        told = "an answer" if reply.expected or 400 <= reply.status < 500 else f"status {reply.status}"
        stage.scene.record.expect("runtime", "the poison is taken or refused, with an answer", "an answer", told)


def _full(rng: Random, profile: str) -> list[Window]:
    return in_turn(rng, [(DiskFull(), "runtime")] * 2, shortest_ms=1_500, longest_ms=2_000, pause_ms=(1_000, 1_500))


@drill(
    "chaos/disk-full",
    schedule=_full,
    checkers=SAFETY,
    floors={"publish": 40, "apply": 80, "final_read": 120},
)
async def test_disk_full(stage: Stage, nemesis: Nemesis) -> None:
    """The runtime's store has no room: what it cannot keep it does not acknowledge; afterwards it goes on by itself."""
    stage.scene.small_disk("runtime", DISK_KB)
    await stage.up(sessions=2, streams=2)
    await stage.under(nemesis, per_s=25)
