"""The runtime: what it acknowledges is in the server, once, under its key, and its old routes are gone."""

from __future__ import annotations

from collections.abc import Sequence

from gates.sabotage import DECOY, answered_route
from gates.seeds import RUNTIME_RETIRED, retired_routes
from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.checkers.legacy import LegacyLane
from harness.checkers.order import InconsistentOffset
from harness.checkers.writes import LostWrite
from harness.config import RetiredRoute
from harness.gate import gate
from harness.scenario import Scenario
from harness.surfaces.runtime import RuntimeSurface
from harness.surfaces.service import Service
from harness.workload.routes import spellings
from harness.workload.traffic import Sent, Traffic, contradicting, publish

STREAMS, EACH = 3, 10
REPEATS = 3


@gate(
    "runtime/publish-real",
    surfaces=["runtime"],
    checkers=[LostWrite(), HashMismatch(), InconsistentOffset(), ContractBroken()],
    floors={"publish": STREAMS * EACH, "final_read": STREAMS * EACH + 1, "request": 1},
    sabotages=[DECOY],
)
async def test_publish_real(scene: Scenario) -> None:
    """S-01: a random nonce published through the runtime's HTTP API is read back from the server itself."""
    runtime = await scene.start_runtime()
    streams = await scene.open_streams(STREAMS)
    events = Traffic(scene.rng, scene.nonce).events(streams, each=EACH)
    held = {event.key for event in await scene.observer.events(streams)}
    runtime.expect("before publishing, the server holds none of these events", 0, sum(e.key in held for e in events))
    await publish(runtime, events)
    await scene.settle(streams, STREAMS * EACH)
    await runtime.counters()
    await scene.observer.final_read(streams)


@gate(
    "runtime/idempotency",
    surfaces=["runtime"],
    checkers=[ContractBroken(), LostWrite(), HashMismatch(), InconsistentOffset()],
    floors={"publish": 3 * EACH + REPEATS, "final_read": 2 * EACH + 1, "request": 4 * EACH},
    sabotages=[DECOY],
)
async def test_idempotency(scene: Scenario) -> None:
    """S-07, C-06: the same key again is the same event, also after a restart; the same key with another
    payload is refused; nothing of it reaches the server twice, and new events after a restart do."""
    runtime = await scene.start_runtime()
    runtime.must_say("seq")
    (stream,) = streams = await scene.open_streams(1)
    traffic = Traffic(scene.rng, scene.nonce)
    events = [traffic.event(stream) for _ in range(EACH)]
    first = await publish(runtime, events)
    for event, before in zip(events, first, strict=True):
        again = await runtime.publish(event.stream, event.payload, event.idem_key)
        runtime.expect(f"{event.idem_key} again has the first seq", before.seq, again.seq)
    for event in events:
        await _refuse_other_payload(runtime, event)
    await scene.settle(streams, EACH)
    await runtime.child.stop()
    await scene.start_runtime()
    for event, before in list(zip(events, first, strict=True))[:REPEATS]:
        again = await runtime.publish(event.stream, event.payload, event.idem_key)
        runtime.expect(f"{event.idem_key} after a restart has the first seq", before.seq, again.seq)
    events += (later := [traffic.event(stream) for _ in range(EACH)])
    for said in await publish(runtime, later):
        is_new = (said.seq or 0) > EACH + scene.own_events(streams)
        runtime.expect("a new event after a restart is acknowledged under a new seq", True, is_new)
    await scene.settle(streams, 2 * EACH)
    held = await scene.observer.events(streams)
    for event in events:
        runtime.expect(f"{event.idem_key} is in the server once", 1, sum(e.key == event.key for e in held))
    await scene.observer.final_read(streams)


async def _refuse_other_payload(runtime: RuntimeSurface, event: Sent) -> None:
    """The attack: a known key with other content, under one nonce, must be a conflict, never an acknowledgement."""
    other = contradicting(event)
    said = await runtime.publish(other.stream, other.payload, other.idem_key)
    runtime.expect(f"{event.idem_key} with another payload is refused", "fail", said.phase)


@gate(
    "runtime/retired-routes",
    surfaces=["runtime"],
    checkers=[LegacyLane()],
    floors={"route": 40},
    sabotages=[answered_route("runtime")],
)
async def test_retired_routes(scene: Scenario) -> None:
    """S-08, C-08: retired runtime routes are gone, in every method and spelling."""
    runtime = await scene.start_runtime()
    await probe_retired(runtime, retired_routes(runtime.retired, RUNTIME_RETIRED))


async def probe_retired(
    service: Service, routes: Sequence[RetiredRoute], extra: tuple[tuple[str, str], ...] = ()
) -> None:
    """The live route as positive control, every retired route in every method and spelling, the live one again."""
    await service.probe_ready()
    for route in routes:
        for method in route.methods:
            await service.probe(method, route.path, retired=True)
        for path in spellings(route.path)[1:]:
            for method in ("GET", "HEAD", "POST"):
                await service.probe(method, path, retired=True)
    for method, path in extra:
        await service.probe(method, path, retired=True)
    await service.probe_ready()
