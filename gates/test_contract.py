"""Published contracts: hash vectors, by our own hasher and through the subject."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.canonical import Json, canonical_json, payload_hash
from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.gate import gate
from harness.scenario import Scenario
from harness.surfaces.events import KEY_FIELD, bare
from harness.surfaces.runtime import RuntimeSurface

VECTORS = Path(__file__).resolve().parent.parent / "fixtures" / "vectors" / "spacetime_payload_hash_vectors.v1.json"
PREFIX = "sha256:"
COUNT = 5


def load_vectors() -> list[dict[str, Json]]:
    """name, payload, canonical_json, sha256 of each vector."""
    found: list[dict[str, Json]] = msgspec.json.decode(VECTORS.read_bytes())["vectors"]
    return found


@gate(
    "contract/hash-vectors",
    surfaces=["runtime"],
    checkers=[ContractBroken(), HashMismatch()],
    floors={"request": 3 * COUNT, "publish": COUNT, "final_read": COUNT + 1},
)
async def test_hash_vectors(scene: Scenario) -> None:
    """C-06: payload hashing is deterministic: the published vectors hold for our hasher, and for what the
    runtime answers and the server holds after they were published. A subject that hashes more than the payload, or
    gives the event a key of its own, is handed each vector within a payload of ours."""
    runtime = await scene.start_runtime()
    (stream,) = await scene.open_streams(1)
    vectors = load_vectors()
    for vector in vectors:
        name, payload = vector["name"], vector["payload"]
        wanted = str(vector["sha256"]).removeprefix(PREFIX)
        runtime.expect(f"{name}: our canonical JSON", vector["canonical_json"], canonical_json(payload).decode())
        runtime.expect(f"{name}: our hash", wanted, payload_hash(payload))
        said = await runtime.publish(stream, _handed(runtime, payload, _key(scene, vector)), _key(scene, vector))
        if "hash" in runtime.config.publish.capture and _as_it_is(runtime):
            runtime.expect(f"{name}: the runtime's hash", wanted, said.claimed_hash)
    await scene.settle([stream], len(vectors))
    held = {event.key: event for event in await scene.observer.events([stream])}
    for vector in vectors:
        found = held.get(_key(scene, vector))
        wanted = str(vector["sha256"]).removeprefix(PREFIX)
        if not _as_it_is(runtime):
            wanted = found.recorded_hash if found is not None else "that of its row"
        observed = bare(found.claimed_hash, scene.config.hash) if found is not None else "no such row"
        runtime.expect(f"{vector['name']}: the hash in the server", wanted, observed)
    await scene.observer.final_read([stream])


def _key(scene: Scenario, vector: dict[str, Json]) -> str:
    return f"{scene.nonce}-{vector['name']}"


def _as_it_is(runtime: RuntimeSurface) -> bool:
    """Whether the vector itself can be published: the hash is over the payload alone, and the row is known again by the
    idempotency key that the runtime echoes."""
    return "idem_key" in runtime.config.publish.capture and runtime.hashes_the_payload


def _handed(runtime: RuntimeSurface, payload: Json, key: str) -> Json:
    return payload if _as_it_is(runtime) else {KEY_FIELD: key, "vector": payload}
