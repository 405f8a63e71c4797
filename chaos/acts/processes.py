"""Acts on the subject's own processes: stopped, killed at a moment of choice, keys rotated, disks filled."""

from __future__ import annotations

import asyncio

from chaos import faults
from chaos.acts.base import Act, F, OnProcess
from chaos.torn import tear
from chaos.witnesses import processes as witnesses
from chaos.witnesses.base import Witness
from harness.errors import UserError
from harness.history import Op
from harness.lab.disk import SmallDisk
from harness.process import Process
from harness.scenario import Scenario
from harness.surfaces.control import ControlSurface

ENDING_MS = 100  # between a SIGKILL and the process being gone


class PauseAct(OnProcess[faults.Pause]):
    async def on(self) -> None:
        self.scene.child(self.target).pause()

    async def off(self) -> None:
        self.scene.child(self.target).resume()

    def witness(self) -> Witness:
        return witnesses.Stopped(self.pid)


class KillAct(OnProcess[F]):
    """At once. What was killed is started again; a process that goes on was not."""

    async def on(self) -> None:
        await self.scene.kill(self.target)

    async def off(self) -> None:
        await self.disarm()
        if not await self.process.ended_within(ENDING_MS):
            return
        await self.scene.kill(self.target)
        await self.scene.start_again(self.target)

    async def disarm(self) -> None:
        """Nobody is to be killed from here on."""

    def witness(self) -> Witness:
        return witnesses.GoneAndBack(self.pid)


class KillAfterAct(KillAct[faults.Kill]):
    """At the n-th Op of a kind: the record itself pulls the trigger, so nothing comes between."""

    def __init__(self, scene: Scenario, fault: faults.Kill, target: str, window: str) -> None:
        super().__init__(scene, fault, target, window)
        self._count = 0

    async def on(self) -> None:
        self.scene.record.listeners.append(self._look)

    def _look(self, op: Op) -> None:
        desktop = self.scene.desktops.get(self.target)
        own = op.replica in desktop.replicas if desktop is not None else op.replica is None
        if op.f == self.fault.after and op.phase == "ok" and own:
            self._count += 1
            if self._count == self.fault.nth:
                loop, child = asyncio.get_running_loop(), self.scene.child(self.target)
                loop.call_later(self.fault.delay_ms / 1000, child.shoot) if self.fault.delay_ms else child.shoot()

    async def disarm(self) -> None:
        if self._look in self.scene.record.listeners:
            self.scene.record.listeners.remove(self._look)


class KillAtSyscallAct(KillAct[faults.KillAtSyscall]):
    """strace attaches to the process as it runs, and kills it in the call that was named."""

    _tracer: Process | None = None

    async def on(self) -> None:
        calls, nth = self.fault.syscalls, self.fault.nth
        argv = ["strace", "-f", "-qq", "-p", str(self.pid()), "-e", f"trace={calls}"]
        argv += ["-e", f"inject={calls}:signal=KILL:when={nth}"]
        log, name = self.scene.logs / f"strace-{self.window}.log", f"strace-{self.window}"
        self._tracer = await Process.start(argv, name=name, log=log, scenario=self.scene.lab.scenario)

    async def disarm(self) -> None:
        if self._tracer is not None:
            await self._tracer.stop()


def kill_act(scene: Scenario, fault: faults.Kill, target: str, window: str) -> Act[faults.Kill]:
    return (KillAfterAct if fault.after else KillAct[faults.Kill])(scene, fault, target, window)


class TornStateAct(KillAct[faults.TornState]):
    async def on(self) -> None:
        await self.scene.kill(self.target)
        tear(self.scene.folder(self.target), self.fault.how)

    def witness(self) -> Witness:
        return witnesses.Torn(self.scene.folder(self.target))


class RotateAct(Act[faults.Rotate]):
    async def on(self) -> None:
        await _control(self.scene).rotate()

    async def off(self) -> None:
        """A key that signs is not taken back."""

    def witness(self) -> Witness:
        return witnesses.AnotherKey(_control(self.scene), f"{self.window}-witness")


def _control(scene: Scenario) -> ControlSurface:
    if scene.control is None:
        raise UserError("the control service was not started")
    return scene.control


class DiskFullAct(Act[faults.DiskFull]):
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

    def witness(self) -> Witness:
        return witnesses.NoRoom(self.disk)
