"""What an act is: what a fault does to a scene, undone once, with the witness that belongs to it."""

from __future__ import annotations

from typing import Generic, TypeVar

from chaos import faults
from chaos.witnesses.base import Witness
from harness.errors import UserError
from harness.lab.topology import ProxiedPath
from harness.process import Process
from harness.scenario import Scenario

F = TypeVar("F", bound=faults.Fault)


class Act(Generic[F]):
    """Base. `window` is the name that its Ops carry; `held` what nobody else may act on meanwhile."""

    def __init__(self, scene: Scenario, fault: F, target: str, window: str) -> None:
        self.scene, self.fault, self.target, self.window = scene, fault, target, window

    @property
    def held(self) -> tuple[str, str]:
        return "scene", self.target

    async def on(self) -> None:
        raise NotImplementedError

    async def off(self) -> None:
        raise NotImplementedError

    def witness(self) -> Witness:
        raise NotImplementedError


class OnPath(Act[F]):
    @property
    def held(self) -> tuple[str, str]:
        return "path", self.target

    @property
    def path(self) -> ProxiedPath:
        path = self.scene.lab.paths.get(self.target)
        if path is None:
            raise UserError(f"there is no path {self.target!r}", hint=f"there are {sorted(self.scene.lab.paths)}")
        return path


class OnProcess(Act[F]):
    @property
    def held(self) -> tuple[str, str]:
        return "process", self.target

    @property
    def process(self) -> Process:
        return self.scene.child(self.target).process

    def pid(self) -> int:
        return self.process.pid
