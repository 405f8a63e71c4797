"""What the gates of the wire have in common: a scene with a desktop in it, and what crossed its paths by HTTP.

found = await live(scene, streams=2)
await found.publish(each=4)
polled(scene)     # []: nothing but the subscription socket and the token route
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import ConfigError
from harness.history import FrameSeen, unpack
from harness.lab.requests import Request
from harness.scenario import Scenario
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.replica import Replica
from harness.surfaces.runtime import RuntimeSurface
from harness.wait import WaitedTooLong, wait_until
from harness.workload.traffic import Traffic, publish

RECONNECT_TIMEOUT_MS = 15_000
# crates/client-api/src/routes/subscribe.rs at v1.2.0 and v2.8.3.
PROTOCOLS = (
    "v1.json.spacetimedb",
    "v1.bsatn.spacetimedb",
    "v2.bsatn.spacetimedb",
    "v3.bsatn.spacetimedb",
)


@dataclass
class Live:
    """A runtime, a desktop with one session, and how many events they have been given."""

    scene: Scenario
    runtime: RuntimeSurface
    desktop: DesktopSurface
    replica: Replica
    streams: list[str]
    traffic: Traffic
    count: int = 0

    async def publish(self, each: int) -> None:
        """`each` events for each stream, without waiting for them."""
        await publish(self.runtime, self.traffic.events(self.streams, each=each))
        self.count += each * len(self.streams)

    async def settle(self) -> bool:
        return await self.scene.settle(self.streams, self.count, [self.replica])


async def live(scene: Scenario, *, streams: int = 2, before: int = 3) -> Live:
    """All three surfaces; `before` events for each stream, which the desktop gets as a snapshot."""
    await scene.start_control()
    runtime = await scene.start_runtime()
    names = await scene.open_streams(streams)
    traffic = Traffic(scene.rng, scene.nonce)
    await publish(runtime, traffic.events(names, each=before))
    await scene.settle(names, before * streams)
    desktop = await scene.start_desktop()
    session, identity = await scene.sign_in("device-1", names)
    replica = await desktop.open("d1", session, identity, names)
    found = Live(scene, runtime, desktop, replica, names, traffic, before * streams)
    await found.settle()
    return found


async def cut_off(live: Live) -> str:
    """End the desktop's connections from outside; the connection with which it came back, "" when it did not."""
    before = live.replica.connection
    await live.scene.lab.paths["desktop"].relay.drop()

    async def is_back() -> bool:
        now = live.replica.connection
        return now is not None and now != before

    try:
        await wait_until(is_back, timeout_ms=RECONNECT_TIMEOUT_MS, what="the desktop to connect again")
    except WaitedTooLong as error:
        live.scene.record.op("gate", "settle", "info", error=str(error))
        return ""
    return live.replica.connection or ""


def socket_requests(scene: Scenario) -> list[tuple[int, Request]]:
    """Requests for an upgrade on the desktops' path to the server."""
    return [(number, request) for number, request in scene.crossings["desktop"].asked if request.upgrades]


def polled(scene: Scenario) -> list[str]:
    """What crossed the desktops' paths and is neither the subscription socket nor the token route."""
    control = scene.config.control
    if control is None:
        raise ConfigError("the token route is not known: signoff.toml has no [control.mint]")
    route = (control.mint.method, control.mint.path)
    others = [f"{one.method} {one.path}" for _, one in scene.crossings["desktop"].asked if not one.upgrades]
    asked = (request for _, request in scene.crossings["desktop-control"].asked)
    return others + [f"{one.method} {one.path}" for one in asked if (one.method, one.path) != route]


def live_query_sets(scene: Scenario, connection: str | None) -> int:
    """How many sets of queries the desktop has in force on a connection, by what it sent."""
    count = 0
    for op in scene.record.history().of("frame"):
        seen = unpack(op, FrameSeen)
        if op.connection != connection or seen.direction != "to_server":
            continue
        if seen.kind == "Subscribe":
            count = 1  # the old message replaces whatever was there
        elif seen.kind in ("SubscribeSingle", "SubscribeMulti"):
            count += 1
        elif seen.kind in ("Unsubscribe", "UnsubscribeMulti"):
            count -= 1
    return count


def kinds_sent(scene: Scenario, connections: Sequence[str | None]) -> dict[str, int]:
    """Messages that desktops sent on these connections, by kind."""
    found: dict[str, int] = {}
    for op in scene.record.history().of("frame"):
        seen = unpack(op, FrameSeen)
        if op.connection in connections and seen.direction == "to_server":
            found[seen.kind] = found.get(seen.kind, 0) + 1
    return found
