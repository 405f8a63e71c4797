"""Falsification (b): what is done to a judged subject so that its gate must go red.

The publish gates lead every path of the subject to a decoy, a full twin of the server; the route
gates put an interposer in the subject's place for one retired route; a command goes over a subscription socket.
"""

from __future__ import annotations

from harness.errors import SubjectError
from harness.gate import Sabotage
from harness.lab.middlebox import answers
from harness.scenario import Scenario
from harness.surfaces.events import event_of_row
from harness.surfaces.service import Service
from harness.wait import wait_until
from harness.wire.client import Subscription
from harness.wire.messages import call_reducer, subscribe_multi
from harness.workload.traffic import Traffic, publish

DECOY_TIMEOUT_MS = 15_000
DECOY_EVENTS = 3


async def _lead_to_decoy(scene: Scenario) -> None:
    """The subject goes on as before, and what it acknowledges lands elsewhere: I1 at the true server."""
    runtime = scene.runtime
    if runtime is None:
        raise SubjectError("the decoy needs a runtime")
    twin, http = await scene.lab.twin()
    await scene.lab.lead_to(twin)
    scene.record.op("lab", "fault_on", fault="decoy")
    (stream,) = await scene.open_streams(1, prefix="runtime.decoy")
    traffic = Traffic(scene.rng, f"{scene.nonce}-decoy")
    events = [traffic.event(stream) for _ in range(DECOY_EVENTS)]
    await publish(runtime, events)
    tables, hashing = scene.config.module.tables, scene.config.hash
    keys = {event.key for event in events}

    async def one_is_there() -> bool:
        """Any of them: a subject that kept its connection open may lose the first request with it."""
        rows = await http.sql(scene.lab.database, f"SELECT * FROM {tables.events.name}")
        return any(event_of_row(row, tables, hashing).key in keys for row in rows)

    await wait_until(one_is_there, timeout_ms=DECOY_TIMEOUT_MS, what="the decoy to receive an event")
    await scene.observer.final_read([stream])


DECOY = Sabotage("decoy", "I1", _lead_to_decoy)


async def _command_on_the_socket(scene: Scenario) -> None:
    """A socket on the desktops' own path subscribes, as they do, and then calls a reducer over it: I17."""
    events = scene.config.module.tables.events.name
    scene.record.op("lab", "fault_on", fault="command-frame")
    url = scene.lab.paths["desktop"].url
    async with await Subscription.open(url, scene.lab.database, scene.lab.owner.token) as socket:
        await socket.send(subscribe_multi((f"SELECT * FROM {events}",), request_id=1, query_id=1))
        await socket.receive()
        await socket.send(call_reducer("heartbeat", [], request_id=2))
        await socket.receive()


COMMAND_FRAME = Sabotage("command-frame", "I17", _command_on_the_socket)


def answered_route(surface: str) -> Sabotage:
    """One retired route answers again, because an interposer answers in the subject's place: I17."""

    async def play(scene: Scenario) -> None:
        service: Service | None = scene.control if surface == "control" else scene.runtime
        if service is None or not service.retired:
            raise SubjectError(f"{surface} has no retired routes to answer")
        route = service.retired[0].path
        scene.record.op("lab", "fault_on", fault=f"answered {route}")
        service.place.interpose(answers({("GET", route): (200, '{"data":[]}')}))
        await service.probe_ready()
        await service.probe("GET", route, retired=True)
        service.place.interpose(None)

    return Sabotage("answered-route", "I17", play)
