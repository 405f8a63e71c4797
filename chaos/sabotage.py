"""Falsification (b) of the drills: what stands between the server and the judged desktops, so that a gate must go red.

@drill(..., sabotages=[DOUBLED, SUPPRESSED])
"""

from __future__ import annotations

import asyncio

from chaos.faults import Frames
from chaos.frames import Altering
from harness.errors import SubjectError
from harness.gate import Sabotage
from harness.scenario import Scenario
from harness.surfaces.events import heads_of
from harness.wait import wait_until
from harness.workload.traffic import Traffic, publish

EVENTS = 3
ARRIVED_TIMEOUT_MS = 10_000


def _twice(line: bytes) -> tuple[bytes, ...]:
    return (line, line) if b'"apply"' in line else (line,)


async def _double(scene: Scenario) -> None:
    """What one desktop says of each apply is heard twice. A right one never applies twice, whatever comes to it; so
    what is doubled here is what it says, and I2 must fire."""
    runtime = scene.runtime
    if runtime is None or not scene.desktops:
        raise SubjectError("doubling needs a runtime and a desktop")
    desktop = next(iter(scene.desktops.values()))
    replica = next(iter(desktop.replicas.values()))
    stream = replica.streams[0]
    desktop.interposed = _twice  # type: ignore[method-assign]
    scene.record.op("lab", "fault_on", fault="doubled applies")
    traffic = Traffic(scene.rng, f"{scene.nonce}-doubled")
    await publish(runtime, [traffic.event(stream) for _ in range(EVENTS)])

    async def applied() -> bool:
        head = heads_of(await scene.observer.events([stream])).get(stream, 0)
        return head >= EVENTS and replica.applied_seq(stream) >= head

    await wait_until(applied, timeout_ms=ARRIVED_TIMEOUT_MS, what="the doubled events to be applied")
    await scene.observer.final_read([stream])
    await scene.read_replica(desktop, replica.name)
    del desktop.interposed  # what comes after this hears as before


DOUBLED = Sabotage("doubled-applies", "I2", _double)


async def _suppress(scene: Scenario) -> None:
    """Every update to every desktop is dropped. The events are acknowledged and in the server, and no replica can know
    of them: they are missing in its final read (I1), or it is not believed to have caught up."""
    runtime = scene.runtime
    if runtime is None or not scene.desktops:
        raise SubjectError("suppressing needs a runtime and desktops")
    stream = next(iter(next(iter(scene.desktops.values())).replicas.values())).streams[0]
    altering = Altering(Frames("drop", every=1), scene.crossing.box, asyncio.get_running_loop())
    scene.crossing.box.alter = altering
    scene.record.op("lab", "fault_on", fault="suppressed frames")
    traffic = Traffic(scene.rng, f"{scene.nonce}-suppressed")
    events = [traffic.event(stream) for _ in range(EVENTS)]
    await publish(runtime, events)

    async def there() -> bool:
        held = {event.key for event in await scene.observer.events([stream])}
        return held.issuperset(event.key for event in events) and bool(altering.times_ns)

    await wait_until(there, timeout_ms=ARRIVED_TIMEOUT_MS, what="the suppressed events to be in the server")
    await scene.observer.final_read([stream])
    for desktop in scene.desktops.values():
        for name in desktop.replicas:
            await scene.read_replica(desktop, name)


SUPPRESSED = Sabotage("suppressed-frames", "I1", _suppress)
