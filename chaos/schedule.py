"""A schedule: which fault, on what, from when until when. Pure data, saved with a drill and played again exactly.

made = Schedule("chaos/reconnect-storm", 7, (Window("w1", 500, 900, ProxyDown(), "desktop"),))
load(dump(made)) == made
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import cast

import msgspec

from chaos.faults import ANY, Fault
from harness.errors import UserError


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault on one target, in ms after the nemesis began."""

    name: str
    at_ms: int
    until_ms: int
    fault: ANY
    target: str


def window(name: str, at_ms: int, until_ms: int, fault: Fault, target: str) -> Window:
    """A window of any fault."""
    return Window(name, at_ms, until_ms, cast(ANY, fault), target)


def in_turn(
    rng: Random,
    faults: Sequence[tuple[Fault, str]],
    *,
    shortest_ms: int,
    longest_ms: int,
    pause_ms: tuple[int, int] = (400, 900),
    at_ms: int = 300,
) -> list[Window]:
    """One window after the other, with pauses of the seed's choice between."""
    windows, at = [], at_ms
    for number, (fault, target) in enumerate(faults):
        until = at + rng.randint(shortest_ms, longest_ms)
        windows.append(window(f"w{number + 1}", at, until, fault, target))
        at = until + rng.randint(*pause_ms)
    return windows


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    drill: str
    seed: int
    windows: tuple[Window, ...]

    @property
    def span_ms(self) -> int:
        return max((window.until_ms for window in self.windows), default=0)


def dump(schedule: Schedule) -> bytes:
    """JSON for people and for `--schedule`."""
    return msgspec.json.format(msgspec.json.encode(schedule), indent=1) + b"\n"


def load(raw: bytes, where: str = "") -> Schedule:
    """UserError says what is wrong: no JSON, an unknown fault, a window that ends before it begins."""
    try:
        schedule = msgspec.json.decode(raw, type=Schedule)
    except (ValueError, RecursionError) as error:
        raise UserError(f"no schedule: {error}", where=where, hint="a drill leaves one in its folder") from error
    names = [window.name for window in schedule.windows]
    if len(set(names)) != len(names):
        raise UserError("a schedule's windows have names of their own, and these do not", where=where)
    for window in schedule.windows:
        if not 0 <= window.at_ms < window.until_ms:
            raise UserError(f"window {window.name} is from {window.at_ms} to {window.until_ms} ms", where=where)
    return schedule


def shrink(windows: Sequence[Window], fails: Callable[[Sequence[Window]], bool]) -> list[Window]:
    """Delta debugging: a subset that still fails, from which no single window can be taken away. `fails` plays one.

    Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002), ddmin."""
    kept, parts = list(windows), 2
    while len(kept) >= 2:
        size = -(-len(kept) // parts)
        chunks = [kept[start : start + size] for start in range(0, len(kept), size)]
        smaller = next((rest for chunk in chunks if fails(rest := [w for w in kept if w not in chunk])), None)
        if smaller is not None:
            kept, parts = smaller, max(parts - 1, 2)
        elif parts >= len(kept):
            break
        else:
            parts = min(len(kept), parts * 2)
    return kept
