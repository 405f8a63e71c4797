"""What a witness is: it notes when an effect was seen, and says how much of it shows that a fault bit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.wait import until

PERIOD_MS = 30  # between two looks: short beside any window
NEEDED = 3  # looks that must agree, so that one odd connection shows nothing


@dataclass(frozen=True)
class Seen:
    """What was measured, and how much of it shows that the fault bit. Times are monotonic, 0 without a sight."""

    effect: str
    measured: float
    needed: float
    first_ns: int = 0
    last_ns: int = 0


class Witness:
    """Base: notes when the effect was seen."""

    effect = ""
    needed: float = NEEDED
    of_attempts = False
    """Whether it counts what the subject runs into: that comes when the subject tries, not when the fault begins."""

    def __init__(self) -> None:
        self.times_ns: list[int] = []

    def note(self) -> None:
        self.times_ns.append(time.monotonic_ns())

    async def before(self) -> None:
        """Take the baseline, while the fault is not on yet."""

    async def during(self) -> None:
        """Look again and again until it is cancelled."""
        while True:
            await self.look()
            await until(time.monotonic_ns() + PERIOD_MS * 1_000_000)

    async def look(self) -> None:
        """One look."""

    def measured(self) -> float:
        return float(len(self.times_ns))

    def seen(self) -> Seen:
        first, last = (self.times_ns[0], self.times_ns[-1]) if self.times_ns else (0, 0)
        return Seen(self.effect, round(self.measured(), 3), self.needed, first, last)
