"""How long the checkers take: parsing and every checker, for 100,000 and 1,000,000 Ops.

Owns the figures of the promise that judging a file is linear: ten times the Ops may take at most twelve
times as long, parsing included, and a million Ops at most thirty seconds beside parsing. Leaves
correctness to the tests. The histories come from the tests' model, through their bytes, as a verifier
would read them. Ten small ones are judged in turn, so that both sizes fill the same memory: one alone
would fit into the processor's cache, and the ratio would tell of the cache. Measure on a quiet machine.

    python benchmarks/checkers.py --json checkers.json
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypedDict, TypeVar

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.checkers import REGISTRY, build  # noqa: E402
from harness.checkers.base import judge  # noqa: E402
from harness.history import History  # noqa: E402
from harness.verdict import Verdict  # noqa: E402
from tests.model import FLOORS, generate  # noqa: E402

REPEATS = 3
SIZES = (100_000, 1_000_000)
MAX_RATIO = 12.0  # linear is 10; the rest is for caches that no longer hold everything
MAX_TOTAL_S = 30.0  # all checkers on the larger history

_T = TypeVar("_T")


class Measured(TypedDict):
    """One size, mean per history: seconds to parse, per checker, and in total without parsing."""

    histories: int
    ops: int
    bytes: int
    parse_s: float
    checkers_s: dict[str, float]
    total_s: float


def timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """What it gave and how many seconds it took: the best of some, since others use the machine too."""
    best = float("inf")
    for _ in range(REPEATS):
        gc.collect()
        start = perf_counter()
        done = work()
        best = min(best, perf_counter() - start)
    return done, best


def history_bytes(size: int, seed: int) -> bytes:
    """A model history of at least `size` Ops."""
    asked = size
    while True:
        history = generate(seed, asked)
        if len(history.ops) >= size:
            return history.dump()
        asked += asked // 10


def check_all(name: str, histories: list[History]) -> None:
    checker = build(name, {"floors": FLOORS} if name == "idle-run" else {})
    for history in histories:
        result = judge(checker, history)
        if result.verdict is not Verdict.PASS:
            raise SystemExit(f"{name} is {result.verdict.value} on a model history: {result.reason or result.findings}")


def measure(size: int, seed: int) -> Measured:
    """Mean over as many histories of this size as make up the largest size."""
    count = max(SIZES) // size
    raws = [history_bytes(size, seed + number) for number in range(count)]
    histories, parse_s = timed(lambda: [History.parse(raw) for raw in raws])
    seconds = {name: timed(lambda name=name: check_all(name, histories))[1] / count for name in REGISTRY}  # type: ignore[misc]
    return Measured(
        histories=count,
        ops=sum(len(history.ops) for history in histories) // count,
        bytes=sum(map(len, raws)) // count,
        parse_s=parse_s / count,
        checkers_s=seconds,
        total_s=sum(seconds.values()),
    )


def table(small: Measured, large: Measured) -> str:
    """One line per checker, seconds and ratio; plain text."""
    rows = [("parse", small["parse_s"], large["parse_s"])]
    rows += [(name, small["checkers_s"][name], large["checkers_s"][name]) for name in small["checkers_s"]]
    rows.append(("all checkers", small["total_s"], large["total_s"]))
    rows.append(("with parsing", small["parse_s"] + small["total_s"], large["parse_s"] + large["total_s"]))
    head = f"{'':20} {small['ops']:>12,} {large['ops']:>12,} {'ratio':>8}   (seconds)"
    return "\n".join([head, *(f"{name:20} {a:>12.3f} {b:>12.3f} {b / a:>8.1f}" for name, a, b in rows)])


def main() -> int:
    options = argparse.ArgumentParser(description="Time the checkers on generated histories.")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    chosen = options.parse_args()
    small, large = (measure(size, chosen.seed) for size in SIZES)
    ratio = large["total_s"] / small["total_s"]  # of the checkers; parsing stands beside them
    scaled = ratio * (SIZES[1] / SIZES[0]) / (large["ops"] / small["ops"])
    good = scaled <= MAX_RATIO and large["total_s"] <= MAX_TOTAL_S
    print(table(small, large))
    print(f"all checkers, ten times the Ops: {scaled:.1f} times as long, at most {MAX_RATIO:g}")
    print(f"all checkers, the larger history: {large['total_s']:.1f} s, at most {MAX_TOTAL_S:g} s")
    print("within bounds" if good else "OUT OF BOUNDS")
    if chosen.json:
        figures = {"sizes": [small, large], "ratio": scaled, "within_bounds": good}
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
