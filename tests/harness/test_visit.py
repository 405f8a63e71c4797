"""What is tried, where the method itself must say what came: a token that the server does not take, a runtime that goes
past its path."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from harness.evidence.exchanges import Exchange
from harness.loading import load
from harness.runner import prepare
from harness.scenario import Scenario
from harness.setup import Setup
from harness.visit import Missed, Visit, answer_of
from tests.main_job.test_misbehaviour import Case, spoilt


def test_an_answer_in_short() -> None:
    assert answer_of(Exchange(1, 2.5, "harness", "control", "GET /", status=401, answer="no")) == "401 no after 2.5 ms"
    assert answer_of(Exchange(1, None, "harness", "control", "GET /", error="refused")) == "refused"


@pytest.mark.lab
def test_a_token_that_the_server_refuses_is_told_without_the_token(setup: Setup, tmp_path: Path) -> None:
    async def play() -> Missed:
        async with Scenario(setup, "visit", out=tmp_path) as scene:
            visit = Visit(scene)
            await visit.control_ready()
            await visit.signed_in()
            await visit.minted_token()
            assert "as identity" in await visit.accepted()
            assert visit.minted is not None
            head, _, signature = visit.minted.token.rpartition(".")
            visit.minted = replace(visit.minted, token=f"{head}.{signature[::-1]}")
            with pytest.raises(Missed) as missed:
                await visit.accepted()
            assert head not in missed.value.sent
            return missed.value

    missed = asyncio.run(play())
    assert "alg ES256" in missed.sent
    assert missed.came.startswith("401 ")
    assert "openid-configuration" in missed.expected


@pytest.mark.lab
def test_a_connection_past_the_proxies_is_told(tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case("bypasses-its-proxy", "", "", 0))

    async def play() -> Missed:
        async with Scenario(prepare(load(config)), "visit", out=tmp_path / "out") as scene:
            visit = Visit(scene)
            assert "every connection" in await visit.none_past()
            await visit.runtime_ready()
            await visit.published()
            with pytest.raises(Missed) as missed:
                await visit.none_past()
            return missed.value

    assert "past the proxies" in str(asyncio.run(play()))


@pytest.mark.lab
def test_a_session_by_a_command_tells_of_the_command(tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", Case("forks", "", "", 0))
    command = '[[control.session]]\ncommand = ["sh", "-c", "echo no such user >&2; exit 4"]\n\n[control.mint]'
    config.write_text(config.read_text().replace("[control.mint]", command))

    async def play() -> Missed:
        async with Scenario(prepare(load(config)), "visit", out=tmp_path / "out") as scene:
            visit = Visit(scene)
            await visit.control_ready()
            with pytest.raises(Missed) as missed:
                await visit.signed_in()
            return missed.value

    missed = asyncio.run(play())
    assert missed.sent.startswith("POST /api/auth/session; then sh -c")
    assert "sh ended with 4: no such user" in missed.came
