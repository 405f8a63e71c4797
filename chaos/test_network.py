"""What the network does: outages, resets, lost replies, half-open connections, storms of reconnects."""

from __future__ import annotations

from random import Random

from chaos.drill import SAFETY, drill
from chaos.faults import Fault, LostReply, ProxyDown, Reset, Sunk
from chaos.nemesis import Nemesis
from chaos.schedule import Window, in_turn, window
from chaos.stage import Stage
from harness.checkers.metrics import MetricsLie
from harness.checkers.retries import RetryStorm


def _outages(rng: Random, profile: str) -> list[Window]:
    """The runtime's way to the server: refused, then a sink that times its attempts."""
    first = in_turn(rng, [(ProxyDown(), "runtime")], shortest_ms=1_500, longest_ms=2_500)
    at = first[-1].until_ms + rng.randint(800, 1_200)
    return [*first, window("w2", at, at + rng.randint(6_000, 8_000), Sunk(), "runtime")]


@drill(
    "chaos/runtime-outage",
    schedule=_outages,
    checkers=[*SAFETY, RetryStorm(), MetricsLie()],
    floors={"publish": 150, "apply": 300, "final_read": 450, "metrics": 1},
)
async def test_runtime_outage(stage: Stage, nemesis: Nemesis) -> None:
    """The server is out of the runtime's reach: events are taken all the same, kept, and sent in order afterwards."""
    await stage.up(sessions=2, streams=3)
    await stage.under(nemesis, per_s=20, again=5)


def _cuts(rng: Random, profile: str) -> list[Window]:
    """Pauses long enough for most sessions to come back: a cut of nobody shows nothing. The first cut is so long that
    waits of 1.6 and 3.2 s end in it: whether clients keep step shows in long waits only."""
    first = rng.randint(6_600, 7_200)
    at = 300 + first + rng.randint(4_000, 4_500)
    cuts: list[tuple[Fault, str]] = [(Sunk(), "desktop")] * 2
    others = in_turn(rng, cuts, shortest_ms=2_500, longest_ms=3_500, pause_ms=(2_500, 3_000), at_ms=at)
    return [window("w0", 300, 300 + first, Sunk(), "desktop"), *others]


@drill(
    "chaos/reconnect-storm",
    schedule=_cuts,
    checkers=[*SAFETY, RetryStorm(herd_required=True)],
    floors={"publish": 60, "connect": 120, "apply": 2_500, "final_read": 2_500},
)
async def test_reconnect_storm(stage: Stage, nemesis: Nemesis) -> None:
    """Fifty sessions lose the server three times; they come back with backoff and jitter, and apply everything once."""
    await stage.up(sessions=50, streams=2, processes=2)
    await stage.under(nemesis, per_s=5)


def _lost_replies(rng: Random, profile: str) -> list[Window]:
    """Pauses and windows longer than the waits that a window leads to: one without a request cuts no reply."""
    faults = [(LostReply(), "runtime")] * 3
    return in_turn(rng, faults, shortest_ms=900, longest_ms=1_300, pause_ms=(2_000, 2_400))


@drill(
    "chaos/lost-reply",
    schedule=_lost_replies,
    checkers=[*SAFETY, MetricsLie()],
    floors={"publish": 40, "apply": 80, "final_read": 120},
)
async def test_lost_reply(stage: Stage, nemesis: Nemesis) -> None:
    """The append went through and its reply was cut: tried again under the same key, it is there once."""
    await stage.up(sessions=2, streams=3)
    await stage.under(nemesis, per_s=30, again=5)


def _churn(rng: Random, profile: str) -> list[Window]:
    kinds: list[tuple[Fault, str]] = [(rng.choice((Reset(), ProxyDown())), "desktop") for _ in range(6)]
    return in_turn(rng, kinds, shortest_ms=500, longest_ms=900)


@drill(
    "chaos/connection-churn",
    schedule=_churn,
    checkers=SAFETY,
    floors={"publish": 60, "connect": 12, "apply": 300, "final_read": 400},
)
async def test_connection_churn(stage: Stage, nemesis: Nemesis) -> None:
    """Connections come and go in quick turn, by resets and refusals, under traffic."""
    await stage.up(sessions=6, streams=3, processes=2)
    await stage.under(nemesis, per_s=25)
