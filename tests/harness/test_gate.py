"""A gate's declaration: what is always judged, and what stands in the manifest."""

from __future__ import annotations

import msgspec
import pytest

from harness.checkers.writes import LostWrite
from harness.evidence.judgement import GateSpec
from harness.gate import Gate, Sabotage, gate
from harness.scenario import Scenario


async def nothing(scene: Scenario) -> None:
    return


def declared() -> Gate:
    @gate("a/b", checkers=[LostWrite()], floors={"publish": 3}, sabotages=[Sabotage("s", "I1", nothing)])
    async def test_it(scene: Scenario) -> None:
        """Says what it decides."""

    found: Gate = test_it.gate  # type: ignore[attr-defined]
    assert (test_it.__name__, test_it.__doc__) == ("test_it", "Says what it decides.")
    return found


def test_record_floors_and_paths_are_always_judged() -> None:
    assert [checker.name for checker in declared().checkers] == [
        "lost-write",
        "idle-run",
        "record-broken",
        "unproxied-path",
    ]


def test_the_spec_survives_json() -> None:
    spec = declared().spec()
    assert msgspec.json.decode(msgspec.json.encode(spec), type=GateSpec) == spec
    assert spec.checkers[1].params == {"floors": {"publish": 3}}
    assert spec.sabotages[0].invariant == "I1"


def test_without_a_lab_there_are_no_paths_to_judge() -> None:
    @gate("a/b", checkers=[], floors={}, on=["source"])
    async def test_it(scene: Scenario) -> None:
        return

    spec = test_it.gate.spec()  # type: ignore[attr-defined]
    assert spec.on == ("source",)
    assert [part.checker for part in spec.checkers] == ["idle-run", "record-broken"]


def test_a_gate_run_as_a_plain_test_fails_loudly() -> None:
    @gate("a/b", checkers=[], floors={})
    async def test_it(scene: Scenario) -> None:
        return

    with pytest.raises(RuntimeError, match="only under the plugin"):
        test_it()
