"""What is gathered when a story has ended: books of connections, the variants' markers, HTTP exchanges and frames.

There are three books of the connections to the server, each kept by another party (I16): what the lab's relays carried,
what the kernel's socket table showed, and how many WebSocket clients the server itself counts. A connection in the last
two that is not in the first went past its proxy.

    await keep_books(scene.record, scene.lab, scene.crossings.values(), own_sockets=2)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence

from harness.errors import WireError
from harness.evidence.exchanges import Exchange
from harness.evidence.frames import Frame
from harness.evidence.recorder import Recorder
from harness.history import Phase, SocketSeen
from harness.lab.topology import Lab
from harness.surfaces.child import MARKER_PREFIX, Child
from harness.surfaces.crossing import Crossing
from harness.surfaces.service import Service
from harness.surfaces.tail import frame_of


async def keep_books(record: Recorder, lab: Lab, crossings: Collection[Crossing], own_sockets: int) -> None:
    """Record all three. `own_sockets` are subscriptions that the harness itself opened through its witness relay."""
    carried = lab.carried
    for name, ports in carried.items():
        if ports:
            record.op("relay", "socket", data=SocketSeen(name, "carried", count=len(ports)))
    known = set().union(*carried.values())
    seen = lab.table.look()
    record.op("relay", "socket", data=SocketSeen("all", "table", count=len(seen & known)))
    for port in sorted(seen - known):
        text = f"a connection from local port {port} reached the server past its proxy"
        record.op("relay", "socket", "fail", data=SocketSeen("", "table", port), error=text)
    samples = await lab.http.metrics()
    spawned = sum(v for name, v in samples.items() if name.startswith("spacetime_worker_ws_clients_spawned"))
    # One that was cut before its greeting may have been a client to the server already.
    ours = sum(crossing.upgraded + len(crossing.box.unsure) for crossing in crossings) + own_sockets
    phase: Phase = "ok" if spawned <= ours else "fail"
    told = f"the server counts {spawned:g} WebSocket clients, the lab's paths carried {ours}"
    seen_by_server = SocketSeen("all" if phase == "ok" else "", "metric", count=int(spawned))
    record.op("relay", "socket", phase, data=seen_by_server, error=told if phase == "fail" else None)


async def note_markers(record: Recorder, children: Sequence[Child], lab: Lab | None) -> None:
    """Marker lines of defect variants, as they stand in the logs of the surfaces and of the module."""
    for child in children:
        for line in child.markers():
            record.op(child.name, "probe", "info", marker=line)
    if lab is None:
        return
    with contextlib.suppress(WireError):
        for line in await lab.http.module_log(lab.database):
            if MARKER_PREFIX in line:
                record.op("module", "probe", "info", marker=line[line.index(MARKER_PREFIX) :])


def exchanges_of(services: Sequence[Service], crossings: Mapping[str, Crossing]) -> list[Exchange]:
    """What the harness asked of the surfaces, and what these asked of the server on paths of their own."""
    own = [one for service in services for one in service.exchanges.all()]
    parts = [service.name for service in services if service.name in crossings]
    return own + [one for part in parts for one in crossings[part].exchanges(part)]


def frames_of(crossings: Mapping[str, Crossing]) -> Callable[[], list[Frame]]:
    """What crossed by WebSocket up to now, on each path. To be read later and only where somebody wants it."""
    kept = {path: crossing.tail.now() for path, crossing in crossings.items()}
    schema = next((crossing.schema for crossing in crossings.values() if crossing.schema is not None), None)
    return lambda: [frame_of(one, path, schema) for path, ones in kept.items() for one in ones]
