"""What each fault does to a scene, and undoes. One act per kind, with the witness that belongs to it.

An act is switched on once and off once; `off` also undoes one that failed half way.

    act = act_of(scene, Latency(ms=200), "desktop")
    await act.on()
    await act.off()
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from chaos import faults, witnesses
from chaos.frames import Altering
from chaos.modules import other_column, same_code
from chaos.torn import tear
from harness.errors import UserError
from harness.history import Op, Restarted
from harness.lab.disk import SmallDisk
from harness.lab.sink import Attempt, Sink
from harness.lab.topology import ProxiedPath
from harness.process import Process
from harness.scenario import Scenario
from harness.surfaces.control import ControlSurface
from harness.wire.http import HttpRefused

FILL_BYTES = 4096  # of our own request under slicing: enough pieces to be slower
_F = TypeVar("_F", bound=faults.Fault)


class Act(Generic[_F]):
    """Base. `window` is the name that its Ops carry."""

    def __init__(self, scene: Scenario, fault: _F, target: str, window: str) -> None:
        self.scene, self.fault, self.target, self.window = scene, fault, target, window

    async def on(self) -> None:
        raise NotImplementedError

    async def off(self) -> None:
        raise NotImplementedError

    def witness(self) -> witnesses.Witness:
        raise NotImplementedError


class _OnPath(Act[_F]):
    @property
    def path(self) -> ProxiedPath:
        path = self.scene.lab.paths.get(self.target)
        if path is None:
            raise UserError(f"there is no path {self.target!r}", hint=f"there are {sorted(self.scene.lab.paths)}")
        return path

    async def _toxiproxy(self, call: Callable[..., None], *args: object) -> None:
        """Beside the loop: Toxiproxy may wait for a connection that our own relay has to drain."""
        await asyncio.to_thread(call, *args)


class _ProxyDown(_OnPath[faults.ProxyDown]):
    async def on(self) -> None:
        await self._toxiproxy(self.scene.lab.toxics.set_enabled, self.target, False)

    async def off(self) -> None:
        await self._toxiproxy(self.scene.lab.toxics.set_enabled, self.target, True)

    def witness(self) -> witnesses.Witness:
        return witnesses.RefusedConnects(self.path.port)


class _Toxic(_OnPath[_F]):
    """One or more toxics of Toxiproxy, by the names that it gives them back."""

    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        """(type, stream, attributes)"""
        raise NotImplementedError

    async def on(self) -> None:
        for kind, stream, attributes in self.toxics():
            name = f"{self.window}-{kind}-{stream}"
            await self._toxiproxy(self.scene.lab.toxics.add, self.target, kind, stream, attributes, name)

    async def off(self) -> None:
        for kind, stream, _ in self.toxics():
            await self._toxiproxy(self.scene.lab.toxics.remove, self.target, f"{self.window}-{kind}-{stream}")


class _Reset(_Toxic[faults.Reset]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("reset_peer", "downstream", {"timeout": 0}), ("reset_peer", "upstream", {"timeout": 0})]

    def witness(self) -> witnesses.Witness:
        return witnesses.ResetAnswers(self.path.port)


class _HalfOpen(_Toxic[faults.HalfOpen]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("timeout", "downstream", {"timeout": 0}), ("timeout", "upstream", {"timeout": 0})]

    def witness(self) -> witnesses.Witness:
        return witnesses.NoAnswers(self.path.port)


class _Latency(_Toxic[faults.Latency]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("latency", "downstream", {"latency": self.fault.ms, "jitter": 0})]

    def witness(self) -> witnesses.Witness:
        return witnesses.Slower(self.path.port, needed_ms=self.fault.ms / 2)


class _Bandwidth(_Toxic[faults.Bandwidth]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        return [("bandwidth", "upstream", {"rate": self.fault.kb_per_s}),
                ("bandwidth", "downstream", {"rate": self.fault.kb_per_s})]  # fmt: skip

    def witness(self) -> witnesses.Witness:
        needed_ms = FILL_BYTES / 1024 / self.fault.kb_per_s * 1000 / 2
        return witnesses.Slower(self.path.port, needed_ms=needed_ms, fill_bytes=FILL_BYTES)


class _Slicing(_Toxic[faults.Slicing]):
    def toxics(self) -> list[tuple[str, str, Mapping[str, int]]]:
        sizes = {"average_size": self.fault.bytes, "size_variation": 0, "delay": self.fault.delay_us}
        return [("slicer", "upstream", sizes)]

    def witness(self) -> witnesses.Witness:
        needed_ms = FILL_BYTES / self.fault.bytes * self.fault.delay_us / 1000 / 2
        return witnesses.Slower(self.path.port, needed_ms=needed_ms, fill_bytes=FILL_BYTES)


class _LostReply(_OnPath[faults.LostReply]):
    async def on(self) -> None:
        self.path.relay.cutting = True

    async def off(self) -> None:
        self.path.relay.cutting = False

    def witness(self) -> witnesses.Witness:
        return witnesses.CutReplies(self.path.relay)


class _Sunk(_OnPath[faults.Sunk]):
    """The sink takes the proxy's own port; each attempt becomes an Op, stamped on arrival."""

    def __init__(self, scene: Scenario, fault: faults.Sunk, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        self._sink = Sink(self.path.port, on_attempt=self._note)

    def _note(self, attempt: Attempt) -> None:
        replica = self.target if self.target in ("runtime", "control") else None
        self.scene.record.op(
            "sink", "connect", "fail", fault=self.window, identity=attempt.identity, replica=replica, error="reset"
        )

    async def on(self) -> None:
        await self._toxiproxy(self.scene.lab.toxics.set_enabled, self.target, False)
        await self._sink.start()

    async def off(self) -> None:
        await self._sink.close()
        await self._toxiproxy(self.scene.lab.toxics.set_enabled, self.target, True)

    def witness(self) -> witnesses.Witness:
        return witnesses.SinkSaw(self._sink)


class _Server(Act[_F]):
    how: str = "kill"

    async def on(self) -> None:
        await self.scene.lab.server.kill()

    async def off(self) -> None:
        """Record that it comes back and with what, and start it again."""
        lab = self.scene.lab
        if lab.server.process.alive:
            await lab.server.kill()
        self.change_data()
        # Recorded while nobody can be connected: what is seen on a connection afterwards belongs to the new data.
        heads = lab.data_heads if self.how == "restore" else {}
        data = Restarted(self.how, lab.server.process.pid, heads)  # type: ignore[arg-type]
        self.scene.record.op("lab", "restart", data=data)
        await lab.server.start(lab.witness_relay.url)
        await self.operate()

    def change_data(self) -> None:
        """What happens to its data while it is down."""

    async def operate(self) -> None:
        """What its operator does once it is up."""

    def witness(self) -> witnesses.Witness:
        return witnesses.GoneAndBack(lambda: self.scene.lab.server.process.pid)


class _ServerRestore(_Server[faults.ServerRestore]):
    how = "restore"

    def change_data(self) -> None:
        copy: Path | None = self.scene.lab.data_copy
        if copy is None:
            raise UserError("there is no older copy of the server's data: the drill takes one before its schedule")
        self.scene.lab.server.put_data(copy)


class _ServerWipe(_Server[faults.ServerWipe]):
    how = "wipe"

    def change_data(self) -> None:
        self.scene.lab.server.put_data(None)

    async def operate(self) -> None:
        await self.scene.lab.republish()


class _Prune(Act[faults.Prune]):
    async def on(self) -> None:
        for stream, head in (await self.scene.observer.heads()).items():
            if head > self.fault.keep:
                await self.scene.prune(stream, head - self.fault.keep)

    async def off(self) -> None:
        """Retention is not undone."""

    def witness(self) -> witnesses.Witness:
        return witnesses.Pruned(self.scene.observer)


class _Republish(Act[faults.Republish]):
    async def on(self) -> None:
        lab, wasm = self.scene.lab, self.scene.lab.wasm
        name = self.scene.config.module.tables.events.payload
        changed = same_code(wasm, self.window) if self.fault.compatible else other_column(wasm, name)
        try:
            await lab.http.publish(lab.database, changed)
        except HttpRefused as refused:
            self.answer = f"{refused.status} {refused.text[:120]}"

    answer = "accepted"

    async def off(self) -> None:
        """Record what the server said. The module stays: both run the same code."""
        expected = "accepted" if self.fault.compatible else "refused"
        said = self.answer if self.answer == "accepted" else "refused"
        what = "a compatible module" if self.fault.compatible else "a module whose events table lacks a column"
        self.scene.record.expect("server", f"{self.window}: {what} is {expected}", expected, said)

    def witness(self) -> witnesses.Witness:
        lab = self.scene.lab
        return witnesses.Program(lab.http, lab.database, changes=self.fault.compatible)


class _OnProcess(Act[_F]):
    @property
    def process(self) -> Process:
        return self.scene.child(self.target).process

    def pid(self) -> int:
        return self.process.pid


class _Pause(_OnProcess[faults.Pause]):
    async def on(self) -> None:
        self.scene.child(self.target).pause()

    async def off(self) -> None:
        self.scene.child(self.target).resume()

    def witness(self) -> witnesses.Witness:
        return witnesses.Stopped(self.pid)


class _Kill(_OnProcess[faults.Kill]):
    """At once, or at the n-th Op of a kind: the record itself pulls the trigger, so nothing comes between."""

    def __init__(self, scene: Scenario, fault: faults.Kill, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        self._count = 0

    async def on(self) -> None:
        if self.fault.after:
            self.scene.record.listeners.append(self._look)
        else:
            await self.scene.kill(self.target)

    def _look(self, op: Op) -> None:
        if op.f == self.fault.after and op.phase == "ok":
            self._count += 1
            if self._count == self.fault.nth:
                self.scene.child(self.target).shoot()

    async def off(self) -> None:
        if self._look in self.scene.record.listeners:
            self.scene.record.listeners.remove(self._look)
        await self.scene.kill(self.target)
        await self.scene.start_again(self.target)

    def witness(self) -> witnesses.Witness:
        return witnesses.GoneAndBack(self.pid)


class _TornState(_OnProcess[faults.TornState]):
    async def on(self) -> None:
        await self.scene.kill(self.target)
        tear(self.scene.folder(self.target), self.fault.how)

    async def off(self) -> None:
        await self.scene.kill(self.target)
        await self.scene.start_again(self.target)

    def witness(self) -> witnesses.Witness:
        return witnesses.Torn(self.scene.folder(self.target))


class _Rotate(Act[faults.Rotate]):
    async def on(self) -> None:
        await _control(self.scene).rotate()

    async def off(self) -> None:
        """A key that signs is not taken back."""

    def witness(self) -> witnesses.Witness:
        return witnesses.AnotherKey(_control(self.scene), f"{self.window}-witness")


def _control(scene: Scenario) -> ControlSurface:
    if scene.control is None:
        raise UserError("the control service was not started")
    return scene.control


class _DiskFull(Act[faults.DiskFull]):
    @property
    def disk(self) -> SmallDisk:
        disk = self.scene.disks.get(self.target)
        if disk is None:
            raise UserError(f"{self.target!r} has no small disk", hint="the drill gives it one before it starts")
        return disk

    async def on(self) -> None:
        self.disk.fill()

    async def off(self) -> None:
        self.disk.drain()

    def witness(self) -> witnesses.Witness:
        return witnesses.NoRoom(self.disk)


class _Frames(_OnPath[faults.Frames]):
    def __init__(self, scene: Scenario, fault: faults.Frames, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        self._altering = Altering(fault, scene.crossing.box, asyncio.get_running_loop())

    async def on(self) -> None:
        self.scene.crossing.box.alter = self._altering

    async def off(self) -> None:
        self.scene.crossing.box.alter = None
        self._altering.release()

    def witness(self) -> witnesses.Witness:
        return witnesses.Altered(lambda: self._altering.times_ns)


_ACTS: Mapping[type[faults.Fault], Callable[..., Act]] = {  # type: ignore[type-arg]
    faults.ProxyDown: _ProxyDown,
    faults.Reset: _Reset,
    faults.HalfOpen: _HalfOpen,
    faults.Latency: _Latency,
    faults.Bandwidth: _Bandwidth,
    faults.Slicing: _Slicing,
    faults.LostReply: _LostReply,
    faults.Sunk: _Sunk,
    faults.ServerKill: _Server,
    faults.ServerRestore: _ServerRestore,
    faults.ServerWipe: _ServerWipe,
    faults.Prune: _Prune,
    faults.Republish: _Republish,
    faults.Pause: _Pause,
    faults.Kill: _Kill,
    faults.TornState: _TornState,
    faults.Rotate: _Rotate,
    faults.DiskFull: _DiskFull,
    faults.Frames: _Frames,
}


def act_of(scene: Scenario, fault: faults.Fault, target: str, window: str = "w") -> Act[faults.Fault]:
    """What this fault does to this target."""
    return _ACTS[type(fault)](scene, fault, target, window)
