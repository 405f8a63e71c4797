"""Schedules: written, read, refused, and shrunk to what still fails."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos import drill as drill_module
from chaos.faults import Latency, ProxyDown
from chaos.schedule import Schedule, Window, dump, load, shrink, window
from harness.errors import UserError
from harness.host import ROOT

SUITES = sorted(path.stem for path in (ROOT / "chaos").glob("test_*.py"))


def planners() -> list[tuple[str, drill_module.Planner]]:
    """Every function of the suites that plans windows."""
    found = []
    for suite in SUITES:
        module = importlib.import_module(f"chaos.{suite}")
        for name, value in vars(module).items():
            annotations = getattr(value, "__annotations__", {})
            if list(annotations) == ["rng", "profile", "return"] and value.__module__ == module.__name__:
                found.append((f"{suite}.{name}", value))
    return found


def test_there_is_a_planner_for_every_drill() -> None:
    assert len(planners()) == 19


@pytest.mark.parametrize(("name", "plan"), planners(), ids=[name for name, _ in planners()])
@given(seed=st.integers(0, 2**32))
def test_a_seed_gives_one_schedule_that_is_read_back_as_it_was(
    name: str, plan: drill_module.Planner, seed: int
) -> None:
    made = Schedule("chaos/x", seed, tuple(plan(Random(seed), "smoke")))
    assert made == Schedule("chaos/x", seed, tuple(plan(Random(seed), "smoke")))
    assert load(dump(made)) == made
    assert made.windows
    assert made.span_ms < 60_000


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda raw: raw.update(windows="none"), "windows"),
        (lambda raw: raw["windows"][0]["fault"].update(kind="proxy-dwon"), "proxy-dwon"),
        (lambda raw: raw["windows"][0]["fault"].update(colour="red"), "colour"),
        (lambda raw: raw["windows"][0].update(until_ms=1), "from 10 to 1 ms"),
        (lambda raw: raw["windows"][0].update(at_ms=-1), "from -1"),
        (lambda raw: raw["windows"].append(raw["windows"][0]), "names of their own"),
    ],
)
def test_what_is_no_schedule_is_named(change: object, named: str) -> None:
    raw = json.loads(dump(Schedule("chaos/x", 1, (window("w1", 10, 20, Latency(ms=5), "runtime"),))))
    change(raw)  # type: ignore[operator]
    with pytest.raises(UserError, match=named):
        load(json.dumps(raw).encode(), "schedule.json")
    with pytest.raises(UserError, match="no schedule"):
        load(b"{")


def windows(count: int) -> list[Window]:
    return [window(f"w{n}", n * 10, n * 10 + 5, ProxyDown(), "runtime") for n in range(count)]


@given(
    st.integers(1, 24).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1, max_size=4)))
)
def test_shrinking_leaves_exactly_what_is_needed(case: tuple[int, set[int]]) -> None:
    count, needed = case
    names, plays = {f"w{n}" for n in needed}, 0

    def fails(some: Sequence[Window]) -> bool:
        nonlocal plays
        plays += 1
        return names <= {one.name for one in some}

    kept = shrink(windows(count), fails)
    assert {one.name for one in kept} == names
    assert plays <= count * count + 3 * count, "ddmin's own bound"


def test_shrinking_one_window_plays_nothing() -> None:
    assert shrink(windows(1), lambda some: pytest.fail("played")) == windows(1)
