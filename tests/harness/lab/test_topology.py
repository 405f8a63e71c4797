"""The lab as a whole: up, paths that lead where they should, a decoy, down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.lab.program import program_hash
from harness.lab.topology import Lab
from harness.setup import Setup
from harness.wire.http import HttpClient, Unreachable

pytestmark = pytest.mark.lab


def in_lab(setup: Setup, tmp_path: Path, story: Callable[[Lab], Awaitable[None]]) -> Lab:
    async def play() -> Lab:
        async with Lab(setup.components, tmp_path / "work", tmp_path / "logs", setup.wasm) as lab:
            await story(lab)
        return lab

    return asyncio.run(play())


def test_the_program_that_runs_is_the_one_that_was_published(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        assert lab.program == program_hash(setup.wasm)

    lab = in_lab(setup, tmp_path, story)
    assert lab.timings_ms.keys() >= {"toxiproxy", "server", "publish"}


def test_a_path_goes_through_toxiproxy_and_the_relay(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        path = await lab.path("subject")
        async with HttpClient(path.url, lab.owner.token) as http:
            assert await http.ping()
            carried = len(path.relay.carried)
            path.proxy.disable()
            with pytest.raises(Unreachable):
                await http.request("GET", "/v1/ping")
            path.proxy.enable()
            assert await http.ping()
            assert len(path.relay.carried) > carried

    in_lab(setup, tmp_path, story)


def test_every_path_can_be_led_to_a_twin_while_the_witness_stays(setup: Setup, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        path = await lab.path("subject")
        elsewhere = await lab.path("elsewhere", ("127.0.0.1", 9))
        twin, http = await lab.twin()
        await lab.lead_to(twin)
        assert path.relay.target == twin.address
        assert elsewhere.relay.target == ("127.0.0.1", 9)
        args = ["s", "k", "0" * 64, "{}", 1, 1, True, 0]
        async with HttpClient(path.url, lab.owner.token) as subject:
            await subject.call(lab.database, "append_sync_event", args)
        count = "SELECT COUNT(*) AS n FROM sync_event"
        assert await http.sql(lab.database, count) == [{"n": 1}]
        assert await lab.http.sql(lab.database, count) == [{"n": 0}]

    in_lab(setup, tmp_path, story)


def test_a_wasm_that_is_no_module_is_a_lab_error_and_nothing_stays_up(setup: Setup, tmp_path: Path) -> None:
    async def play() -> None:
        async with Lab(setup.components, tmp_path / "work", tmp_path / "logs", b"\0asm nothing"):
            raise AssertionError("must not come up")

    with pytest.raises(LabError, match="could not be published"):
        asyncio.run(play())
