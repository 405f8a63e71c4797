"""Frames that no server says, thrown at live sessions: none is applied, none is passed over, none ends the desktop."""

from __future__ import annotations

import json

from websockets.frames import Opcode

from gates.fuzz import Hostile, hostile_frames
from harness.canonical import Json
from harness.checkers.contract import ContractBroken
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.legacy import LegacyLane
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.writes import LostWrite
from harness.errors import WireError
from harness.gate import ALL, gate
from harness.lab.middlebox import Message, Payload
from harness.scenario import Scenario
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.events import KEY_FIELD
from harness.surfaces.replica import Replica
from harness.wait import WaitedTooLong, wait_until
from harness.wire import messages
from harness.workload.traffic import Traffic, publish

SESSIONS, BURSTS, IN_A_BURST = 4, 13, 100
FRAMES = BURSTS * IN_A_BURST  # each of them goes to each session: 5,200 in all
FORGED = ("another payload", "a column less", "far ahead")
EVENTS = 3 + BURSTS + len(FORGED)
REJECT_TIMEOUT_MS = 10_000
GENUINE_TIMEOUT_MS = 10_000


@gate(
    "desktop/frame-fuzz",
    surfaces=ALL,
    checkers=[LegacyLane(), LostWrite(), DuplicateApply(), GapOrReorder(), CursorAhead(), HashMismatch(),
              InconsistentOffset(), ContractBroken()],
    floors={"frame": SESSIONS * FRAMES, "reject": SESSIONS * FRAMES, "publish": EVENTS, "apply": SESSIONS * EVENTS,
            "request": BURSTS + 2},
)  # fmt: skip
async def test_frame_fuzz(scene: Scenario) -> None:
    """C-12: at least 5,000 malformed and unknown frames, found by hypothesis from the run's seed, give a typed, counted
    rejection each; none is applied, and the same process goes on applying good events."""
    await scene.start_control()
    runtime = await scene.start_runtime()
    (stream,) = streams = await scene.open_streams(1)
    desktop = await scene.start_desktop()
    replicas: list[Replica] = []
    for number in range(SESSIONS):
        session, identity = await scene.sign_in(f"device-{number}", streams)
        replicas.append(await desktop.open(f"d{number}", session, identity, streams))
    traffic, genuine = Traffic(scene.rng, scene.nonce), _Genuine(scene)
    await publish(runtime, [traffic.event(stream) for _ in range(3)])
    await scene.settle(streams, 3, replicas)
    real = await genuine.frames()
    table = scene.config.module.tables.events.name
    frames = hostile_frames(scene.chosen.seed, genuine=real, count=FRAMES, table=table)
    scene.record.expect("gate", "there are as many different frames as were asked for", FRAMES, len(set(frames)))
    published, pid = 3, desktop.child.process.pid
    for start in range(0, len(frames), IN_A_BURST):
        await _throw(scene, replicas, frames[start : start + IN_A_BURST])
        if not _lives(scene, desktop, pid, f"after {start + IN_A_BURST} frames"):
            return
        await publish(runtime, [traffic.event(stream)])
        published += 1
        await scene.settle(streams, published, replicas)
    for what in FORGED:
        await _forge(scene, replicas, real[-1], what, traffic.event(stream).key)
        await publish(runtime, [traffic.event(stream)])
        published += 1
        await scene.settle(streams, published, replicas)
    if _lives(scene, desktop, pid, "at the end"):
        await scene.observer.final_read(streams)
        for replica in replicas:
            await scene.read_replica(desktop, replica.name)


def _lives(scene: Scenario, desktop: DesktopSurface, pid: int, when: str) -> bool:
    """Whether it is still the process that it was; one that ended is asked nothing more."""
    process = desktop.child.process
    told = f"process {process.pid}" if process.alive else f"ended with {process.returncode}"
    return scene.record.expect("desktop", f"{when} the same process lives", f"process {pid}", told)


class _Genuine:
    """Real updates with events in them, as they crossed to the desktop."""

    def __init__(self, scene: Scenario) -> None:
        self._scene, self._seen = scene, list[bytes]()
        scene.crossing.box.alter = self._keep

    def _keep(self, message: Message) -> list[Payload]:
        try:
            decoded = messages.decode(message.payload)
        except WireError:
            decoded = None  # not ours to judge here
        if isinstance(decoded, messages.TransactionUpdate) and decoded.status.Committed is not None:
            name = self._scene.config.module.tables.events.name
            tables = (table for table in decoded.status.Committed.tables if table.table_name == name)
            if any(query.inserts for table in tables for query in table.updates):
                self._seen.append(message.payload)
        return [Payload(message.payload)]

    async def frames(self) -> list[bytes]:
        async def some() -> list[bytes]:
            return self._seen

        found = list(await wait_until(some, timeout_ms=GENUINE_TIMEOUT_MS, what="a real update to cross"))
        self._scene.crossing.box.alter = None
        return found


async def _throw(scene: Scenario, replicas: list[Replica], frames: list[Hostile]) -> None:
    """Every frame at every session, then their rejections awaited; who stays silent is judged by the checker."""
    before = sum(_rejected(replica) for replica in replicas)
    sent = 0
    for replica in replicas:
        for frame in frames:
            if replica.connection is not None:
                sent += _inject(scene, replica.connection, frame)

    async def all_rejected() -> bool:
        return sum(_rejected(replica) for replica in replicas) >= before + sent

    try:
        await wait_until(all_rejected, timeout_ms=REJECT_TIMEOUT_MS, what=f"{sent} frames to be refused")
    except WaitedTooLong as error:
        scene.record.op("gate", "settle", "info", error=str(error))


def _rejected(replica: Replica) -> int:
    return sum(replica.rejected.values())


def _inject(scene: Scenario, connection: str, frame: Hostile) -> bool:
    if frame.binary is not None:
        return scene.crossing.inject(connection, frame.binary, kind="malformed", opcode=Opcode.BINARY)
    return scene.crossing.inject(connection, frame.text, kind="malformed")


async def _forge(scene: Scenario, replicas: list[Replica], real: bytes, what: str, key: str) -> None:
    """A whole update whose event row is wrong, with a nonce of its own, so that nobody can have applied it."""
    for replica in replicas:
        if replica.connection is None:
            continue
        stream = replica.streams[0]
        seq = replica.applied_seq(stream) + (1_000 if what == "far ahead" else 1)
        frame = _forged(scene, real, stream, seq, key, columns=-1 if what == "a column less" else None)
        # What is far ahead is a gap, and need not be called a bad row: that it is not applied is all that is asked.
        kind = "TransactionUpdate" if what == "far ahead" else "malformed"
        before = _rejected(replica)
        scene.crossing.inject(replica.connection, frame, kind=kind, key=key)
        if kind == "malformed":
            await _refused(scene, replica, before)


async def _refused(scene: Scenario, replica: Replica, before: int) -> None:
    async def more() -> bool:
        return _rejected(replica) > before

    try:
        await wait_until(more, timeout_ms=REJECT_TIMEOUT_MS, what=f"{replica.name} to refuse a forged row")
    except WaitedTooLong as error:
        scene.record.op("gate", "settle", "info", error=str(error))


def _forged(scene: Scenario, real: bytes, stream: str, seq: int, key: str, *, columns: int | None) -> str:
    """The real frame with one event row in it, whose payload is not the one that its hash belongs to."""
    names, table = scene.config.module.tables.events, scene.schema.table(scene.config.module.tables.events.name)
    frame = json.loads(real)
    for update in frame["TransactionUpdate"]["status"]["Committed"]["tables"]:
        if update["table_name"] != names.name:
            update["updates"] = []
            continue
        found = next(text for query in update["updates"] for text in query["inserts"])
        row = json.loads(found)
        values: dict[str, Json] = {
            names.stream: stream,
            names.seq: seq,
            names.idem_key: f"forged-{key}",
            names.payload: json.dumps({KEY_FIELD: key, "forged": True}),
        }
        cells = [values.get(name, cell) for name, cell in zip(table.column_names, row, strict=True)]
        update["updates"] = [{"deletes": [], "inserts": [json.dumps(cells[:columns])]}]
    return json.dumps(frame)
