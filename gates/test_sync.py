"""From runtime to desktop, end to end: order, dedupe, resume, equal state; and who is connected."""

from __future__ import annotations

from harness.checkers.contract import ContractBroken
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.legacy import LegacyLane
from harness.checkers.order import InconsistentOffset
from harness.checkers.presence import PresenceDrift
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.tokens import TokenMisuse
from harness.checkers.writes import LostWrite
from harness.gate import ALL, gate
from harness.scenario import Scenario
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.replica import Replica
from harness.wait import WaitedTooLong, wait_until
from harness.wire.client import Subscription
from harness.workload.traffic import Sent, Traffic, publish

STREAMS, EACH = 20, 100
TOTAL = STREAMS * EACH
PRESENCE_TIMEOUT_MS = 10_000


@gate(
    "sync/runtime-to-desktop",
    surfaces=ALL,
    checkers=[
        LostWrite(),
        DuplicateApply(),
        GapOrReorder(),
        CursorAhead(),
        HashMismatch(),
        InconsistentOffset(),
        TokenMisuse(),
        LegacyLane(),
        ContractBroken(),
    ],
    floors={
        "publish": TOTAL,
        "deliver": 4 * TOTAL,
        "apply": 4 * TOTAL,
        "checkpoint": 4 * STREAMS,
        "final_read": 5 * TOTAL,
        "connect": 5,
    },
    timeout_s=180,
)
async def test_runtime_to_desktop(scene: Scenario) -> None:
    """C-19, A-05, S-10: at least 2,000 events on 20 streams reach 4 desktops, one of which connects late and one
    of which is stopped and resumed; runtime, server and all desktops end in the same state hash."""
    await scene.start_control()
    runtime = await scene.start_runtime()
    streams = await scene.open_streams(STREAMS)
    one, two = await scene.start_desktop("desktop-1"), await scene.start_desktop("desktop-2")
    replicas = [await _open(scene, one, name, streams) for name in ("d1", "d2")]
    stopped = await _open(scene, two, "d4", streams)
    events = Traffic(scene.rng, scene.nonce).events(streams, each=EACH)
    third, two_thirds = TOTAL // 3 // STREAMS * STREAMS, 2 * TOTAL // 3 // STREAMS * STREAMS
    await publish(runtime, events[:third])
    await scene.settle(streams, third, [stopped])
    await two.stop()
    replicas.append(await _late_and_live(scene, one, runtime_events=events[third:two_thirds], streams=streams))
    await scene.start_desktop("desktop-2")
    replicas.append(await two.resume("d4"))
    await publish(runtime, events[two_thirds:])
    await scene.settle(streams, TOTAL, replicas)
    await _compare(scene, streams, {"d1": one, "d2": one, "d3": one, "d4": two})


async def _open(scene: Scenario, desktop: DesktopSurface, name: str, streams: list[str]) -> Replica:
    session, identity = await scene.sign_in(f"device-{name}", streams)
    return await desktop.open(name, session, identity, streams)


async def _late_and_live(
    scene: Scenario, desktop: DesktopSurface, *, runtime_events: list[Sent], streams: list[str]
) -> Replica:
    """Half of these are published before the late desktop connects, the rest while it is there."""
    assert scene.runtime is not None
    half = len(runtime_events) // 2
    await publish(scene.runtime, runtime_events[:half])
    late = await _open(scene, desktop, "d3", streams)
    await publish(scene.runtime, runtime_events[half:])
    return late


async def _compare(scene: Scenario, streams: list[str], sessions: dict[str, DesktopSurface]) -> None:
    """State hashes, each computed by us from what was seen, beside what each surface claims."""
    assert scene.runtime is not None
    truth = await scene.observer.final_read(streams)
    said = await scene.runtime.state_hash()
    if said is not None:
        scene.runtime.expect("the runtime's state hash is the server's", truth, said)
    for name, desktop in sessions.items():
        ours, claimed = await scene.read_replica(desktop, name)
        scene.record.expect("desktop", f"what {name} applied gives the server's state hash", truth, ours)
        scene.record.expect("desktop", f"{name} claims the server's state hash", truth, claimed)


@gate(
    "sync/two-client-handshake",
    surfaces=["control", "desktop"],
    checkers=[PresenceDrift(), TokenMisuse(), ContractBroken()],
    floors={"presence": 8, "connect": 8, "request": 8},
)
async def test_two_client_handshake(scene: Scenario) -> None:
    """S-11, C-18: two clients raise the count by two, and it falls back: after a clean close, after an abrupt
    one, beside a client that stays, and for two connections of one identity."""
    await scene.start_control()
    streams = await scene.open_streams(1)
    desktop = await scene.start_desktop()
    for name, abrupt, one_identity in (("clean", False, False), ("abrupt", True, False), ("shared", False, True)):
        if not await _handshake(scene, desktop, name, streams, abrupt=abrupt, one_identity=one_identity, standing=()):
            return
    async with await Subscription.open(
        scene.lab.witness_relay.url, scene.lab.database, scene.lab.owner.token
    ) as standing:
        scene.own_sockets += 1
        scene.observer.identities[standing.connection] = standing.identity
        for name, one_identity in (("standing", False), ("standing-shared", True)):
            if not await _handshake(
                scene, desktop, name, streams, abrupt=False, one_identity=one_identity, standing=(standing.connection,)
            ):
                return


async def _handshake(
    scene: Scenario,
    desktop: DesktopSurface,
    name: str,
    streams: list[str],
    *,
    abrupt: bool,
    one_identity: bool,
    standing: tuple[str, ...],
) -> bool:
    """Baseline, two in, the first out (the second must stay), both out. Where presence is told by identity, two
    connections of one are one. False once a reading does not settle: it is recorded, and the rest would wait."""
    base = await _settled(scene, name, live=standing, gone=())
    if base is None:
        return False
    session, identity = await scene.sign_in(f"{name}-a", streams)
    other = (session, identity) if one_identity else await scene.sign_in(f"{name}-b", streams)
    first = await desktop.open(f"{name}-a", session, identity, streams)
    second = await desktop.open(f"{name}-b", *other, streams)
    a, b = str(first.connection), str(second.connection)
    rows_of = scene.observer.rows_of
    for clause, closing, live, gone in (
        ("two clients raise the count", "", (*standing, a, b), ()),
        ("the first one gone, the second one stays", f"{name}-a", (*standing, b), (a,)),
        ("the count is back at its baseline", f"{name}-b", standing, (a, b)),
    ):
        count = base + len(rows_of(live)) - len(rows_of(standing))
        if closing:
            await desktop.close_session(closing, abrupt=abrupt)
        found = await _settled(scene, name, live=live, gone=gone)
        scene.record.expect("observer", f"{name}: {clause}", count, "not settled" if found is None else found)
        if found is None:
            return False
    return True


async def _settled(scene: Scenario, name: str, *, live: tuple[str, ...], gone: tuple[str, ...]) -> int | None:
    """A reading of the presence rows once they agree, and how many there are; None when the limit passed first."""
    rows: list[str] = []

    async def agrees() -> bool:
        rows[:] = await scene.observer.presence_rows()
        return sorted(rows) == sorted(scene.observer.rows_of(live))

    agreed: int | None = None
    try:
        await wait_until(agrees, timeout_ms=PRESENCE_TIMEOUT_MS, what=f"{name}: the presence rows to be {len(live)}")
        agreed = len(rows)
    except WaitedTooLong as error:
        scene.record.op("observer", "settle", "info", error=str(error))
    scene.observer.presence(rows, live, gone, settled=True)
    return agreed
