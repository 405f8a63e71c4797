"""The token drills' own order: what takes longer than the bound of I11 comes after the recovery."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from chaos import test_tokens
from harness.setup import Chosen


class Staged:
    """A stage without a lab: it says when it has recovered."""

    def __init__(self, scene: object) -> None:
        self.recovered = asyncio.Event()

    async def up(self, **asked: object) -> None:
        pass

    @contextlib.asynccontextmanager
    async def traffic(self, *, per_s: float) -> AsyncIterator[None]:
        yield

    async def recover(self, *, calm_ms: int) -> None:
        self.recovered.set()


class Played:
    """A nemesis that has played all."""

    unplayed: tuple[str, ...] = ()

    def __init__(self, scene: object, schedule: object) -> None:
        pass

    async def play(self) -> None:
        pass


def test_a_long_look_at_the_leeway_holds_up_no_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    """In profile release it ends a minute after the expiry."""
    looked = False

    async def leeway(stage: Staged) -> None:
        nonlocal looked
        await stage.recovered.wait()
        looked = True

    monkeypatch.setattr("chaos.drill.Stage", Staged)
    monkeypatch.setattr("chaos.drill.Nemesis", Played)
    monkeypatch.setattr(test_tokens, "_leeway", leeway)
    scene = SimpleNamespace(chosen=Chosen(), keep=lambda name, data: None)
    story = test_tokens.test_token_expiry_storm.gate.story  # type: ignore[attr-defined]
    asyncio.run(asyncio.wait_for(story(scene), timeout=5))
    assert looked
