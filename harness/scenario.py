"""One scenario: a lab, the subject's surfaces in it, our observer, and one history of all of it.

What a gate plays on. Surfaces are started when asked for, each told only the addresses of its own paths.

    async with Scenario(setup, "sync/runtime-to-desktop", out=folder, chosen=Chosen(seed=7)) as scene:
        runtime = await scene.start_runtime()
        await runtime.publish(stream, scene.payload(key), idem_key)
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from harness.canonical import Json
from harness.config import SurfaceConfig
from harness.errors import ConfigError, SubjectError, WireError
from harness.evidence.recorder import Recorder
from harness.evidence.redact import Redactor
from harness.history import Phase, Restarted, SocketSeen
from harness.lab.disk import SmallDisk
from harness.lab.keys import ISSUER
from harness.lab.relay import Link, Tap
from harness.lab.topology import Lab
from harness.process import work_folder
from harness.setup import Chosen, Setup
from harness.surfaces.child import MARKER_PREFIX, Child
from harness.surfaces.control import ControlSurface, Session
from harness.surfaces.crossing import Crossing
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.events import KEY_FIELD
from harness.surfaces.observer import Observer, final_read_of
from harness.surfaces.replica import Replica
from harness.surfaces.runtime import RuntimeSurface
from harness.surfaces.service import Place
from harness.template import fill
from harness.wait import WaitedTooLong, wait_until
from harness.wire.http import HttpClient
from harness.wire.identity import identity_of
from harness.workload.appends import Appender

SETTLE_TIMEOUT_MS = 30_000
_AS_USUAL = Chosen()


class AbsentSurface(SubjectError):
    """signoff.toml names no such surface: the gate is MISSING, not failed."""


class Scenario:
    """`lab` False: no server is started, and only what needs none may be asked for (gates that read files)."""

    def __init__(self, setup: Setup, name: str, *, out: Path, chosen: Chosen = _AS_USUAL, lab: bool = True) -> None:
        self.config, self.name, self.out, self.chosen = setup.config, name, out, chosen
        self.rng = random.Random(f"{chosen.seed}:{name}")
        self.nonce = secrets.token_hex(8)
        self.record = Recorder(out / "history.jsonl", name, Redactor(self.config.secrets))
        self.logs = out / "logs"
        self._work = work_folder()
        self._lab = setup.new_lab(self._work / "lab", self.logs) if lab else None
        self.children: list[Child] = []
        self.control: ControlSurface | None = None
        self.runtime: RuntimeSurface | None = None
        self.desktops: dict[str, DesktopSurface] = {}
        self.floors: dict[str, int] = {}  # retention floors that the scene itself has moved
        self.disks: dict[str, SmallDisk] = {}
        self._ports: dict[str, int] = {}
        self.crossings: dict[str, Crossing] = {}  # by the name of their path

    async def __aenter__(self) -> Scenario:
        if self._lab is None:
            return self
        try:
            await self.lab.__aenter__()
            self.record.redactor.add(self.lab.owner.token)
            await self._prepare()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def lab(self) -> Lab:
        if self._lab is None:
            raise AbsentSurface("this scene has no lab of its own")
        return self._lab

    @property
    def http(self) -> HttpClient:
        """Our own way to the server."""
        return self.lab.http

    @property
    def database(self) -> str:
        return self.lab.database

    @property
    def may_write(self) -> bool:
        """A server of our own may be written to."""
        return True

    async def clean_up(self) -> None:
        """Take away what was written, where somebody else would find it; what is ours goes with its server."""

    async def _prepare(self) -> None:
        """Ports, service identities, the calls after publishing, the observer."""
        for name in ("control", "runtime"):
            self._ports[name] = self.lab.ports.take()
        config = self.config
        self.runtime_token = self.lab.keys.token(
            ISSUER, config.runtime.service_subject if config.runtime else "runtime"
        )
        self.record.redactor.add(self.runtime_token.token)
        variables = self.variables()
        calls = [(call.reducer, fill(list(call.args), variables)) for call in config.module.after_publish]
        await self.lab.after_publish(calls)  # type: ignore[arg-type]
        tables, hashing = config.module.tables, config.hash
        self.observer = Observer(self.lab.http, self.lab.database, tables, hashing, self.record)
        self.crossing = Crossing(self.record, tables, hashing)
        self.crossings["desktop"] = self.crossing
        self.schema = self.crossing.schema = await self.lab.http.schema(self.lab.database)

    def variables(self) -> dict[str, Json]:
        """Placeholders that are known everywhere."""
        control_url = f"http://127.0.0.1:{self._ports['control']}"
        subject = self.config.control.service_subject if self.config.control else "control"
        return {
            "database": self.lab.database,
            "control.url": control_url,
            "control.identity": identity_of(control_url, subject),
            "runtime.identity": self.runtime_token.identity,
            "runtime.token": self.runtime_token.token,
            "owner.identity": self.lab.owner.identity,
            "nonce": self.nonce,
        }

    def _child(self, name: str, config: SurfaceConfig) -> Child:
        child = Child(name, config, self.config.folder, self.logs, scenario=self.lab.scenario)
        self.children.append(child)
        return child

    def folder(self, name: str) -> Path:
        """What {dir} stands for in the environment of a surface."""
        folder = self._work / "state" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def small_disk(self, name: str, size_kb: int) -> None:
        """Give a surface a small disk of its own for its folder, before it is started."""
        disk = self.disks[name] = SmallDisk(self.folder(name), size_kb=size_kb)
        disk.mount()

    async def _place(self, name: str) -> Place:
        port = self._ports[name]
        return Place(port, await self.lab.interposer(f"harness-{name}", ("127.0.0.1", port)))

    async def start_control(self) -> ControlSurface:
        if self.config.control is None:
            raise AbsentSurface("signoff.toml has no [control]")
        if self.control is None:
            child = self._child("control", self.config.control)
            self.control = ControlSurface(child, self.config.control, await self._place("control"), self.record)
            path = await self.lab.path("control", tap=self._watched("control"))
            self._control_variables = {
                **self.variables(),
                "server.url": path.url,
                "port": self._ports["control"],
                "dir": str(self.folder("control")),
            }
        await self.control.start(self._control_variables)
        return self.control

    async def start_runtime(self) -> RuntimeSurface:
        if self.config.runtime is None:
            raise AbsentSurface("signoff.toml has no [runtime]")
        if self.runtime is None:
            child = self._child("runtime", self.config.runtime)
            place = await self._place("runtime")
            self.runtime = RuntimeSurface(child, self.config.runtime, self.config.hash, place, self.record)
            path = await self.lab.path("runtime", tap=self._watched("runtime"))
            self._runtime_variables = {
                **self.variables(),
                "server.url": path.url,
                "port": self._ports["runtime"],
                "dir": str(self.folder("runtime")),
            }
        await self.runtime.start(self._runtime_variables)
        return self.runtime

    async def start_desktop(self, name: str = "desktop") -> DesktopSurface:
        """Another desktop process, or the same again after it ended. It needs control to be reachable."""
        if self.config.desktop is None:
            raise AbsentSurface("signoff.toml has no [desktop]")
        if "desktop" not in self.lab.paths:
            await self.lab.path("desktop", tap=self.crossing.box.tap)
            control = ("127.0.0.1", self._ports["control"])
            await self.lab.path("desktop-control", control, tap=self._watched("desktop-control"))
        desktop = self.desktops.get(name)
        if desktop is None:
            child = self._child(name, self.config.desktop)
            desktop = self.desktops[name] = DesktopSurface(
                child, self.config.desktop, self.config.hash, self.record, self.crossing.delivered
            )
        variables = {
            **self.variables(),
            "server.url": self.lab.paths["desktop"].url,
            "control.url": self.lab.paths["desktop-control"].url,
            "dir": str(self.folder(name)),
        }
        await desktop.start(variables)
        return desktop

    def child(self, name: str) -> Child:
        """The process of a surface by its name: "control", "runtime", or a desktop's."""
        found = next((child for child in self.children if child.name == name), None)
        if found is None:
            raise ConfigError(f"{name!r} was not started", hint=f"there are {[child.name for child in self.children]}")
        return found

    async def kill(self, name: str) -> None:
        """SIGKILL a surface's process; a desktop's sessions are then known to be gone."""
        if name in self.desktops:
            await self.desktops[name].kill()
        else:
            await self.child(name).kill()

    async def start_again(self, name: str) -> None:
        """What an operator or a user does after the end of a surface's process; a desktop's sessions are resumed."""
        if name == "control":
            await self.start_control()
        elif name == "runtime":
            await self.start_runtime()
        else:
            desktop = await self.start_desktop(name)
            await asyncio.gather(*(desktop.resume(session) for session in desktop.replicas))
        replica = None if name in self.desktops else name
        if replica is not None:
            self.record.op("lab", "restart", replica=replica, data=Restarted("kill", self.child(name).process.pid))
        for session in self.desktops[name].replicas if name in self.desktops else ():
            self.record.op("lab", "restart", replica=session, data=Restarted("kill", self.child(name).process.pid))

    def appender(self, *, http: HttpClient | None = None, record: Recorder | None = None) -> Appender:
        """Our own writer, by default on the witness's way and into this history. ConfigError when signoff.toml does not
        say how to append."""
        call = self.config.module.append
        if call is None:
            raise ConfigError("the harness cannot append: signoff.toml has no module.append")
        way, book = http or self.http, record or self.record
        return Appender(way, self.database, call, self.config.hash, self.variables(), book)

    async def prune(self, stream: str, floor: int) -> None:
        """Move a stream's retention floor, and declare it. ConfigError when signoff.toml does not say how."""
        call = self.config.module.prune
        if call is None:
            raise ConfigError("the harness cannot prune: signoff.toml has no module.prune")
        args = [fill(argument, {**self.variables(), "stream": stream, "floor": floor}) for argument in call.args]
        await self.http.call(self.database, call.reducer, args)
        self.floors[stream] = floor
        self.record.op("lab", "prune", stream=stream, cursor=floor)

    def keep(self, name: str, data: bytes) -> None:
        """A file of the play's evidence, such as its schedule."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / name).write_bytes(data)

    def _watched(self, path: str) -> Callable[[Link], Tap]:
        """A tap for a path that should have no WebSocket: what crosses there is recorded all the same."""
        crossing = self.crossings[path] = Crossing(self.record, self.config.module.tables, self.config.hash)
        return crossing.box.tap

    async def sign_in(self, device: str, streams: list[str]) -> tuple[Session, str]:
        """A session and the identity that the server will know it by."""
        if self.control is None:
            raise ConfigError("a session needs the control surface: start it first")
        session = await self.control.sign_in(f"alice-{self.nonce[:6]}", device)
        minted = await self.control.mint(session, streams)
        return session, minted.identity

    def streams(self, count: int, prefix: str = "runtime.run") -> list[str]:
        """Stream names that nobody could have prepared."""
        return [f"{prefix}.{self.nonce}-{index}.events" for index in range(count)]

    def payload(self, key: str, **fields: Json) -> Json:
        """A payload that carries the nonce `key`; its other fields are seeded."""
        return {"zeta": self.rng.randrange(1 << 30), KEY_FIELD: key, "alpha": f"é-{self.rng.randrange(1000)}", **fields}

    # settling and reading ----------------------------------------------------------------------------------------

    async def settle(self, streams: list[str], expected: int, replicas: list[Replica] | None = None) -> bool:
        """Wait until the server holds `expected` events of these streams and the replicas applied as many."""

        async def everywhere() -> bool:
            if await self.observer.count() < expected:
                return False
            return all(sum(r.applied_seq(s) for s in streams) >= expected for r in replicas or ())

        try:
            await wait_until(everywhere, timeout_ms=SETTLE_TIMEOUT_MS, what=f"{expected} events everywhere")
        except WaitedTooLong as error:
            self.record.op("lab", "settle", "info", error=str(error))
            return False
        self.record.op("lab", "settle")
        return True

    async def read_replica(self, desktop: DesktopSurface, name: str) -> tuple[str, str]:
        """The final read of one desktop session: its state hash by our own count, and the one that it claims."""
        claimed = (await desktop.state(name)).state_hash
        return final_read_of(self.record, desktop.replicas[name], claimed), claimed

    async def account(self) -> None:
        """The three books of connections as socket Ops (I16)."""
        carried = self.lab.carried
        for name, ports in carried.items():
            if ports:
                self.record.op("relay", "socket", data=SocketSeen(name, "carried", count=len(ports)))
        known = set().union(*carried.values())
        seen = self.lab.table.look()
        self.record.op("relay", "socket", data=SocketSeen("all", "table", count=len(seen & known)))
        for port in sorted(seen - known):
            text = f"a connection from local port {port} reached the server past its proxy"
            self.record.op("relay", "socket", "fail", data=SocketSeen("", "table", port), error=text)
        await self._websocket_book()

    async def _websocket_book(self) -> None:
        samples = await self.lab.http.metrics()
        spawned = sum(v for name, v in samples.items() if name.startswith("spacetime_worker_ws_clients_spawned"))
        # One that was cut before its greeting may have been a client to the server already.
        carried = sum(crossing.upgraded + len(crossing.box.unsure) for crossing in self.crossings.values())
        ours = carried + self.own_sockets
        phase: Phase = "ok" if spawned <= ours else "fail"
        text = (
            f"the server counts {spawned:g} WebSocket clients, the lab's paths carried {ours}"
            if phase == "fail"
            else None
        )
        self.record.op(
            "relay",
            "socket",
            phase,
            data=SocketSeen("all" if phase == "ok" else "", "metric", count=int(spawned)),
            error=text,
        )

    own_sockets = 0  # subscriptions that the harness itself opened through its witness relay

    async def note_markers(self) -> None:
        """Marker lines of defect variants, as they stand in the logs of the surfaces and of the module."""
        for child in self.children:
            for line in child.markers():
                self.record.op(child.name, "probe", "info", marker=line)
        if self._lab is None:
            return
        with contextlib.suppress(WireError):
            for line in await self.lab.http.module_log(self.lab.database):
                if MARKER_PREFIX in line:
                    self.record.op("module", "probe", "info", marker=line[line.index(MARKER_PREFIX) :])

    async def close(self) -> None:
        """Stop surfaces first, then the lab; keep the logs, drop the work."""
        stops = [desktop.stop for desktop in self.desktops.values()]
        stops += [service.close for service in (self.runtime, self.control) if service is not None]
        results = await asyncio.gather(*(stop() for stop in stops), return_exceptions=True)
        try:
            if self._lab is not None:
                await self.lab.down()
        finally:
            for disk in self.disks.values():
                disk.unmount()
            self.record.close()
            for log in self.logs.glob("*.log"):
                self.record.redactor.clean_file(log)
            shutil.rmtree(self._work, ignore_errors=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, SubjectError):
                raise result
