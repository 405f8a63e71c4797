"""Falsification (b) of the drills: what stands between the server and the judged desktops, so that a gate must go red.

@drill(..., sabotages=[SUPPRESSED])
"""

from __future__ import annotations

import asyncio

from chaos.faults import Frames
from chaos.frames import Altering
from harness.errors import SubjectError
from harness.gate import Sabotage
from harness.scenario import Scenario
from harness.wait import wait_until
from harness.workload.traffic import Traffic, publish

EVENTS = 3
ARRIVED_TIMEOUT_MS = 10_000


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
