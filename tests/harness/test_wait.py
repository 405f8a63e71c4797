"""Waiting: for a condition, never longer than the limit."""

from __future__ import annotations

import asyncio
import time

import pytest

from harness.wait import WaitedTooLong, until_wall, wait_until


def test_the_first_truthy_value_is_given() -> None:
    seen = iter([0, "", [], "there"])

    async def condition() -> object:
        return next(seen)

    assert asyncio.run(wait_until(condition, timeout_ms=5_000, what="it")) == "there"


def test_the_limit_holds_and_the_last_value_is_told() -> None:
    async def condition() -> int:
        return 0

    began = time.monotonic()
    with pytest.raises(WaitedTooLong, match="waited 50 ms for rain; last seen: 0") as caught:
        asyncio.run(wait_until(condition, timeout_ms=50, what="rain"))
    assert caught.value.last == 0
    assert time.monotonic() - began < 5


def test_a_moment_of_the_wall_clock_is_waited_for_and_one_that_has_passed_is_now() -> None:
    moment_s = time.time() + 0.05
    asyncio.run(until_wall(moment_s))
    assert time.time() >= moment_s - 0.01
    began = time.monotonic()
    asyncio.run(until_wall(0))
    assert time.monotonic() - began < 5


def test_an_error_of_the_condition_is_not_swallowed() -> None:
    async def condition() -> bool:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        asyncio.run(wait_until(condition, timeout_ms=1_000, what="it"))
