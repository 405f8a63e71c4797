"""Records real frames from a real server, for the unit tests of the codec.

    python -m tests.harness.wire.record_frames        # writes tests/harness/wire/frames/

The token of the IdentityToken frame is replaced before anything is written.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import websockets.asyncio.client
from websockets.typing import Subprotocol

from harness.host import ROOT
from harness.lab.topology import Lab
from harness.loading import load
from harness.runner import prepare
from harness.wire.messages import PROTOCOL, call_reducer, subscribe_multi

FRAMES = Path(__file__).with_name("frames")
APPEND = ["s", "k1", "0" * 64, '{"a":1}', 1, 1, True, 0]


async def main() -> None:
    setup = prepare(load(ROOT / "fixtures" / "reference" / "signoff.toml"))
    FRAMES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        async with Lab(setup.components, Path(work), Path(work), setup.wasm) as lab:
            await record(lab)


async def record(lab: Lab) -> None:
    schema = await lab.http.request("GET", f"/v1/database/{lab.database}/schema?version=9")
    (FRAMES / "schema.json").write_bytes(schema.content)
    (FRAMES / "identity.txt").write_text(lab.owner.identity + "\n")
    async with await connect(lab) as socket:
        keep("IdentityToken", await socket.recv())
        await socket.send(
            subscribe_multi(
                ("SELECT * FROM sync_event", "SELECT * FROM active_connection"), request_id=3, query_id=3
            ).decode()
        )
        keep("SubscribeMultiApplied", await socket.recv())
        await socket.send(call_reducer("append_sync_event", APPEND, request_id=7).decode())
        keep("TransactionUpdate", await socket.recv())
        await socket.send(
            call_reducer("append_sync_event", [*APPEND[:2], "1" * 64, *APPEND[3:]], request_id=8).decode()
        )
        keep("TransactionUpdate.failed", await socket.recv())
        await socket.send(json.dumps({"UnsubscribeMulti": {"request_id": 4, "query_id": {"id": 3}}}))
        keep("UnsubscribeMultiApplied", await socket.recv())
        await socket.send(
            json.dumps(
                {"SubscribeSingle": {"query": "SELECT * FROM sync_event", "request_id": 5, "query_id": {"id": 5}}}
            )
        )
        keep("SubscribeApplied", await socket.recv())
        await socket.send(json.dumps({"Unsubscribe": {"request_id": 6, "query_id": {"id": 5}}}))
        keep("UnsubscribeApplied", await socket.recv())
        await socket.send(subscribe_multi(("SELECT * FROM no_such_table",), request_id=9, query_id=9).decode())
        keep("SubscriptionError", await socket.recv())
        await socket.send(
            json.dumps({"OneOffQuery": {"message_id": "01ff", "query_string": "SELECT * FROM sync_event"}})
        )
        keep("OneOffQueryResponse", await socket.recv())
    async with await connect(lab, "?light=true") as light:
        await light.recv()
        await light.send(json.dumps({"Subscribe": {"query_strings": ["SELECT * FROM sync_event"], "request_id": 1}}))
        keep("InitialSubscription", await light.recv())
        await lab.http.call(lab.database, "append_sync_event", ["s", "k2", "0" * 64, "{}", 1, 1, True, 0])
        keep("TransactionUpdateLight", await light.recv())


async def connect(lab: Lab, query: str = "") -> websockets.asyncio.client.ClientConnection:
    url = f"ws://127.0.0.1:{lab.witness_relay.port}/v1/database/{lab.database}/subscribe{query}"
    return await websockets.asyncio.client.connect(
        url,
        additional_headers={"Authorization": f"Bearer {lab.owner.token}"},
        subprotocols=[Subprotocol(PROTOCOL)],
        compression=None,
        proxy=None,
    )


def keep(name: str, frame: str | bytes) -> None:
    message = json.loads(frame)
    if "IdentityToken" in message:
        message["IdentityToken"]["token"] = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.bm8tc2lnbmF0dXJl"
        frame = json.dumps(message, separators=(",", ":"))
    (FRAMES / f"{name}.json").write_text(frame if isinstance(frame, str) else frame.decode())


if __name__ == "__main__":
    asyncio.run(main())
