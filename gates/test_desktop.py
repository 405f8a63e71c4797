"""The desktop: what it refuses."""

from __future__ import annotations

import json

from harness.canonical import Json, payload_hash
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.legacy import LegacyLane
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.writes import LostWrite
from harness.gate import ALL, gate
from harness.scenario import Scenario
from harness.surfaces.replica import Replica
from harness.wait import WaitedTooLong, wait_until
from harness.workload.traffic import Traffic, publish

BEFORE, AFTER = 5, 5
REJECT_TIMEOUT_MS = 5_000


def legacy_frames(stream: str, seq: int, key: str, payload: Json) -> list[tuple[str, str]]:
    """(kind, frame) of the retired Phoenix protocol, in both its shapes, carrying an event that would be next; and
    frames that are malformed or of no known message."""
    event: dict[str, Json] = {
        "stream_id": stream,
        "seq": seq,
        "idempotency_key": key,
        "payload": payload,
        "payload_hash": payload_hash(payload),
    }
    topic = f"sync:{stream}"
    update: dict[str, Json] = {"topic": topic, "stream_id": stream, "updates": [event], "watermark": seq}
    legacy: list[Json] = [
        {"topic": topic, "event": "sync:update_batch", "payload": update, "ref": None},
        [None, None, topic, "sync:update_batch", update],
        {"topic": topic, "event": "phx_reply", "payload": {"status": "ok", "response": update}, "ref": "1"},
        ["1", "1", topic, "phx_reply", {"status": "ok", "response": update}],
        {"topic": topic, "event": "phx_join", "payload": {}, "ref": "2"},
        ["2", "2", topic, "phx_error", {}],
        ["3", None, "phoenix", "heartbeat", {}],
    ]
    malformed = ['{"TransactionUpdate":', "[]", '"text"', '{"TransactionUpdate":{"status":7}}', '{"NoSuchMessage":{}}']
    return [("legacy", json.dumps(frame)) for frame in legacy] + [("malformed", frame) for frame in malformed]


@gate(
    "desktop/legacy-frames",
    surfaces=ALL,
    checkers=[
        LegacyLane(),
        LostWrite(),
        DuplicateApply(),
        GapOrReorder(),
        CursorAhead(),
        HashMismatch(),
        InconsistentOffset(),
    ],
    floors={"publish": BEFORE + AFTER, "apply": BEFORE + AFTER, "frame": 12, "reject": 12, "deliver": BEFORE + AFTER},
)
async def test_legacy_frames(scene: Scenario) -> None:
    """S-02, S-09, C-12: Phoenix frames have no lane: each gives a typed, counted rejection, nothing of it is
    applied, and the session goes on."""
    await scene.start_control()
    runtime = await scene.start_runtime()
    (stream,) = streams = await scene.open_streams(1)
    desktop = await scene.start_desktop()
    session, identity = await scene.sign_in("device-1", streams)
    replica = await desktop.open("d1", session, identity, streams)
    traffic = Traffic(scene.rng, scene.nonce)
    await publish(runtime, [traffic.event(stream) for _ in range(BEFORE)])
    await scene.settle(streams, BEFORE, [replica])
    forged = traffic.event(stream)
    for kind, text in legacy_frames(stream, BEFORE + 1, forged.key, forged.payload):
        await _inject(scene, replica, kind, text, forged.key if forged.key in text else None)
    await publish(runtime, [traffic.event(stream) for _ in range(AFTER)])
    await scene.settle(streams, BEFORE + AFTER, [replica])
    await scene.observer.final_read(streams)
    await scene.read_replica(desktop, "d1")


async def _inject(scene: Scenario, replica: Replica, kind: str, text: str, key: str | None) -> None:
    """One frame, and its rejection awaited; a desktop that stays silent is judged by the checker."""
    before = sum(replica.rejected.values())
    if replica.connection is None:
        return
    scene.crossing.inject(replica.connection, text, kind=kind, key=key)

    async def rejected() -> bool:
        return sum(replica.rejected.values()) > before or replica.connection is None

    try:
        await wait_until(rejected, timeout_ms=REJECT_TIMEOUT_MS, what=f"{replica.name} to refuse a {kind} frame")
    except WaitedTooLong as error:
        scene.record.op("gate", "settle", "info", error=str(error))
