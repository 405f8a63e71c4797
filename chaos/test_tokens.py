"""Tokens that run out and keys that change, in the middle of sessions."""

from __future__ import annotations

import asyncio
import time
from random import Random

from chaos.drill import SAFETY, drill
from chaos.faults import Latency, ProxyDown, Rotate, ServerKill
from chaos.nemesis import Nemesis
from chaos.schedule import Window, window
from chaos.stage import Stage
from harness.checkers.tokens import SERVER_LEEWAY_S, TokenMisuse
from harness.errors import SubjectError
from harness.surfaces.control import ControlSurface, Minted
from harness.wait import until, until_wall, wait_until
from harness.wire.http import HttpClient, HttpRefused

TTL_S = 6  # short, so that every session's token runs out while control is away
OWN_LEEWAY_S = 2.0  # for the client's own word: it is told of here, not asked of the server
OUTLIVED_S = 1.5
JOIN_MS = 30_000
CALM_MS = 1_500  # half of the time until such a token is refreshed
SESSIONS = 20
JWKS_REFRESH_S = 300  # of the server's cache (1.2.0, token_validation.rs)
LONGEST_TTL_S = 900  # the contract's longest: it must outlive the refresh


def _storm(rng: Random, profile: str) -> list[Window]:
    """Control is slow, then down for longer than any token lives, then back."""
    slow_until = 500 + rng.randint(3_500, 4_000)
    down = slow_until + rng.randint(100, 300)
    return [
        window("w1", 500, slow_until, Latency(ms=rng.randint(900, 1_300)), "desktop-control"),
        window("w2", down, down + rng.randint(8_000, 9_000), ProxyDown(), "desktop-control"),
    ]


@drill(
    "chaos/token-expiry-storm",
    schedule=_storm,
    checkers=[*(one for one in SAFETY if not isinstance(one, TokenMisuse)), TokenMisuse(leeway_s=OWN_LEEWAY_S)],
    floors={"publish": 60, "mint": 3 * SESSIONS, "connect": 2 * SESSIONS, "apply": 1_000, "request": 2},
)
async def test_token_expiry_storm(stage: Stage, nemesis: Nemesis) -> None:
    """Many tokens run out while none can be had: no session goes on with an expired one, none turns anonymous, and all
    are back soon after control is."""
    await stage.up(sessions=SESSIONS, streams=2, processes=2, ttl_s=TTL_S)
    leeway = asyncio.create_task(_leeway(stage))
    async with stage.traffic(per_s=8):
        await nemesis.play()
    await stage.recover(calm_ms=CALM_MS)
    await leeway  # in release it takes longer than I11 gives for the recovery


async def _leeway(stage: Stage) -> None:
    """The server takes a token for a while after its expiry: stated by trying, so that nobody reads an acceptance in
    that time as the subject's fault. The other end of it takes a minute: profile release waits for it."""
    control, scene = _control(stage), stage.scene
    session = await control.sign_in("leeway", "device-leeway")
    minted = await control.mint(session, stage.streams, ttl_s=TTL_S)
    expires_s = minted.expires_at_s or time.time()
    await until_wall(expires_s + OUTLIVED_S)
    said = await _server_says(stage, minted.token)
    scene.record.expect("server", f"a token {OUTLIVED_S} s after its expiry is within the leeway", "accepted", said)
    if scene.chosen.profile == "release":
        await until_wall(expires_s + SERVER_LEEWAY_S + OUTLIVED_S)
        said = await _server_says(stage, minted.token)
        scene.record.expect("server", f"a token {SERVER_LEEWAY_S} s after its expiry is refused", "401", said)


def _control(stage: Stage) -> ControlSurface:
    if stage.scene.control is None:
        raise SubjectError("tokens need the control service")
    return stage.scene.control


async def _server_says(stage: Stage, token: str) -> str:
    scene = stage.scene
    query = f"SELECT COUNT(*) AS n FROM {scene.config.module.tables.events.name}"
    async with HttpClient(scene.lab.witness_relay.url, token) as http:
        try:
            await http.sql(scene.lab.database, query)
        except HttpRefused as refused:
            return str(refused.status)
    return "accepted"


def _rotation(rng: Random, profile: str) -> list[Window]:
    """The next key signs; later the server forgets what it fetched, by a restart, and sees both."""
    rotated = 400 + rng.randint(600, 900)
    killed = rotated + rng.randint(1_200, 1_800)
    return [
        window("w1", 400, rotated, Rotate(), "control"),
        window("w2", killed, killed + rng.randint(500, 900), ServerKill(), "server"),
    ]


@drill(
    "chaos/key-rotation",
    schedule=_rotation,
    checkers=SAFETY,
    floors={"publish": 60, "mint": 5, "connect": 9, "apply": 200, "restart": 1, "request": 5},
    timeout_s=500,
)
async def test_key_rotation(stage: Stage, nemesis: Nemesis) -> None:
    """A key change in the middle of sessions: those with the old key go on and come back, new ones get the new key, and
    a server that fetches the keys anew takes both."""
    await stage.up(sessions=4, streams=2, processes=2)
    control = _control(stage)
    old = await control.mint(await control.sign_in("before", "device-before"), stage.streams, ttl_s=LONGEST_TTL_S)
    async with stage.traffic(per_s=20):
        playing = asyncio.create_task(nemesis.play())
        await until(time.monotonic_ns() + nemesis.schedule.windows[0].until_ms * 1_000_000)
        await wait_until(lambda: _joined(stage), timeout_ms=JOIN_MS, what="a new session under the new key")
        await playing
    await stage.recover()
    if stage.scene.chosen.profile == "release":
        await _retired(stage, old)


async def _joined(stage: Stage) -> bool:
    """One more session, as soon as it can be had: the server may just be away."""
    try:
        await stage.join("d5", "desktop-1")
    except SubjectError:
        return False
    return True


async def _retired(stage: Stage, old: Minted) -> None:
    """Only time shows it: a server goes on with the keys that it fetched for 300 s, then takes the old one no more."""
    control, scene = _control(stage), stage.scene
    await control.retire(str(old.header.get("kid")))
    said = await _server_says(stage, old.token)
    scene.record.expect("server", "a retired key is still taken by a server that has fetched it", "accepted", said)
    await until(time.monotonic_ns() + (JWKS_REFRESH_S + 20) * 1_000_000_000)
    for _ in range(2):  # the first use after the time fetches the keys anew
        said = await _server_says(stage, old.token)
    scene.record.expect("server", f"{JWKS_REFRESH_S} s later it is refused", "401", said)
