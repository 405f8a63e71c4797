"""How much the server itself loses: it acknowledges a write up to half a second before it is on disk.

A burst of the harness's own appends, which the subject never sees, is read back after the restarts. It is counted apart
from what the subject loses, which must be nothing.

    with Burst(scene, "load") as burst:
        async with burst.running(): ...
        (await burst.lost()).lost
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from math import sqrt
from types import TracebackType

from harness.errors import WireError
from harness.evidence.recorder import Recorder
from harness.history import Metrics
from harness.scenario import Scenario
from harness.wait import WaitedTooLong, wait_until
from harness.workload.traffic import Traffic

Z95 = 1.96  # two-sided 95 %
PAUSE_AFTER_FAILURE_MS = 100


@dataclass(frozen=True)
class Lost:
    """Writes that the server acknowledged, and those of them that it does not have any more."""

    acknowledged: int
    lost: int


class Burst:
    """Appends to a stream of its own, one after the other, as fast as the server answers. They are not part of the
    history: what the server loses of them is no fault of the subject's. `name` tells the bursts of a scene apart: each
    has a book and a stream of its own."""

    def __init__(self, scene: Scenario, name: str) -> None:
        self._scene = scene
        self._book = Recorder(scene.out / f"burst-{name}.jsonl", f"{scene.name}#burst-{name}", scene.record.redactor)
        self._appender = scene.appender(record=self._book)
        (self._stream,) = scene.streams(1, prefix=f"signoff.burst-{name}")
        self._traffic = Traffic(scene.rng, f"{scene.nonce}-{self._stream}")
        self._acknowledged: set[str] = set()
        self.trials = 0

    def __enter__(self) -> Burst:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()

    async def some(self, count: int) -> None:
        for _ in range(count):
            await self._one()

    async def _one(self) -> bool:
        event = self._traffic.event(self._stream)
        good = await self._appender.append(event) == "ok"
        if good:
            self._acknowledged.add(event.key)
        return good

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """In the background; each outage that it meets is one trial."""

        async def go_on() -> None:
            good = True
            while True:
                before, good = good, await self._one()
                self.trials += before and not good
                if not good:
                    with contextlib.suppress(WaitedTooLong):
                        await wait_until(self._up, timeout_ms=PAUSE_AFTER_FAILURE_MS, what="the server")

        task = asyncio.create_task(go_on(), name="burst")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _up(self) -> bool:
        return await self._scene.lab.http.ping()

    async def lost(self) -> Lost:
        """Read back what is there. An append without an answer is neither acknowledged nor lost."""
        try:
            held = {event.key for event in await self._scene.observer.events([self._stream])}
        except WireError as error:
            self._scene.record.op("lab", "settle", "info", error=f"the burst cannot be read back: {error}")
            return Lost(len(self._acknowledged), len(self._acknowledged))
        return Lost(len(self._acknowledged), len(self._acknowledged - held))


def record_losses(scene: Scenario, arm: str, lost: Lost, trials: int) -> None:
    """The count of one arm, with the bound that its size allows, as an Op and as a file beside the history."""
    low, high = wilson(lost.lost, lost.acknowledged)
    counters = {"acknowledged": lost.acknowledged, "lost": lost.lost, "trials": trials}
    scene.record.op("server", "metrics", data=Metrics(counters))
    text = (
        f"{arm}: the server lost {lost.lost} of {lost.acknowledged} acknowledged writes in {trials} trials; "
        f"95 % interval of the fraction {low:.4f} to {high:.4f}\n"
    )
    with (scene.out / "server-losses.txt").open("a", encoding="utf-8") as file:
        file.write(text)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The score interval of a proportion at 95 % (Wilson 1927).

    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if not of:
        return 0.0, 1.0
    share, square = hits / of, Z95**2
    middle = share + square / (2 * of)
    half = Z95 * sqrt(share * (1 - share) / of + square / (4 * of**2))
    return max(0.0, (middle - half) / (1 + square / of)), min(1.0, (middle + half) / (1 + square / of))
