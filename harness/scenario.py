"""One scenario: a lab, the subject's surfaces in it, our observer, and one history of all of it.

What a gate plays on. Surfaces are started when asked for, each told only the addresses of its own paths.

    async with Scenario(setup, "sync/runtime-to-desktop", out=folder, chosen=Chosen(seed=7)) as scene:
        runtime = await scene.start_runtime()
        await runtime.publish(stream, scene.payload(key), idem_key)
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from harness.books import exchanges_of, keep_books, note_markers
from harness.canonical import Json
from harness.config import HttpSurfaceConfig, SurfaceConfig
from harness.errors import ConfigError, SubjectError
from harness.evidence.exchanges import Exchange
from harness.evidence.recorder import Recorder
from harness.evidence.redact import Redactor
from harness.history import Op, Restarted
from harness.lab.disk import SmallDisk
from harness.lab.keys import ISSUER
from harness.lab.relay import Link, Tap
from harness.lab.topology import Lab
from harness.process import work_folder
from harness.setup import Chosen, Setup
from harness.surfaces.child import Child
from harness.surfaces.control import ControlSurface, Session
from harness.surfaces.crossing import Crossing
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.events import KEY_FIELD
from harness.surfaces.follower import Eyes, Follower
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


def absence(surface: str) -> str:
    """The reason of every gate that needs it."""
    return f"signoff.toml has no [{surface}]"


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
        self._followers: list[Follower] = []
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
        self.record.listeners.append(self._note_identity)
        self.schema = self.crossing.schema = await self.lab.http.schema(self.lab.database)

    def variables(self) -> dict[str, Json]:
        """Placeholders that are known everywhere."""
        there = self.config.control.runs_at if self.config.control else ""
        control_url = there or f"http://127.0.0.1:{self._ports['control']}"
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

    def _note_identity(self, op: Op) -> None:
        """Whose connection it is, as the server greeted it on the way."""
        if op.f == "frame" and op.connection is not None and op.identity is not None:
            self.observer.identities[op.connection] = op.identity

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

    async def _place(self, name: str, config: HttpSurfaceConfig) -> Place:
        """Where it is: on a port of ours, or at the URL where it runs already."""
        url = urlsplit(config.runs_at or f"http://127.0.0.1:{self._ports[name]}")
        if url.scheme == "https":
            return Place(url.geturl(), None)
        target = (url.hostname or "127.0.0.1", url.port or 80)
        return Place(url.geturl(), await self.lab.interposer(f"harness-{name}", target))

    async def start_control(self) -> ControlSurface:
        if self.config.control is None:
            raise AbsentSurface(absence("control"))
        if self.control is None:
            child = self._child("control", self.config.control)
            place = await self._place("control", self.config.control)
            self.control = ControlSurface(child, self.config.control, place, self.record)
            path = await self.lab.path("control", tap=self._watched("control"))
            signing_key = self.lab.keys.private_pem
            for line in (signing_key, *signing_key.split()):
                self.record.redactor.add(line)
            self._control_variables = {
                **self.variables(),
                "server.signing_key": signing_key,
                "server.url": path.url,
                "port": self._ports["control"],
                "dir": str(self.folder("control")),
            }
        await self.control.start(self._control_variables)
        return self.control

    async def start_runtime(self) -> RuntimeSurface:
        if self.config.runtime is None:
            raise AbsentSurface(absence("runtime"))
        if self.runtime is None:
            child = self._child("runtime", self.config.runtime)
            place = await self._place("runtime", self.config.runtime)
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
            raise AbsentSurface(absence("desktop"))
        if "desktop" not in self.lab.paths:
            await self.lab.path("desktop", tap=self.crossing.box.tap)
            await self.lab.path("desktop-control", self._control_address(), tap=self._watched("desktop-control"))
        desktop = self.desktops.get(name)
        if desktop is None:
            child, tables = self._child(name, self.config.desktop), self.config.module.tables
            desktop = self.desktops[name] = DesktopSurface(
                child, self.config.desktop, tables, self.config.hash, self.record, self.crossing.delivered
            )
        variables = {
            **self.variables(),
            "server.url": self.lab.paths["desktop"].url,
            "control.url": self.lab.paths["desktop-control"].url,
            "dir": str(self.folder(name)),
        }
        await desktop.start(variables)
        return desktop

    def _control_address(self) -> tuple[str, int]:
        url = urlsplit(str(self.variables()["control.url"]))
        return url.hostname or "127.0.0.1", url.port or 80

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

    async def follow(self, streams: list[str]) -> Follower:
        """Our own subscriber, on the witness's way, until the scene ends."""
        eyes = Eyes(self.schema, self.config.module.tables, self.config.hash)
        way, token = self.lab.witness_relay.url, self.lab.owner.token
        follower = await Follower.open(way, self.lab.database, token, streams, eyes, self.record)
        self.own_sockets += 1
        self._followers.append(follower)
        return follower

    def appender(self, *, http: HttpClient | None = None, record: Recorder | None = None) -> Appender:
        """Our own writer, by default on the witness's way and into this history."""
        way, book = http or self.http, record or self.record
        return Appender(way, self.database, self.config, self.variables(), book)

    async def prune(self, stream: str, floor: int) -> None:
        """Move a stream's retention floor, and declare it. SubjectError when signoff.toml does not say how."""
        call = self.config.module.prune
        if call is None:
            raise SubjectError("the harness cannot prune", hint="add module.prune to signoff.toml")
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
        """Stream names that nobody could have prepared, for the harness's own writer."""
        return [f"{prefix}.{self.nonce}-{index}.events" for index in range(count)]

    async def open_streams(self, count: int, prefix: str = "runtime.run") -> list[str]:
        """Streams for the runtime to publish into: opened by it, where signoff.toml says that it does so."""
        names = self.streams(count, prefix)
        return [await self.runtime.open_stream(name) for name in names] if self.runtime is not None else names

    def own_events(self, streams: Iterable[str]) -> int:
        """How many events the subject itself wrote into these streams when it opened them."""
        return sum(self.runtime.own_events.get(stream, 0) for stream in streams) if self.runtime is not None else 0

    def payload(self, key: str, **fields: Json) -> Json:
        """A payload that carries the nonce `key`; its other fields are seeded."""
        return {"zeta": self.rng.randrange(1 << 30), KEY_FIELD: key, "alpha": f"é-{self.rng.randrange(1000)}", **fields}

    # settling and reading ----------------------------------------------------------------------------------------

    async def settle(self, streams: list[str], expected: int, replicas: list[Replica] | None = None) -> bool:
        """Wait until the server holds `expected` events of the harness's, beside the subject's own, and the replicas
        applied as many of these streams."""

        async def everywhere() -> bool:
            opened = self.runtime.own_events if self.runtime is not None else ()
            if await self.observer.count() < expected + self.own_events(opened):
                return False
            least = expected + self.own_events(streams)
            return all(sum(r.applied_seq(s) for s in streams) >= least for r in replicas or ())

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
        await keep_books(self.record, self.lab, self.crossings.values(), self.own_sockets)

    own_sockets = 0  # subscriptions that the harness itself opened through its witness relay

    def exchanges(self) -> list[Exchange]:
        """HTTP as it was exchanged: ours with the surfaces, and theirs with the server."""
        return exchanges_of([one for one in (self.control, self.runtime) if one is not None], self.crossings)

    async def note_markers(self) -> None:
        """Marker lines of defect variants, as they stand in the logs of the surfaces and of the module."""
        await note_markers(self.record, self.children, self._lab)

    async def close(self) -> None:
        """Stop surfaces first, then the lab; keep the logs, drop the work."""
        stops = [follower.close for follower in self._followers]
        stops += [desktop.stop for desktop in self.desktops.values()]
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
