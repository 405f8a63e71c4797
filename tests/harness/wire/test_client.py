"""One real socket: opened, refused, spoken over, closed and cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.errors import WireError
from harness.lab.topology import Lab
from harness.setup import Setup
from harness.wait import wait_until
from harness.wire.client import Refused, Subscription
from harness.wire.messages import SubscribeMultiApplied, TransactionUpdate, subscribe_multi

pytestmark = pytest.mark.lab


def in_lab(setup: Setup, tmp_path: Path, story: Callable[[Lab], Awaitable[None]]) -> None:
    async def play() -> None:
        async with Lab(setup.components, tmp_path / "work", tmp_path / "logs", setup.wasm) as lab:
            await story(lab)

    asyncio.run(play())


async def connections(lab: Lab) -> list[object]:
    return [
        row["connection_id"] for row in await lab.http.sql(lab.database, "SELECT connection_id FROM active_connection")
    ]


def test_a_subscription_gets_its_snapshot_and_what_comes_after(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        async with await Subscription.open(lab.witness_relay.url, lab.database, lab.owner.token) as socket:
            assert socket.identity == lab.owner.identity
            assert socket.connection in await connections(lab)
            await socket.send(subscribe_multi(("SELECT * FROM sync_event",), request_id=1, query_id=1))
            assert isinstance(await socket.receive(), SubscribeMultiApplied)
            await lab.http.call(lab.database, "append_sync_event", ["s", "k", "0" * 64, "{}", 1, 1, True, 0])
            assert isinstance(await socket.receive(), TransactionUpdate)

    in_lab(setup, tmp_path, story)


def test_a_refused_token_has_its_status(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        with pytest.raises(Refused) as caught:
            await Subscription.open(lab.witness_relay.url, lab.database, lab.owner.token[:-6] + "AAAAAA")
        assert caught.value.status == 401
        with pytest.raises(Refused) as caught:
            await Subscription.open("http://127.0.0.1:9", lab.database, lab.owner.token)
        assert caught.value.status is None

    in_lab(setup, tmp_path, story)


def test_an_aborted_socket_is_gone_at_the_server_too(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        socket = await Subscription.open(lab.witness_relay.url, lab.database, lab.owner.token)
        socket.abort()

        async def gone() -> bool:
            return socket.connection not in await connections(lab)

        await wait_until(gone, timeout_ms=5_000, what="the presence row to go")
        with pytest.raises(WireError, match="the socket ended"):
            await socket.receive()

    in_lab(setup, tmp_path, story)
