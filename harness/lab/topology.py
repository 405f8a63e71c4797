"""One scenario's lab: a fresh server with its database, Toxiproxy, and a path for each part of the subject.

    subject part -> Toxiproxy (faults) -> relay with middlebox (account, frames) -> server

Everything that it starts it stops, and sweeps what is left by the scenario's mark. Ports are given back
last. `timings_ms` says where the start-up's time went.

    async with Lab(components, work, logs, wasm) as lab:
        path = await lab.path("runtime")
        path.url                    # what the runtime is told
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from toxiproxy.proxy import Proxy

from harness import process
from harness.errors import LabError
from harness.lab import engine, spacetimedb
from harness.lab.account import SocketTable
from harness.lab.keys import ISSUER, Keys, Signed
from harness.lab.ports import Ports
from harness.lab.program import program_hash, running_program
from harness.lab.providers import Components
from harness.lab.relay import Address, Link, Relay, Tap
from harness.lab.spacetimedb import Server
from harness.lab.toxiproxy import Toxics
from harness.wire.http import HttpClient

Call = tuple[str, Sequence[object]]


@dataclass(frozen=True)
class ProxiedPath:
    """One way from a part of the subject: through Toxiproxy, then a relay. `url` is what the part is told."""

    name: str
    proxy: Proxy
    relay: Relay
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Lab:
    """`database` and `signing_key` are those of the server that a part which runs already was started with."""

    def __init__(
        self,
        components: Components,
        work: Path,
        logs: Path,
        wasm: bytes,
        *,
        database: str = "",
        signing_key: Path | None = None,
    ) -> None:
        self.components, self.work, self.logs, self.wasm = components, work, logs, wasm
        self.scenario = secrets.token_hex(6)
        self.database = database or f"signoff-{secrets.token_hex(4)}"
        self._signing_key = signing_key
        self.ports = Ports()
        self.timings_ms: dict[str, float] = {}
        self.paths: dict[str, ProxiedPath] = {}
        self.relays: list[Relay] = []
        self.calls: list[Call] = []
        self._servers: list[Server] = []
        self._clients: list[HttpClient] = []
        self.program = ""
        self.data_copy: Path | None = None  # an older copy of the server's data, to be put back by a drill
        self.data_heads: dict[str, int] = {}  # each stream's head in that copy

    async def __aenter__(self) -> Lab:
        try:
            await self._up()
        except BaseException:
            await self.down()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    async def _up(self) -> None:
        self.keys = Keys.create(self.work / "keys", self._signing_key)
        self.owner: Signed = self.keys.token(ISSUER, "owner")
        self.toxics = Toxics(self.components.toxiproxy, self.logs, self.ports.take(), scenario=self.scenario)
        self.server = self._new_server("server")
        self.table = SocketTable(self.server.port)
        self.witness_relay = await self._relay("observer", self.server.address)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._timed("toxiproxy", self.toxics.start()))
            group.create_task(self._timed("server", self.server.start(self.witness_relay.url)))
        self.table.start()
        self.http = self._client(self.witness_relay.url)
        await self._timed("publish", self._publish(self.http))
        self.program = await running_program(self.http, self.database)
        if self.program != program_hash(self.wasm):
            raise LabError(f"the server runs program {self.program[:16]}, published was {program_hash(self.wasm)[:16]}")

    async def _timed(self, what: str, work: object) -> None:
        start = time.monotonic()
        await work  # type: ignore[misc]
        self.timings_ms[what] = self.timings_ms.get(what, 0.0) + (time.monotonic() - start) * 1000

    def _new_server(self, name: str) -> Server:
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        server = Server(
            self.components.spacetimedb,
            folder,
            self.ports.take(),
            self.keys,
            scenario=self.scenario,
            name=name,
            log=self.logs / f"{name}.log",
        )
        self._servers.append(server)
        return server

    def _client(self, url: str) -> HttpClient:
        client = HttpClient(url, self.owner.token)
        self._clients.append(client)
        return client

    async def _publish(self, http: HttpClient) -> None:
        await spacetimedb.publish(http, self.database, self.wasm)

    async def republish(self) -> None:
        """What an operator does with a server that lost its data: the module again, and the calls after it."""
        await self._publish(self.http)
        for reducer, args in self.calls:
            await self.http.call(self.database, reducer, args)

    async def keep_data(self) -> None:
        """Copy the server's data as they are on disk: call it when nothing was written for a second."""
        self.data_copy = self.work / f"data-copy-{len(self._servers)}"
        await asyncio.to_thread(self.server.copy_data, self.data_copy)

    async def after_publish(self, calls: Sequence[Call]) -> None:
        """Reducer calls by the owner, kept for twins of this server."""
        self.calls.extend(calls)
        for reducer, args in calls:
            await self.http.call(self.database, reducer, args)

    async def twin(self) -> tuple[Server, HttpClient]:
        """A decoy: another server with the same keys, module and calls, and the owner's client to it."""
        server = self._new_server(f"twin-{len(self._servers)}")
        await server.start()
        http = self._client(server.url)
        await self._publish(http)
        for reducer, args in self.calls:
            await http.call(self.database, reducer, args)
        return server, http

    async def _relay(self, name: str, target: Address, tap: Callable[[Link], Tap] | None = None) -> Relay:
        relay = Relay(name, self.ports.take(), target, tap=tap)
        await relay.start()
        self.relays.append(relay)
        return relay

    async def path(
        self,
        name: str,
        target: Address | None = None,
        tap: Callable[[Link], Tap] | None = None,
        *,
        port: int | None = None,
    ) -> ProxiedPath:
        """A new path, to the server unless another target is given, from a port of ours unless one is given."""
        start = time.monotonic()
        relay = await self._relay(name, target or self.server.address, tap)
        listen = self.ports.take() if port is None else self.ports.hold(port)
        proxy = self.toxics.create(name, listen=listen, upstream=relay.port)
        path = self.paths[name] = ProxiedPath(name, proxy, relay, listen)
        self.timings_ms["proxies"] = self.timings_ms.get("proxies", 0.0) + (time.monotonic() - start) * 1000
        return path

    async def interposer(self, name: str, target: Address) -> Relay:
        """A relay for the harness's own requests to a surface, which can answer in its place."""
        return await self._relay(name, target)

    async def lead_to(self, server: Server) -> None:
        """Lead all of the subject's paths to another server; our own witness stays at the true one."""
        for path in self.paths.values():
            if path.relay.target in {known.address for known in self._servers}:
                await path.relay.lead_to(server.address)

    @property
    def carried(self) -> dict[str, set[int]]:
        """Local ports of the connections that each relay made to a server."""
        return {relay.name: relay.carried for relay in self.relays}

    async def down(self) -> None:
        """Stop everything; never leave something running because something else failed to stop."""
        problems = []
        for stop in (
            *(client.close for client in self._clients),
            *([self.table.stop] if hasattr(self, "table") else []),
            *(relay.close for relay in self.relays),
            *(server.kill for server in self._servers),
            *([self.toxics.stop] if hasattr(self, "toxics") else []),
        ):
            try:
                await stop()
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")
        process.sweep(self.scenario)
        if self.components.contained:
            await asyncio.to_thread(engine.sweep, "scenario", self.scenario)
        self.ports.close()
        if problems:
            raise LabError("the lab did not come down cleanly: " + "; ".join(problems))
