"""What a gate is: an id, a scenario's story, the checkers that decide it, its floors, its sabotages.

A gate is written as a pytest test under `@gate(...)`; the pytest plugin hands it to the runner. Everything
here is declaration: nothing runs.

    @gate("runtime/publish-real", checkers=[LostWrite()], floors={"publish": 20}, sabotages=[DECOY])
    async def test_publish_real(scene: Scenario) -> None: ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.checkers import describe
from harness.checkers.base import Checker
from harness.checkers.coverage import IdleRun
from harness.checkers.paths import UnproxiedPath
from harness.checkers.record import RecordBroken
from harness.evidence.judgement import CheckerSpec, GateSpec, Ground, SabotageSpec

if TYPE_CHECKING:
    from harness.scenario import Scenario

Story = Callable[["Scenario"], Awaitable[None]]
SurfaceName = Literal["control", "runtime", "desktop"]
ALL: tuple[SurfaceName, ...] = ("control", "runtime", "desktop")
DEFAULT_TIMEOUT_S = 90  # a gate takes seconds; beyond this something hangs, and the verdict is UNKNOWN


@dataclass(frozen=True)
class Sabotage:
    """Falsification (b): played on the subject that was just judged, after its green story; the named
    invariant must fire on the history that it leaves."""

    name: str
    invariant: str
    play: Story


@dataclass(frozen=True)
class Gate:
    id: str
    story: Story
    checkers: tuple[Checker, ...]
    sabotages: tuple[Sabotage, ...]
    timeout_s: int
    drill: bool = False
    on: tuple[Ground, ...] = ("lab",)
    surfaces: tuple[SurfaceName, ...] = ()

    def spec(self) -> GateSpec:
        """The gate as it stands in the manifest and in a plan."""
        checkers = tuple(CheckerSpec(**describe(checker)) for checker in self.checkers)
        sabotages = tuple(SabotageSpec(sabotage.name, sabotage.invariant) for sabotage in self.sabotages)
        return GateSpec(self.id, checkers, sabotages, self.drill, self.on)


def gate(
    gate_id: str,
    *,
    checkers: Sequence[Checker],
    floors: Mapping[str, int],
    sabotages: Sequence[Sabotage] = (),
    timeout_s: int = DEFAULT_TIMEOUT_S,
    drill: bool = False,
    on: Sequence[Ground] = ("lab",),
    surfaces: Sequence[SurfaceName] = (),
) -> Callable[[Story], Callable[..., None]]:
    """Declare a gate. Its record and its floors are judged in any case, in a lab its connections too. A `drill` is
    collected once for each seed of the profile. Without one of its `surfaces` it is not played, and MISSING."""
    always: list[Checker] = [IdleRun(floors=dict(floors)), RecordBroken()]
    if "lab" in on:
        always.append(UnproxiedPath())

    def declare(story: Story) -> Callable[..., None]:
        what = (*checkers, *always), tuple(sabotages)
        declared = Gate(gate_id, story, *what, timeout_s, drill, tuple(on), tuple(surfaces))

        def test_gate() -> None:
            raise RuntimeError(f"gate {gate_id} runs only under the plugin: pytest -p harness.pytest_plugin")

        def test_drill(seed: int) -> None:
            test_gate()

        test: Callable[..., None] = test_drill if drill else test_gate
        test.__name__, test.__doc__, test.__module__ = story.__name__, story.__doc__, story.__module__
        test.gate = declared  # type: ignore[attr-defined]
        return test

    return declare
