"""How long a lab takes to come up, part by part, over some runs: every scenario of a run pays it once.

Owns the figures of the promise that a lab (server ready, module published, four paths) is up in under
1 s. The server and Toxiproxy start beside each other, so the parts add up to more than the whole; "keys
and rest" is what the whole took beyond the longer of these two, the publishing and the paths. Exit 1
when the median of the whole misses the target.

    python benchmarks/lab_startup.py --runs 15 --json lab_startup.json
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import described, machine, table, write_json  # noqa: E402
from harness.loading import load  # noqa: E402
from harness.runner import prepare  # noqa: E402
from harness.setup import Setup  # noqa: E402

REFERENCE = ROOT / "fixtures" / "reference" / "signoff.toml"
PATHS = ("control", "runtime", "desktop", "desktop-control")  # what a whole scenario asks for
TARGET_MS = 1_000
MAX_RUNS = 200
RUN_TIMEOUT_S = 30

SERVER, PUBLISH, PROXY, PATH, REST = "server start", "module published", "Toxiproxy", "proxies and paths", "keys, rest"
WHOLE = "whole lab"


def parts(timings_ms: dict[str, float], whole_ms: float) -> dict[str, float]:
    """One start-up by part, from the lab's own timings."""
    beside = max(timings_ms["server"], timings_ms["toxiproxy"])
    rest = whole_ms - beside - timings_ms["publish"] - timings_ms["proxies"]
    return {
        SERVER: timings_ms["server"],
        PUBLISH: timings_ms["publish"],
        PROXY: timings_ms["toxiproxy"],
        PATH: timings_ms["proxies"],
        REST: rest,
        WHOLE: whole_ms,
    }


async def start_once(setup: Setup) -> dict[str, float]:
    """One lab up with its paths, and down again. The end is not measured."""
    with tempfile.TemporaryDirectory(prefix="signoff-") as work:
        async with asyncio.timeout(RUN_TIMEOUT_S):
            begun = time.perf_counter()
            async with setup.new_lab(Path(work), Path(work) / "logs") as lab:
                for name in PATHS:
                    await lab.path(name)
                whole_ms = (time.perf_counter() - begun) * 1000
                return parts(lab.timings_ms, whole_ms)


def rows_of(runs: list[dict[str, float]]) -> list[list[str]]:
    """Per part: min, median, max, in milliseconds."""
    columns = {part: [run[part] for run in runs] for part in runs[0]}
    return [[part, *(f"{stat(found):.0f}" for stat in (min, median, max))] for part, found in columns.items()]


def main() -> int:
    options = argparse.ArgumentParser(description="Time the start of a lab, part by part.")
    options.add_argument("--runs", type=int, default=15)
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    chosen = options.parse_args()
    if not 1 <= chosen.runs <= MAX_RUNS:
        options.error(f"--runs must be from 1 to {MAX_RUNS}")
    where = machine()
    setup = prepare(load(REFERENCE))
    runs = [asyncio.run(start_once(setup)) for _ in range(chosen.runs)]
    whole = median(run[WHOLE] for run in runs)
    met = whole < TARGET_MS
    print(f"{chosen.runs} runs; {described(where)}")
    print(table(["milliseconds", "min", "median", "max"], rows_of(runs)))
    print(f"target: lab up (server, module published, proxies) under {TARGET_MS / 1000:g} s; median {whole:.0f} ms: "
          f"{'met' if met else 'MISSED'}")  # fmt: skip
    if chosen.json:
        write_json(chosen.json, {"machine": where, "target_ms": TARGET_MS, "target_met": met, "runs_ms": runs})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
