"""What the benchmarks share: order statistics, the machine they ran on, plain tables, a JSON file.

percentile([1.0, 2.0, 3.0, 4.0], 50)    # 2.0: the nearest rank, always a value that was measured
machine()                               # cores and load, to be printed beside every number
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import msgspec

BUSY_LOAD_PER_CORE = 0.25  # above this, other work was running when the benchmark began


class Machine(TypedDict):
    """Where and when; `load_before` is the one-minute load average before the benchmark began."""

    date: str
    cores: int
    system: str
    python: str
    load_before: float
    busy: bool


def machine() -> Machine:
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    return Machine(
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        cores=cores,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load_before=round(load, 2),
        busy=load > BUSY_LOAD_PER_CORE * cores,
    )


def described(where: Machine) -> str:
    state = "busy machine" if where["busy"] else "idle machine"
    return (
        f"{where['date']}, {where['cores']} cores, {where['system']}, Python {where['python']}, "
        f"{state} (load {where['load_before']} before)"
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest value that at least `percent` of the values do not exceed."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain text: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def write_json(path: Path, figures: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
