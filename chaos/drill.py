"""What a drill is: a gate with a schedule, played once for each seed of the profile.

The schedule comes from `Random(seed)`, or from a file when it is played again; it stands in the drill's folder
before the first fault. Witnesses (I12) and convergence (I11) are judged in every drill.

    @drill("chaos/runtime-outage", schedule=outages, checkers=[LostWrite()], floors={"publish": 50})
    async def test_runtime_outage(stage: Stage, nemesis: Nemesis) -> None: ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random

from chaos.nemesis import Nemesis
from chaos.schedule import Schedule, Window, dump, load
from chaos.stage import Stage
from harness.checkers.base import Checker
from harness.checkers.contract import ContractBroken
from harness.checkers.convergence import NoConvergence
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.order import InconsistentOffset
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.tokens import TokenMisuse
from harness.checkers.windows import FaultWithoutEffect
from harness.checkers.writes import LostWrite
from harness.errors import HarnessError, UserError
from harness.gate import ALL, Sabotage, SurfaceName, gate
from harness.scenario import Scenario

DRILL_TIMEOUT_S = 120
Planner = Callable[[Random, str], Sequence[Window]]
DrillStory = Callable[[Stage, Nemesis], Awaitable[None]]

SAFETY: tuple[Checker, ...] = (
    LostWrite(),
    DuplicateApply(),
    GapOrReorder(),
    CursorAhead(),
    ContractBroken(),
    HashMismatch(),
    InconsistentOffset(),
    TokenMisuse(),
)
"""What holds in every drill with desktops."""


def drill(
    drill_id: str,
    *,
    schedule: Planner,
    checkers: Sequence[Checker],
    floors: Mapping[str, int],
    sabotages: Sequence[Sabotage] = (),
    timeout_s: int = DRILL_TIMEOUT_S,
    surfaces: Sequence[SurfaceName] = ALL,
) -> Callable[[DrillStory], Callable[..., None]]:
    """Declare a drill. `schedule` gives the windows for a generator and a profile."""

    def declare(story: DrillStory) -> Callable[..., None]:
        async def play(scene: Scenario) -> None:
            planned = planned_for(drill_id, scene, schedule)
            scene.keep("schedule.json", dump(planned))
            nemesis = Nemesis(scene, planned)
            await story(Stage(scene), nemesis)
            if nemesis.unplayed:
                raise HarnessError(f"the drill ended without its windows {', '.join(nemesis.unplayed)}")

        play.__name__, play.__doc__, play.__module__ = story.__name__, story.__doc__, story.__module__
        always = (FaultWithoutEffect(), NoConvergence())
        return gate(
            drill_id,
            checkers=[*checkers, *always],
            floors=floors,
            sabotages=sabotages,
            timeout_s=timeout_s,
            drill=True,
            surfaces=surfaces,
        )(play)

    return declare


def planned_for(drill_id: str, scene: Scenario, schedule: Planner) -> Schedule:
    """The schedule that was given, or the seed's own. UserError when the given one is another drill's."""
    chosen = scene.chosen
    if not chosen.schedule:
        windows = schedule(Random(f"{drill_id}:{chosen.seed}"), chosen.profile)
        return Schedule(drill_id, chosen.seed, tuple(windows))
    given = load(chosen.schedule)
    if given.drill != drill_id:
        raise UserError(f"the schedule is one of {given.drill}, and {drill_id} is to be played")
    return given
