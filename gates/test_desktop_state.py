"""The desktop's state: the same rows give the same state, and what is on disk is what was applied."""

from __future__ import annotations

import random

from harness.checkers.contract import ContractBroken
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.writes import LostWrite
from harness.gate import gate
from harness.scenario import Scenario
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.replica import Replica
from harness.workload.shuffling import Shuffling
from harness.workload.traffic import Traffic, publish

SAFETY = [LostWrite(), DuplicateApply(), GapOrReorder(), CursorAhead(), HashMismatch(), InconsistentOffset()]
PLANS = ("as-it-came", "rows", "repeats", "turns")
STREAMS, SNAPSHOT, LIVE = 2, 20, 15
TOTAL = STREAMS * (SNAPSHOT + LIVE)
ALTERED = STREAMS * LIVE  # messages: there are three times as many updates on the sockets that are not left alone


@gate(
    "desktop/dedupe",
    checkers=[*SAFETY, ContractBroken()],
    floors={
        "publish": TOTAL,
        "deliver": (len(PLANS) + 1) * TOTAL,
        "apply": len(PLANS) * TOTAL,
        "final_read": (len(PLANS) + 1) * TOTAL,
        "request": 4 * len(PLANS),
    },
)
async def test_dedupe(scene: Scenario) -> None:
    """S-10, K-03: the same rows in any order, with any repeats, give the same applied sequence and state hash."""
    await scene.start_control()
    runtime = await scene.start_runtime()
    streams, traffic = scene.streams(STREAMS), Traffic(scene.rng, scene.nonce)
    await publish(runtime, traffic.events(streams, each=SNAPSHOT))
    await scene.settle(streams, STREAMS * SNAPSHOT)
    desktop = await scene.start_desktop()
    table = scene.config.module.tables.events.name
    shuffling = Shuffling(random.Random(scene.rng.randrange(1 << 32)), table=table, plans=PLANS)
    scene.crossing.box.alter = shuffling
    replicas: list[Replica] = []
    for number, plan in enumerate(PLANS):
        session, identity = await scene.sign_in(f"device-{number}", streams)
        replicas.append(await desktop.open(plan, session, identity, streams))
        scene.record.expect("middlebox", f"connection {number} has its plan", plan, _plan(scene, shuffling, plan))
    await publish(runtime, traffic.events(streams, each=LIVE))
    await scene.settle(streams, TOTAL, replicas[:1])
    for socket, payload in shuffling.held():
        scene.crossing.box.inject(socket, payload, crossed=True)
    await scene.settle(streams, TOTAL, replicas)
    scene.record.expect("middlebox", "messages went on otherwise than they came", True, shuffling.times >= ALTERED)
    await _same(scene, desktop, streams, replicas)


def _plan(scene: Scenario, shuffling: Shuffling, name: str) -> str:
    """What is done to the connection on which a session is now."""
    connection = next(desktop.replicas[name].connection for desktop in scene.desktops.values())
    number = scene.crossing.sockets.get(connection or "")
    return "gone" if number is None else shuffling.plan_of(number)


async def _same(scene: Scenario, desktop: DesktopSurface, streams: list[str], replicas: list[Replica]) -> None:
    """Each replica beside the one whose socket was left alone, and beside the server."""
    truth = await scene.observer.final_read(streams)
    told = {stream: _sequence(replicas[0], stream) for stream in streams}
    for replica in replicas:
        for stream in streams:
            same = _sequence(replica, stream) == told[stream]
            scene.record.expect("desktop", f"{replica.name} applied the same sequence of {stream}", True, same)
        ours = await scene.read_replica(desktop, replica.name)
        scene.record.expect("desktop", f"{replica.name} ends in the server's state hash", truth, ours)
        claimed = (await desktop.state(replica.name)).state_hash
        scene.record.expect("desktop", f"{replica.name} claims the server's state hash", truth, claimed)


def _sequence(replica: Replica, stream: str) -> list[tuple[int, str | None, str]]:
    held = replica.state.get(stream)
    return [(event.seq, event.key, event.hash) for event in held.events] if held is not None else []
