"""`signoff drill`: one drill by its seed or its saved schedule, told aloud; and the smallest schedule that still fails.

Each play is a whole run with its own bundle, so that whatever is claimed here can be judged again.

    asked = Asked(config, "chaos/reconnect-storm", 7719, "smoke", Path("reports"), schedule=None, tries=3)
    drill_command(asked, shrinking=True)
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.schedule import Schedule, Window, dump, load, shrink
from harness import runner
from harness.errors import UserError
from harness.evidence import render
from harness.evidence.bundle import Bundle
from harness.evidence.requirements import load as load_expected
from harness.evidence.signoff import GateResult, Profile, Selection, Signoff
from harness.host import ROOT
from harness.progress import Progress, Silent, for_stream
from harness.request import Request
from harness.verdict import Verdict


@dataclass(frozen=True)
class Asked:
    """What the user asked for."""

    config: Path
    drill: str
    seed: int
    profile: Profile
    out: Path
    schedule: Path | None
    tries: int


def drill_command(asked: Asked, *, shrinking: bool) -> int:
    """Exit codes as of a run. With `shrinking`, a drill that does not fail has nothing to shrink: exit 0."""
    specs = {spec.id for spec in load_expected(ROOT / "gates").manifest if spec.drill}
    if asked.drill not in specs:
        raise UserError(f"no drill is called {asked.drill!r}", hint=f"there are {', '.join(sorted(specs)) or 'none'}")
    if asked.schedule is not None:
        load(asked.schedule.read_bytes() if asked.schedule.is_file() else b"", str(asked.schedule))
    with for_stream(sys.stdout) as progress:
        signoff = _play(asked, asked.schedule, progress)
        result = _result(signoff, asked)
        folder = asked.out / "runs" / signoff.run_id / result.play.base if result is not None else asked.out
        progress.line(f"see {os.path.relpath(folder)}: timeline.svg, latency.svg, schedule.json, history.jsonl")
        if shrinking and result is not None:
            _shrink(asked, result, folder, progress)
        progress.line(render.last_line(signoff, os.path.relpath(asked.out / "runs" / signoff.run_id)))
    return signoff.exit_code


def _play(asked: Asked, schedule: Path | None, progress: Progress) -> Signoff:
    request = Request(
        asked.config,
        asked.out.resolve(),
        Selection(only=(asked.drill,)),
        asked.profile,
        seed=asked.seed,
        jobs=1,
        schedule=schedule.resolve() if schedule is not None else None,
        aloud=True,
    )
    return runner.run(request, progress)


def _result(signoff: Signoff, asked: Asked) -> GateResult | None:
    return next((play for play in signoff.drills if play.id == asked.drill and play.seed == asked.seed), None)


def _invariants(result: GateResult) -> set[str]:
    return {finding.invariant for check in result.checks for finding in check.findings}


def _shrink(asked: Asked, failed: GateResult, folder: Path, progress: Progress) -> None:
    """Delta debugging over re-runs. A candidate fails when more than half of its plays break an invariant that the
    whole broke: one that fails now and then would leave a schedule that seldom repeats anything."""
    if failed.verdict is not Verdict.FAIL:
        progress.line(f"nothing to shrink: the drill is {failed.verdict.value}")
        return
    whole = load((folder / "schedule.json").read_bytes())
    broken, rates = _invariants(failed), dict[tuple[str, ...], str]()
    trial = folder.parent / f"{folder.name}-shrink.json"

    def fails(windows: Sequence[Window]) -> bool:
        names = tuple(window.name for window in windows)
        trial.write_bytes(dump(Schedule(whole.drill, whole.seed, tuple(windows))))
        count = sum(_breaks(asked, trial, broken) for _ in range(asked.tries))
        rates[names] = f"{count} of {asked.tries}"
        progress.line(f"  {', '.join(names) or 'no window'}: failed {rates[names]} times")
        return 2 * count > asked.tries

    kept = shrink(whole.windows, fails)
    names = tuple(window.name for window in kept)
    smallest = folder / "shrunk.json"
    trial.unlink(missing_ok=True)
    smallest.write_bytes(dump(Schedule(whole.drill, whole.seed, tuple(kept))))
    command = f"signoff drill {asked.drill} --config {shlex.quote(os.path.relpath(asked.config))} --seed {asked.seed}"
    rate = rates.get(names, "1 of 1")
    told = f"# {len(kept)} of {len(whole.windows)} windows are enough; failed {rate} times when it was found"
    script = f"#!/bin/sh\n{told}\n{command} --schedule {shlex.quote(os.path.relpath(smallest))}\n"
    (folder / "repro.sh").write_text(script)
    progress.line(f"{told[2:]}: {os.path.relpath(smallest)}")
    Bundle(next(parent for parent in folder.parents if parent.parent.name == "runs")).seal()


def _breaks(asked: Asked, schedule: Path, broken: set[str]) -> bool:
    result = _result(_play(asked, schedule, Silent()), asked)
    return result is not None and result.verdict is Verdict.FAIL and bool(_invariants(result) & broken)
