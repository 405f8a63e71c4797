"""What the server does to those who trust it: it dies before its writes are durable, and comes back with older data."""

from __future__ import annotations

import asyncio
import time
from random import Random

from chaos.drill import SAFETY, drill
from chaos.durability import Burst, record_losses
from chaos.faults import Kill, ServerKill, ServerRestore
from chaos.nemesis import Nemesis
from chaos.schedule import Window, in_turn, window
from chaos.stage import Stage
from harness.checkers.stale import StaleCursorIgnored
from harness.wait import until, wait_until

IDLE_MS = 1_200  # 1.2.0 writes what it acknowledged within 0.5 s; after a second nothing is lost (measured)
GONE_TIMEOUT_MS = 5_000


def idle(window: Window) -> bool:
    """The null control: the server is killed only after a time without writes."""
    return window.name.startswith("idle")


def _restarts(rng: Random, profile: str) -> list[Window]:
    kills = in_turn(rng, [(ServerKill(), "server")] * 3, shortest_ms=500, longest_ms=900, pause_ms=(1_500, 2_000))
    at = kills[-1].until_ms + 3_000
    return [*kills, window("idle1", at, at + rng.randint(500, 900), ServerKill(), "server")]


@drill(
    "chaos/node-restart",
    schedule=_restarts,
    checkers=SAFETY,
    floors={"publish": 100, "apply": 200, "final_read": 300, "restart": 4, "metrics": 2, "request": 1},
)
async def test_node_restart(stage: Stage, nemesis: Nemesis) -> None:
    """SIGKILL while acknowledged writes are not yet durable: what the server loses the runtime sends again. A burst of
    our own counts what the server itself lost; a kill after idleness must lose nothing."""
    await stage.up(sessions=2, streams=3)
    with Burst(stage.scene, "load") as burst:
        async with stage.traffic(per_s=25), burst.running():
            await nemesis.play(only=lambda one: not idle(one))
        await stage.settle("everything acknowledged to be there again before the null control")
        record_losses(stage.scene, "killed under load", await burst.lost(), burst.trials)
    await _null_control(stage, nemesis)
    await stage.recover()


async def _null_control(stage: Stage, nemesis: Nemesis) -> None:
    """Idleness, then the kill, with traffic only once the server is gone."""
    with Burst(stage.scene, "idle") as control:
        await control.some(200)
        await until(time.monotonic_ns() + IDLE_MS * 1_000_000)
        killing = asyncio.create_task(nemesis.play(only=idle))
        await wait_until(stage.server_gone, timeout_ms=GONE_TIMEOUT_MS, what="the idle server to be killed")
        async with stage.traffic(per_s=20):
            await killing
        lost = await control.lost()
    record_losses(stage.scene, "killed after idleness", lost, 1)
    stage.scene.record.expect("server", "nothing is lost by a kill after idleness", 0, lost.lost)


def _older(rng: Random, profile: str) -> list[Window]:
    """desktop-1 is away while the server comes back with older data, until that has grown past its cursor; desktop-2
    meets it at once, with a cursor ahead of the head."""
    back = rng.randint(6_000, 6_600)
    return [
        window("w1", 300, back, Kill(), "desktop-1"),
        window("w2", rng.randint(800, 1_000), rng.randint(1_100, 1_300), ServerRestore(), "server"),
    ]


@drill(
    "chaos/cursor-ahead",
    schedule=_older,
    checkers=[*SAFETY, StaleCursorIgnored()],
    floors={"append": 100, "apply": 300, "bootstrap": 12, "final_read": 200, "restart": 3},
)
async def test_cursor_ahead(stage: Stage, nemesis: Nemesis) -> None:
    """The server was restored from older data, which then grew another way: a cursor ahead of the head, and one on
    another chain, both start again."""
    await stage.up(sessions=4, streams=2, processes=2, runtime=False)
    await until(time.monotonic_ns() + IDLE_MS * 1_000_000)
    await stage.keep_data()
    await stage.send([event for _ in range(40) for event in stage.events.events(stage.streams, each=1)])
    await stage.settle("everybody ahead of the copy that was kept")
    await stage.under(nemesis, per_s=20)
