"""The subject on the stage of one lab: each surface is started when asked for, told only its own paths' addresses.

Owns their processes, folders, disks and ways, and what crosses these. What is done with them is the scenario's.

    class Scenario(Staging): ...
    runtime = await scene.start_runtime()
    await scene.kill("runtime")
    await scene.start_again("runtime")
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from harness.canonical import Json
from harness.config import HttpSurfaceConfig, SurfaceConfig
from harness.errors import ConfigError, SubjectError
from harness.evidence.recorder import Recorder
from harness.evidence.redact import Redactor
from harness.history import Restarted
from harness.lab.disk import SmallDisk
from harness.lab.keys import ISSUER
from harness.lab.relay import Link, Tap
from harness.lab.topology import Lab
from harness.process import work_folder
from harness.setup import Setup
from harness.surfaces.child import Child
from harness.surfaces.control import ControlSurface
from harness.surfaces.crossing import Crossing
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.runtime import RuntimeSurface
from harness.surfaces.service import Place
from harness.wire.identity import identity_of


class AbsentSurface(SubjectError):
    """signoff.toml names no such surface: the gate is MISSING, not failed."""


def absence(surface: str) -> str:
    """The reason of every gate that needs it."""
    return f"signoff.toml has no [{surface}]"


class Staging:
    """`lab` False: no server is started, and no surface can be."""

    def __init__(self, setup: Setup, name: str, out: Path, *, lab: bool) -> None:
        self.config = setup.config
        self.nonce = secrets.token_hex(8)
        self.record = Recorder(out / "history.jsonl", name, Redactor(self.config.secrets))
        self.logs = out / "logs"
        self._work = work_folder()
        self._lab = setup.new_lab(self._work / "lab", self.logs) if lab else None
        self.children: list[Child] = []
        self.control: ControlSurface | None = None
        self.runtime: RuntimeSurface | None = None
        self.desktops: dict[str, DesktopSurface] = {}
        self.disks: dict[str, SmallDisk] = {}
        self._ports: dict[str, int] = {}
        self.crossings: dict[str, Crossing] = {}  # by the name of their path

    @property
    def lab(self) -> Lab:
        if self._lab is None:
            raise AbsentSurface("this scene has no lab of its own")
        return self._lab

    async def open(self) -> None:
        """The lab, with a port for each service, the runtime's identity, and an eye on the desktops' path."""
        await self.lab.__aenter__()
        signing_key = self.lab.keys.private_pem
        for secret in (self.lab.owner.token, signing_key, *signing_key.splitlines()[1:-1]):
            self.record.redactor.add(secret)
        for name in ("control", "runtime"):
            self._ports[name] = self.lab.ports.take()
        runtime = self.config.runtime
        self.runtime_token = self.lab.keys.token(ISSUER, runtime.service_subject if runtime else "runtime")
        self.record.redactor.add(self.runtime_token.token)
        self.crossing = self.crossings["desktop"] = self._new_crossing()

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

    async def _told(self, name: str, config: HttpSurfaceConfig) -> dict[str, Json]:
        """What a service is told, with a path to the server: from a port of ours, or from where one that runs already
        looks for it."""
        path = await self.lab.path(name, tap=self._watched(name), port=config.server_port)
        port, folder = self._ports[name], str(self.folder(name))
        return {**self.variables(), "server.url": path.url, "port": port, "dir": folder}

    def _new_crossing(self) -> Crossing:
        return Crossing(self.record, self.config.module.tables, self.config.hash)

    def _watched(self, path: str) -> Callable[[Link], Tap]:
        """A tap for a path that should have no WebSocket: what crosses there is recorded all the same."""
        crossing = self.crossings[path] = self._new_crossing()
        return crossing.box.tap

    async def start_control(self) -> ControlSurface:
        if self.config.control is None:
            raise AbsentSurface(absence("control"))
        if self.control is None:
            child = self._child("control", self.config.control)
            place = await self._place("control", self.config.control)
            self.control = ControlSurface(child, self.config.control, place, self.record)
            told = await self._told("control", self.config.control)
            self._control_variables = {**told, "server.signing_key": self.lab.keys.private_pem}
        await self.control.start(self._control_variables)
        return self.control

    async def start_runtime(self) -> RuntimeSurface:
        if self.config.runtime is None:
            raise AbsentSurface(absence("runtime"))
        if self.runtime is None:
            child = self._child("runtime", self.config.runtime)
            place = await self._place("runtime", self.config.runtime)
            self.runtime = RuntimeSurface(child, self.config.runtime, self.config.hash, place, self.record)
            self._runtime_variables = await self._told("runtime", self.config.runtime)
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

    def _stops(self) -> list[Callable[[], Awaitable[None]]]:
        """What ends all that was started in the lab."""
        services = (self.runtime, self.control)
        return [
            *(desktop.stop for desktop in self.desktops.values()),
            *(service.close for service in services if service is not None),
        ]

    async def close(self) -> None:
        """Stop surfaces first, then the lab; keep the logs, drop the work."""
        results = await asyncio.gather(*(stop() for stop in self._stops()), return_exceptions=True)
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
