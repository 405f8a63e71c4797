"""Waiting for a condition with a limit, or for a moment of a schedule: the only ways in which the harness waits.

await wait_until(server.ready, timeout_ms=5_000, what="the server answers /v1/ping")
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from harness.errors import SubjectError

T = TypeVar("T")

FIRST_PAUSE_MS = 2
LONGEST_PAUSE_MS = 100


class WaitedTooLong(SubjectError):
    """The condition did not come true within its limit. `last` is what was seen at the end."""

    def __init__(self, what: str, timeout_ms: int, last: object) -> None:
        super().__init__(f"waited {timeout_ms} ms for {what}; last seen: {str(last)[:500]}")
        self.last = last


async def wait_until(condition: Callable[[], Awaitable[T]], *, timeout_ms: int, what: str) -> T:
    """The first truthy value of `condition`, polled with growing pauses; WaitedTooLong after the limit."""
    limit = time.monotonic() + timeout_ms / 1000
    pause_ms = FIRST_PAUSE_MS
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() >= limit:
            raise WaitedTooLong(what, timeout_ms, value)
        await asyncio.sleep(pause_ms / 1000)
        pause_ms = min(LONGEST_PAUSE_MS, pause_ms * 2)


async def until(moment_ns: int) -> None:
    """Wait for a moment of a schedule, on the monotonic clock; one that has passed is now."""
    await asyncio.sleep(max(0, moment_ns - time.monotonic_ns()) / 1e9)


async def until_wall(moment_s: float) -> None:
    """Wait for a moment of the wall clock, in s since 1970: tokens know no other."""
    await until(time.monotonic_ns() + int((moment_s - time.time()) * 1e9))
