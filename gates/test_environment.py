"""The environment contract: a surface that is not told all that it needs ends at once, and says what it lacks."""

from __future__ import annotations

import asyncio
import contextlib
import time

from gates.environment import Spoilt, required, spoilt
from harness.checkers.contract import ContractBroken
from harness.config import SurfaceConfig
from harness.errors import SubjectError
from harness.gate import gate
from harness.scenario import Scenario
from harness.staging import AbsentSurface, absence
from harness.surfaces.child import Child
from harness.wait import WaitedTooLong, wait_until

END_TIMEOUT_MS = 6_000  # for an interpreter to start and to say no, several beside each other on two cores
AT_ONCE = 3
PER_CASE = 4


class _Starts:
    """Starts of one surface with one variable spoilt each, some beside each other."""

    def __init__(self, scene: Scenario, surface: str, config: SurfaceConfig) -> None:
        self.scene, self.surface, self.config = scene, surface, config
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def play(self, number: int, case: Spoilt) -> None:
        async with self._turn:
            await self._play(number, case)

    async def _play(self, number: int, case: Spoilt) -> None:
        scene, name = self.scene, f"{self.surface}-env-{number}"
        env = {key: value for key, value in self.config.env.items() if key != case.name}
        if case.value is not None:
            env[case.name] = case.value.replace("{", "{{").replace("}", "}}")
        port = scene.lab.ports.take()
        child = Child(
            name, self.config.model_copy(update={"env": env}), scene.config.folder, scene.logs,
            scenario=scene.lab.scenario,
        )  # fmt: skip
        scene.children.append(child)
        variables = {**scene.variables(), "port": port, "dir": str(scene.folder(name)),
                     "server.url": scene.lab.witness_relay.url}  # fmt: skip
        began = time.monotonic()
        await child.spawn(variables, lines=self.surface == "desktop")
        bound = await self._watch(child, port)
        took_ms = int((time.monotonic() - began) * 1000)
        ended = not child.process.alive
        code = child.process.returncode
        await child.kill()
        said = child.log.read_text(encoding="utf-8", errors="replace") if child.log.is_file() else ""
        what = f"{case.name} {case.what}"
        expect, record = scene.record.expect, self.surface
        expect(
            record,
            f"{what}: it ends within {END_TIMEOUT_MS} ms",
            "ended",
            "ended" if ended else f"it runs after {took_ms} ms",
        )
        expect(record, f"{what}: it ends with a code that is not 0", True, code is not None and code > 0)
        expect(record, f"{what}: its message names the variable", True, case.name in said)
        expect(record, f"{what}: it never listens on its port", False, bound)

    async def _watch(self, child: Child, port: int) -> bool:
        """Until it ends or the limit passes: did its port ever answer?"""
        bound = False

        async def is_over() -> bool:
            nonlocal bound
            bound = bound or await _answers(port)
            return bound or not child.process.alive

        with contextlib.suppress(WaitedTooLong):
            await wait_until(is_over, timeout_ms=END_TIMEOUT_MS, what=f"{child.name} to end")
        return bound


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _contract(scene: Scenario, surface: str, config: SurfaceConfig) -> None:
    """The positive control has been played by the caller: with its whole environment the surface starts."""
    if not required(config):
        raise SubjectError(
            f"{surface} is told nothing that it needs", hint=f"give [{surface}.env] of signoff.toml its variables"
        )
    cases, starts = spoilt(config), _Starts(scene, surface, config)
    async with asyncio.TaskGroup() as group:
        for number, case in enumerate(cases):
            group.create_task(starts.play(number, case))


@gate("runtime/env-contract", surfaces=["runtime"], checkers=[ContractBroken()], floors={"request": 2 * PER_CASE + 1})
async def test_runtime_environment(scene: Scenario) -> None:
    """C-04: each variable of the runtime's environment, missing or malformed, stops it at its start."""
    runtime = await scene.start_runtime()
    runtime.expect("with its whole environment it starts", True, runtime.child.process.alive)
    await _contract(scene, "runtime", runtime.config)


@gate("control/env-contract", surfaces=["control"], checkers=[ContractBroken()], floors={"request": 2 * PER_CASE + 1})
async def test_control_environment(scene: Scenario) -> None:
    """C-04: each variable of the control service's environment, missing or malformed, stops it at its start."""
    control = await scene.start_control()
    control.expect("with its whole environment it starts", True, control.child.process.alive)
    await _contract(scene, "control", control.config)


@gate("desktop/env-contract", surfaces=["desktop"], checkers=[ContractBroken()], floors={"request": 2 * PER_CASE + 1})
async def test_desktop_environment(scene: Scenario) -> None:
    """C-04: each variable of the desktop's environment, missing or malformed, stops it at its start."""
    if scene.config.desktop is None:
        raise AbsentSurface(absence("desktop"))
    if scene.config.control is not None:
        await scene.start_control()
    desktop = await scene.start_desktop()
    scene.record.expect("desktop", "with its whole environment it starts", True, desktop.child.process.alive)
    await _contract(scene, "desktop", scene.config.desktop)
