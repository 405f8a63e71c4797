"""One real server: up, killed, up again with its data; and what is told when it does not come up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.errors import LabError
from harness.lab.components import Component
from harness.lab.keys import ISSUER, Keys
from harness.lab.ports import Ports
from harness.lab.spacetimedb import Server
from harness.setup import Setup
from harness.wait import wait_until
from harness.wire.http import HttpClient

pytestmark = pytest.mark.lab

Story = Callable[[Server], Awaitable[None]]


def with_server(component: Component, tmp_path: Path, story: Story, port: int | None = None) -> None:
    async def play() -> None:
        with Ports() as ports:
            keys = Keys.create(tmp_path / "keys")
            server = Server(
                component,
                tmp_path,
                port or ports.take(),
                keys,
                scenario="server-test",
                name="server",
                log=tmp_path / "log",
            )
            try:
                await story(server)
            finally:
                await server.kill()

    asyncio.run(play())


def test_what_was_written_is_there_after_a_restart_from_idleness(setup: Setup, tmp_path: Path) -> None:
    """A server acknowledges before it writes, up to 0.5 s for rows and 50 ms for its catalogue of databases: what is
    awaited is that both are in their files."""

    async def story(server: Server) -> None:
        await server.start()
        token = server.keys.token(ISSUER, "owner").token
        async with HttpClient(server.url, token) as http:
            identity = bytes.fromhex(await http.publish("db", setup.wasm))
            (before,) = await http.sql("db", "SELECT epoch FROM database_epoch")
            catalogue = tmp_path / "data" / "control-db" / "db"

            async def written() -> bool:
                logs = list((tmp_path / "data" / "replicas").rglob("*.stdb.log"))
                known = identity in catalogue.read_bytes()
                return known and any(before["epoch"].encode() in log.read_bytes() for log in logs)  # type: ignore[union-attr]

            await wait_until(written, timeout_ms=10_000, what="the database and its epoch to be on disk")
        first = server.process.pid
        await server.kill()
        await server.start()
        assert server.process.pid != first
        async with HttpClient(server.url, token) as http:
            assert await http.sql("db", "SELECT epoch FROM database_epoch") == [before]

    with_server(setup.components.spacetimedb, tmp_path, story)


def test_a_program_that_ends_is_told_with_its_log(setup: Setup, tmp_path: Path) -> None:
    script = tmp_path / "fake"
    script.write_text("#!/bin/sh\necho this is no server\nexit 3\n")
    script.chmod(0o755)

    async def story(server: Server) -> None:
        with pytest.raises(LabError, match="ended with 3 at its start; its log ends: this is no server"):
            await server.start()

    with_server(replace(setup.components.spacetimedb, path=str(script)), tmp_path, story)


def test_a_port_that_is_taken_is_told(setup: Setup, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        async def story(server: Server) -> None:
            with pytest.raises(LabError, match="in use"):
                await server.start()

        with_server(setup.components.spacetimedb, tmp_path, story, port=taken.getsockname()[1])


def test_a_server_that_was_not_started_says_so(setup: Setup, tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        with pytest.raises(LabError, match="was not started"):
            _ = server.process

    with_server(setup.components.spacetimedb, tmp_path, story)
