"""How long the checkers take: parsing and every checker, for 100,000 and 1,000,000 Ops.

Owns the figures of the promise that judging is linear: ten times the Ops may take at most twelve times
as long, and a million Ops at most thirty seconds beside parsing. Leaves correctness to the tests. The
histories come from the tests' model, through their bytes, as a verifier would read them.

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

SIZES = (100_000, 1_000_000)
MAX_RATIO = 12.0  # linear is 10; the rest is for caches that no longer hold everything
MAX_TOTAL_S = 30.0  # all checkers on the larger history

_T = TypeVar("_T")


class Measured(TypedDict):
    """One size: seconds to parse, per checker, and in total without parsing."""

    ops: int
    bytes: int
    parse_s: float
    checkers_s: dict[str, float]
    total_s: float


def timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """What it gave and how many seconds it took."""
    gc.collect()
    start = perf_counter()
    done = work()
    return done, perf_counter() - start


def history_bytes(size: int, seed: int) -> bytes:
    """A model history of at least `size` Ops."""
    asked = size
    while True:
        history = generate(seed, asked)
        if len(history.ops) >= size:
            return history.dump()
        asked += asked // 10


def measure(size: int, seed: int) -> Measured:
    raw = history_bytes(size, seed)
    history, parse_s = timed(lambda: History.parse(raw))
    seconds: dict[str, float] = {}
    for name in REGISTRY:
        checker = build(name, {"floors": FLOORS} if name == "idle-run" else {})
        result, seconds[name] = timed(lambda checker=checker: judge(checker, history))  # type: ignore[misc]
        if result.verdict is not Verdict.PASS:
            raise SystemExit(
                f"{name} is {result.verdict.value} on the model's history: {result.reason or result.findings}"
            )
    return Measured(
        ops=len(history.ops), bytes=len(raw), parse_s=parse_s, checkers_s=seconds, total_s=sum(seconds.values())
    )


def table(small: Measured, large: Measured) -> str:
    """One line per checker, seconds and ratio; plain text."""
    rows = [("parse", small["parse_s"], large["parse_s"])]
    rows += [(name, small["checkers_s"][name], large["checkers_s"][name]) for name in small["checkers_s"]]
    rows.append(("total without parse", small["total_s"], large["total_s"]))
    head = f"{'':20} {small['ops']:>12,} {large['ops']:>12,} {'ratio':>8}   (seconds)"
    return "\n".join([head, *(f"{name:20} {a:>12.3f} {b:>12.3f} {b / a:>8.1f}" for name, a, b in rows)])


def main() -> int:
    options = argparse.ArgumentParser(description="Time the checkers on generated histories.")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    chosen = options.parse_args()
    small, large = (measure(size, chosen.seed) for size in SIZES)
    ratio = large["total_s"] / small["total_s"]
    scaled = ratio * (SIZES[1] / SIZES[0]) / (large["ops"] / small["ops"])
    good = scaled <= MAX_RATIO and large["total_s"] <= MAX_TOTAL_S
    print(table(small, large))
    print(f"ratio for ten times the Ops {scaled:.1f}, at most {MAX_RATIO:g}")
    print(f"total {large['total_s']:.1f} s, at most {MAX_TOTAL_S:g} s: {'within bounds' if good else 'TOO SLOW'}")
    if chosen.json:
        figures = {"sizes": [small, large], "ratio": scaled, "within_bounds": good}
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
