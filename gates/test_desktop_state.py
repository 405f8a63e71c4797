"""The desktop's state: the same rows give the same state, and what is on disk is what was applied."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Awaitable, Callable

from gates.wire import Live, live
from harness.checkers.contract import ContractBroken
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.stale import StaleCursorIgnored
from harness.checkers.writes import LostWrite
from harness.errors import SubjectError
from harness.gate import ALL, gate
from harness.history import Checkpointed, Op, unpack
from harness.scenario import Scenario
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.replica import Replica
from harness.wait import WaitedTooLong, wait_until
from harness.workload.shuffling import Shuffling
from harness.workload.traffic import Traffic, publish

SAFETY = [LostWrite(), DuplicateApply(), GapOrReorder(), CursorAhead(), HashMismatch(), InconsistentOffset()]
PLANS = ("as-it-came", "rows", "repeats", "turns")
ROUNDS, PER_ROUND = 3, 40  # kills, and events in each of them
KILL_TIMEOUT_MS = 10_000
TORN = ("cut", "missing")
STREAMS, SNAPSHOT, LIVE = 2, 20, 15
TOTAL = STREAMS * (SNAPSHOT + LIVE)
ALTERED = STREAMS * LIVE  # messages: there are three times as many updates on the sockets that are not left alone


@gate(
    "desktop/dedupe",
    surfaces=ALL,
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
    streams, traffic = await scene.open_streams(STREAMS), Traffic(scene.rng, scene.nonce)
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
        ours, claimed = await scene.read_replica(desktop, replica.name)
        scene.record.expect("desktop", f"{replica.name} ends in the server's state hash", truth, ours)
        scene.record.expect("desktop", f"{replica.name} claims the server's state hash", truth, claimed)


def _sequence(replica: Replica, stream: str) -> list[tuple[int, str | None, str]]:
    held = replica.state.get(stream)
    return [(event.seq, event.key, event.hash) for event in held.events] if held is not None else []


@gate(
    "desktop/checkpoint",
    surfaces=ALL,
    checkers=[*SAFETY, StaleCursorIgnored(expect=("anew",)), ContractBroken()],
    floors={
        "publish": 60,
        "apply": 60,
        "checkpoint": 8,
        "bootstrap": 4,
        "restart": ROUNDS,
        "final_read": 120,
        "request": 12,
    },
)
async def test_checkpoint(scene: Scenario) -> None:
    """C-13: applied state and cursor are persisted together: what a desktop resumes from is what it had applied, also
    after a SIGKILL in the middle; without a whole state it starts at the floor, and never at the remote head."""
    found = await live(scene)
    await found.publish(4)
    scene.record.expect("desktop", "before, everything arrives", True, await found.settle())
    await _stopped(found)
    for number in range(ROUNDS):
        await _killed(found, number)
    for what in TORN:
        await _torn(found, what)
    truth = await scene.observer.final_read(found.streams)
    ours, claimed = await scene.read_replica(found.desktop, "d1")
    scene.record.expect("desktop", "it ends in the server's state hash", truth, ours)
    scene.record.expect("desktop", "it claims the server's state hash", truth, claimed)


async def _stopped(found: Live) -> None:
    """Stopped, missed something, resumed: it goes on where it was, and keeps what it had."""
    scene, replica = found.scene, found.replica
    before = {stream: replica.applied_seq(stream) for stream in found.streams}
    resumed = len(_resumes(scene))
    await found.desktop.stop()
    await found.publish(3)
    await scene.start_desktop()
    await found.desktop.resume("d1")
    cursors = {op.stream: op.cursor for op in _resumes(scene)[resumed:]}
    scene.record.expect("desktop", "it resumes where it had applied to", before, cursors)
    scene.record.expect("desktop", "what it missed arrives", True, await found.settle())


async def _killed(found: Live, number: int) -> None:
    """SIGKILL at an apply in the middle of many, pulled by the record itself, and started again."""
    scene, count, at = found.scene, 0, _at(found, number)

    def look(op: Op) -> None:
        nonlocal count
        if op.f == "apply":
            count += 1
            if count == at:
                found.desktop.child.shoot()

    scene.record.listeners.append(look)
    await found.publish(PER_ROUND // len(found.streams))
    with contextlib.suppress(WaitedTooLong):
        await wait_until(_ended(found), timeout_ms=KILL_TIMEOUT_MS, what="the desktop to be gone")
    scene.record.listeners.remove(look)
    gone = not found.desktop.child.process.alive
    scene.record.expect("lab", f"round {number}: the desktop was killed at apply {at}", True, gone)
    await scene.kill("desktop")
    await scene.start_again("desktop")
    scene.record.expect("desktop", f"round {number}: afterwards, everything arrives", True, await found.settle())


def _at(found: Live, number: int) -> int:
    """At which apply of a round: another one in each, so that it falls on different places of a batch."""
    return 1 + found.scene.rng.randrange(PER_ROUND - 1) if number else 1


def _ended(found: Live) -> Callable[[], Awaitable[bool]]:
    async def ended() -> bool:
        return not found.desktop.child.process.alive

    return ended


async def _torn(found: Live, what: str) -> None:
    """Its files are cut or gone while it is away: it must not believe what is left, nor skip to what comes next."""
    scene = found.scene
    await found.desktop.stop()
    await found.publish(2)
    folder = scene.folder("desktop")
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 0]
    if not files:
        raise SubjectError(
            "the desktop keeps nothing in its folder, so its state cannot be torn",
            hint="lead it there with {dir} in [desktop.env] of signoff.toml",
        )
    for path in files:
        if what == "cut":
            os.truncate(path, path.stat().st_size // 2)
        else:
            path.unlink()
    seen = len(scene.record.history().of("bootstrap"))
    await scene.start_desktop()
    await found.desktop.resume("d1")
    scene.record.expect("desktop", f"a state that is {what}: everything arrives", True, await found.settle())
    starts = sorted(op.cursor or 0 for op in scene.record.history().of("bootstrap")[seen:])
    floors = [0] * len(found.streams)
    scene.record.expect("desktop", f"a state that is {what}: every stream starts again at the floor", floors, starts)


def _resumes(scene: Scenario) -> list[Op]:
    return [op for op in scene.record.history().of("checkpoint") if unpack(op, Checkpointed).at == "resume"]
