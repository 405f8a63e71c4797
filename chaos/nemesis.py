"""The nemesis plays a schedule on a scene, records what it did, and heals everything in every case.

Each window becomes a `fault_on` and a `fault_off` Op; the latter carries the traffic that the workload made inside
the window and what the witness measured. A window that bit nothing is recorded as it is: I12 makes the drill UNKNOWN.

    nemesis = Nemesis(scene, schedule)
    await nemesis.play()          # returns when all windows are healed; also after a failure or an interrupt
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable

from chaos.acts import act_of
from chaos.acts.base import Act
from chaos.faults import Fault
from chaos.schedule import Schedule, Window
from chaos.witnesses.base import Witness
from harness.history import F, Faulted, Healed, Phase
from harness.scenario import Scenario
from harness.wait import WaitedTooLong, until, wait_until

_TRAFFIC: tuple[tuple[F, Phase], ...] = (("publish", "invoke"), ("append", "invoke"), ("connect", "invoke"))
PATIENCE_MS = 10_000  # twice the longest wait that the reference subject makes
HEAL_TIMEOUT_S = 30  # a server restart takes a fifth of a second; beyond this the lab is broken


class Nemesis:
    """`harmless` leaves every act out, and everything else as it is: what a test of the witnesses plays."""

    def __init__(self, scene: Scenario, schedule: Schedule, *, harmless: bool = False) -> None:
        self.scene, self.schedule, self._harmless = scene, schedule, harmless
        self._played: set[str] = set()
        self._busy: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def play(self, only: Callable[[Window], bool] = lambda window: True) -> None:
        """All windows by the clock, beside each other where they overlap; or `only` those of one act of the drill, the
        first of which then begins at once."""
        windows = [window for window in self.schedule.windows if only(window)]
        whole = len(windows) == len(self.schedule.windows)
        first_ms = 0 if whole else min((window.at_ms for window in windows), default=0)
        began = time.monotonic_ns() - first_ms * 1_000_000
        async with asyncio.TaskGroup() as group:
            for window in windows:
                group.create_task(self._window(window, began), name=f"window {window.name}")

    async def _window(self, window: Window, began: int) -> None:
        await until(began + window.at_ms * 1_000_000)
        # A target that is still being healed (a process that starts again) is waited for: two acts at once on one
        # target would undo each other. The window keeps its length.
        act = act_of(self.scene, window.fault, window.target, window.name)
        async with self._busy[act.held]:
            witness = act.witness()
            await witness.before()
            late = max(0, time.monotonic_ns() - began - window.at_ms * 1_000_000)
            await self._open(window, act, witness, began + window.until_ms * 1_000_000 + late)

    async def _open(self, window: Window, act: Act[Fault], witness: Witness, until_ns: int) -> None:
        traffic = self._traffic()
        self._begin(window)
        watching = asyncio.create_task(witness.during(), name=f"witness {window.name}")
        try:
            if not self._harmless:
                await act.on()
            await until(until_ns)
            if witness.of_attempts and not self._harmless:
                await self._run_into(witness, traffic)
        finally:
            # Shielded: an interrupt must not leave a proxy down or a process stopped.
            await asyncio.shield(self._heal(window, act, witness, watching, traffic))

    async def _run_into(self, witness: Witness, traffic: int) -> None:
        """Leave the window open for a while longer when nothing ran into it: between two attempts a subject may wait
        for longer than a window lasts, and none the less do so rightly."""

        async def bitten() -> bool:
            seen = witness.seen()
            return seen.measured >= seen.needed and self._traffic() > traffic

        with contextlib.suppress(WaitedTooLong):
            await wait_until(bitten, timeout_ms=PATIENCE_MS, what="an attempt that runs into the fault")

    @property
    def unplayed(self) -> list[str]:
        """Windows of the schedule that were never begun."""
        return [window.name for window in self.schedule.windows if window.name not in self._played]

    def _begin(self, window: Window) -> None:
        self._played.add(window.name)
        fault = window.fault
        data = Faulted(fault.kind, window.target, fault.tolerable, fault.settings)
        self.scene.record.op("lab", "fault_on", fault=window.name, data=data)

    async def _heal(
        self, window: Window, act: Act[Fault], witness: Witness, watching: asyncio.Task[None], traffic: int
    ) -> None:
        traffic = self._traffic() - traffic
        try:
            if not self._harmless:
                async with asyncio.timeout(HEAL_TIMEOUT_S):
                    await act.off()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            seen = witness.seen()
            data = Healed(
                window.fault.kind, window.target, traffic, seen.effect, seen.measured, seen.needed, seen.first_ns,
                seen.last_ns,
            )  # fmt: skip
            self.scene.record.op("lab", "fault_off", fault=window.name, data=data)

    def _traffic(self) -> int:
        """What the workload and the subject attempted so far; the lab's own looks are not among it."""
        tally = self.scene.record.tally
        return sum(tally[kind, phase] for kind, phase in _TRAFFIC)
