"""What the runtime must live through: kills at odd moments, and other writers beside it."""

from __future__ import annotations

from random import Random

from chaos.drill import SAFETY, drill
from chaos.faults import Fault, Kill, KillAtSyscall, LostReply, ProxyDown, Republish
from chaos.nemesis import Nemesis
from chaos.schedule import Window, in_turn, window
from chaos.stage import Stage
from harness.checkers.hashes import HashMismatch
from harness.checkers.metrics import MetricsLie
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.writes import LostWrite


def _runtime_kills(rng: Random, profile: str) -> list[Window]:
    """At once, right when the n-th publish is acknowledged, and in a sweep of delays after one: what was said to be
    taken must be there. Beyond smoke also inside the calls by which a store becomes durable. At last in an outage, and
    back before its end, with all that was taken meanwhile still to be sent."""
    kinds: list[Fault] = [Kill(), *(Kill(after="publish", nth=rng.randint(3, 15)) for _ in range(2))]
    for delay_ms in rng.sample((1, 2, 4, 8, 16), 2):
        kinds.append(Kill(after="publish", nth=rng.randint(3, 12), delay_ms=delay_ms))
    if profile != "smoke":
        kinds += [KillAtSyscall(nth=rng.randint(2, 12)) for _ in range(3)]  # strace is not on every machine
    rng.shuffle(kinds)
    kills = in_turn(rng, [(kind, "runtime") for kind in kinds], shortest_ms=800, longest_ms=1_300)
    down = kills[-1].until_ms + rng.randint(900, 1_200)
    killed = down + rng.randint(800, 1_200)
    back = killed + rng.randint(500, 800)
    outage = window("outage", down, back + rng.randint(1_200, 1_600), ProxyDown(), "runtime")
    return [*kills, outage, window("inside", killed, back, Kill(), "runtime")]


@drill(
    "chaos/runtime-kill",
    schedule=_runtime_kills,
    checkers=[*SAFETY, MetricsLie()],
    floors={"publish": 60, "apply": 120, "final_read": 180, "restart": 6, "metrics": 1},
)
async def test_runtime_kill(stage: Stage, nemesis: Nemesis) -> None:
    """SIGKILL of the runtime: no acknowledged event is lost, none is there twice, seqs go on."""
    await stage.up(sessions=2, streams=3)
    await stage.under(nemesis, per_s=40, again=5)


def _replies_and_outages(rng: Random, profile: str) -> list[Window]:
    """Replies are lost first: what is tried again must fit when the server is then out of reach, and is back. Pauses
    are longer than a runtime waits between two tries: it must ask within a window, or there is no reply to lose."""
    faults: list[tuple[Fault, str]] = [(LostReply(), "runtime"), (ProxyDown(), "runtime"), (LostReply(), "runtime")]
    return in_turn(rng, faults, shortest_ms=1_400, longest_ms=2_000, pause_ms=(2_600, 3_000))


@drill(
    "chaos/runtime-recovery",
    schedule=_replies_and_outages,
    checkers=[
        LostWrite(), DuplicateApply(), GapOrReorder(), HashMismatch(), InconsistentOffset(),
        MetricsLie(required=("published",)),
    ],
    floors={"publish": 30, "apply": 30, "final_read": 60, "metrics": 1},
    surfaces=["runtime"],
)  # fmt: skip
async def test_runtime_recovery(stage: Stage, nemesis: Nemesis) -> None:
    """The runtime alone, seen by our own subscriber: whether it takes events in an outage or refuses them, what it took
    is there once, in order, and afterwards it publishes again."""
    await stage.up_alone(streams=2)
    await stage.under(nemesis, per_s=12)


def _republishes(rng: Random, profile: str) -> list[Window]:
    kinds = [Republish(compatible=True), Republish(compatible=False), Republish(compatible=True)]
    return in_turn(rng, [(kind, "server") for kind in kinds], shortest_ms=900, longest_ms=1_300)


@drill(
    "chaos/hot-republish",
    schedule=_republishes,
    checkers=SAFETY,
    floors={"publish": 60, "apply": 180, "final_read": 240, "request": 3},
)
async def test_hot_republish(stage: Stage, nemesis: Nemesis) -> None:
    """A compatible module is swapped under live sockets; an incompatible one is refused, and the old one goes on."""
    await stage.up(sessions=3, streams=3)
    await stage.under(nemesis, per_s=30)
