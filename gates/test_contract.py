"""Published contracts: hash vectors, by our own hasher and through the subject."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.canonical import Json, canonical_json, payload_hash
from harness.checkers.contract import ContractBroken
from harness.checkers.hashes import HashMismatch
from harness.gate import gate
from harness.scenario import Scenario
from harness.surfaces.events import bare

VECTORS = Path(__file__).resolve().parent.parent / "fixtures" / "vectors" / "spacetime_payload_hash_vectors.v1.json"
PREFIX = "sha256:"
COUNT = 5


def load_vectors() -> list[dict[str, Json]]:
    """name, payload, canonical_json, sha256 of each vector."""
    found: list[dict[str, Json]] = msgspec.json.decode(VECTORS.read_bytes())["vectors"]
    return found


@gate(
    "contract/hash-vectors",
    checkers=[ContractBroken(), HashMismatch()],
    floors={"request": 4 * COUNT, "publish": COUNT, "final_read": COUNT + 1},
)
async def test_hash_vectors(scene: Scenario) -> None:
    """C-06: payload hashing is deterministic: the published vectors hold for our hasher, and for what the
    runtime answers and the server holds after they were published."""
    runtime = await scene.start_runtime()
    (stream,) = scene.streams(1)
    vectors = load_vectors()
    for vector in vectors:
        name, payload = vector["name"], vector["payload"]
        wanted = str(vector["sha256"]).removeprefix(PREFIX)
        runtime.expect(f"{name}: our canonical JSON", vector["canonical_json"], canonical_json(payload).decode())
        runtime.expect(f"{name}: our hash", wanted, payload_hash(payload))
        said = await runtime.publish(stream, payload, f"{scene.nonce}-{name}")
        runtime.expect(f"{name}: the runtime's hash", wanted, said.claimed_hash)
    await scene.settle([stream], len(vectors))
    held = {event.idem_key: event for event in await scene.observer.events([stream])}
    for vector in vectors:
        found = held.get(f"{scene.nonce}-{vector['name']}")
        wanted = str(vector["sha256"]).removeprefix(PREFIX)
        observed = bare(found.claimed_hash, scene.config.hash) if found is not None else "no such row"
        runtime.expect(f"{vector['name']}: the hash in the server", wanted, observed)
    await scene.observer.final_read([stream])
