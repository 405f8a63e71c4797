"""A server that runs already: what it says of itself, and what is told when it cannot be used. A lab's plays it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.config import RemoteConfig
from harness.errors import LabError
from harness.lab.program import program_hash
from harness.lab.remote import Remote
from harness.lab.topology import Lab
from harness.setup import Setup

pytestmark = pytest.mark.lab

Story = Callable[[Lab], Awaitable[None]]


def beside(setup: Setup, tmp_path: Path, story: Story) -> None:
    async def play() -> None:
        async with setup.new_lab(tmp_path / "work", tmp_path / "logs") as lab:
            await story(lab)

    asyncio.run(play())


def remote(lab: Lab, **changes: str) -> Remote:
    where = {"url": f"{lab.server.url}/", "database": lab.database, "token": lab.owner.token, **changes}
    return Remote(RemoteConfig(**where))


def test_it_says_what_it_is(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        there = remote(lab)
        try:
            assert setup.config.module.tables.events.name in (await there.open()).tables
            assert await there.version() == "1.2.0"
            assert await there.program() == program_hash(setup.wasm)
            assert len(await there.identity()) == 64
            async with await there.connect() as client:
                assert client.identity == lab.owner.identity
        finally:
            await there.close()

    beside(setup, tmp_path, story)


def test_to_a_stranger_the_program_is_the_one_of_the_first_publish(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        there = remote(lab, token=lab.keys.token("signoff-lab", "stranger").token)
        try:
            await there.open()
            assert await there.program() == program_hash(setup.wasm)
        finally:
            await there.close()

    beside(setup, tmp_path, story)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://127.0.0.1:9"}, r"not reached.*look at \[lab.remote\] url"),
        ({"database": "no-such-database"}, "no such database"),
        ({"token": "eyJhbGciOiJub25lIn0.e30."}, "does not take the token"),
    ],
)
def test_what_keeps_it_from_being_used_is_told_without_the_token(
    setup: Setup, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    async def story(lab: Lab) -> None:
        there = remote(lab, **changes)
        try:
            with pytest.raises(LabError, match=said) as told:
                await there.open()
            assert there.token not in str(told.value)
        finally:
            await there.close()

    beside(setup, tmp_path, story)
