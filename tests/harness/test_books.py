"""The books of connections: what went past its proxy is in one of them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from harness.history import SocketSeen, unpack
from harness.scenario import Scenario
from harness.setup import Setup
from harness.wire.client import Subscription

pytestmark = pytest.mark.lab


def test_a_connection_past_the_relay_is_in_the_account(setup: Setup, tmp_path: Path) -> None:
    """Also one that is long closed when the account is made."""

    async def play() -> list[tuple[str, str, int]]:
        async with Scenario(setup, "bypass", out=tmp_path) as scene:
            await scene.account()
            with socket.create_connection(("127.0.0.1", scene.lab.server.port), timeout=2) as bypass:
                port = bypass.getsockname()[1]
                bypass.sendall(b"GET /v1/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                while bypass.recv(4096):
                    pass
            await scene.account()
            history = scene.record.history()
        return [(op.phase, unpack(op, SocketSeen).kind, port) for op in history.of("socket") if op.phase == "fail"]

    found = asyncio.run(play())
    assert [(phase, kind) for phase, kind, _ in found] == [("fail", "table")]


def test_a_websocket_past_the_relay_is_in_the_servers_own_count(setup: Setup, tmp_path: Path) -> None:
    async def play() -> set[str]:
        async with Scenario(setup, "bypass", out=tmp_path) as scene:
            async with await Subscription.open(scene.lab.server.url, scene.lab.database, scene.lab.owner.token):
                pass
            await scene.account()
            history = scene.record.history()
        return {unpack(op, SocketSeen).kind for op in history.of("socket") if op.phase == "fail"}

    assert "metric" in asyncio.run(play()), "a reset leaves no trace in the kernel's table, but the server has counted"


def test_a_websocket_through_any_path_of_the_lab_is_carried(setup: Setup, tmp_path: Path) -> None:
    """A runtime may speak to the server over a WebSocket of its own."""

    async def play() -> list[str]:
        async with Scenario(setup, "carried", out=tmp_path) as scene:
            path = await scene.lab.path("runtime", tap=scene._watched("runtime"))
            async with await Subscription.open(path.url, scene.lab.database, scene.lab.owner.token):
                pass
            await scene.account()
            history = scene.record.history()
        return [str(op.error) for op in history.of("socket") if op.phase == "fail"]

    assert asyncio.run(play()) == []
