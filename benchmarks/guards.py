"""How long the guards take over a large tree, beside ripgrep for the same literals and semgrep alone, in one run.

    python benchmarks/guards.py [--tree DIR] [--rounds N] [--without-semgrep] [--json FILE]

The tree is made from a seed: 15,000 files, 120 MB, one retired symbol planted in each language, most of them put
together by the code. Every tool reads it from the page cache. The rounds take turns, so that all meet the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks import monorepo
from benchmarks.figures import described, machine, table, write_json
from guards.rule import RULES, load
from guards.semgrep_rules import FOLDER

FILES, MEGABYTES, SEED = 15_000, 120, 1
SEMGREP_TIMEOUT_S = 900
SAMPLE_S = 0.02
BIN = Path(sys.executable).parent
BOUNDS_S = {"guards, cold": 2.0, "guards, warm": 1.0, "guards with semgrep, cold": 6.0}
BOUND_MB = 300


@dataclass(frozen=True)
class Run:
    """One run of one tool: seconds, CPU seconds, the most memory of its processes together (MB, shared pages counted
    once), and how many planted files it found."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    found: int


class _Memory(threading.Thread):
    """Samples the memory of a process and its children until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process, self.peak, self.ended = psutil.Process(pid), 0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_S):
            total = 0
            for one in (self._process, *_children(self._process)):
                try:
                    total += one.memory_full_info().pss
                except psutil.Error:
                    continue  # it ended meanwhile
            self.peak = max(self.peak, total)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def measured(argv: Sequence[str], planted: Mapping[str, str], env: Mapping[str, str], *, memory: bool = False) -> Run:
    """Run it to its end. Memory is sampled in runs of their own: sampling takes time."""
    before, began = os.times(), time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(argv, stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **env})
        watch = _Memory(child.pid) if memory else None
        if watch:
            watch.start()
        try:
            child.wait(SEMGREP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        wall, after = time.monotonic() - began, os.times()
        if watch:
            watch.ended.set()
            watch.join()
        out.seek(0)
        said = out.read().decode("utf-8", "replace")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    found = sum(path in said for path in planted.values())
    return Run(wall, cpu, (watch.peak if watch else 0) / 1e6, found)


def tools(tree: Path, cache: Path, *, semgrep: bool) -> dict[str, tuple[list[str], dict[str, str]]]:
    """(command, environment) by name."""
    literals = sorted({literal for rule in load(RULES) for literal in rule.literals})
    ours = [str(BIN / "signoff"), "guards", str(tree)]
    env = {"XDG_CACHE_HOME": str(cache)}
    found = {
        "ripgrep, the same literals": (
            ["rg", "--ignore-case", "--fixed-strings", "--count", *(f"--regexp={one}" for one in literals), str(tree)],
            {},
        ),
        "guards, cold": ([*ours, "--no-cache"], env),
        "guards, warm": (ours, env),
    }
    if semgrep:
        found["guards with semgrep, cold"] = ([*ours, "--no-cache", "--semgrep"], env)
    return found


def semgrep_alone(tree: Path, planted: Mapping[str, str]) -> Run:
    quiet = ["--metrics=off", "--disable-version-check", "--quiet", f"--jobs={os.cpu_count() or 1}"]
    argv = [str(BIN / "semgrep"), "scan", "--json", *quiet, f"--config={FOLDER}", str(tree)]
    with tempfile.TemporaryDirectory() as home:
        return measured(argv, planted, {"HOME": home})


def tree_at(folder: Path) -> dict[str, str]:
    """The tree as a repository, and its planted files; made anew unless it is there."""
    planted = folder.with_suffix(".planted.json")
    if not planted.exists():
        shutil.rmtree(folder, ignore_errors=True)
        made = monorepo.make(folder, files=FILES, megabytes=MEGABYTES, seed=SEED)
        who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "made"]):
            subprocess.run(["git", "-C", str(folder), *who, *words], check=True)
        planted.write_text(json.dumps(made), encoding="utf-8")
    known: dict[str, str] = json.loads(planted.read_text(encoding="utf-8"))
    return known


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tree", type=Path, help="where the tree is kept for the next time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-semgrep", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if shutil.which("rg") is None:
        print("ripgrep is not installed: install your system's package ripgrep", file=sys.stderr)
        return 2
    where = machine()
    with tempfile.TemporaryDirectory() as work:
        tree = (asked.tree or Path(work) / "tree").resolve()
        planted = tree_at(tree)
        chosen = tools(tree, Path(work) / "cache", semgrep=not asked.without_semgrep)
        argv, env = chosen["guards, warm"]
        measured(argv, planted, env)  # fills the cache
        runs: dict[str, list[Run]] = {name: [] for name in chosen}
        for _ in range(asked.rounds):
            for name, (argv, env) in chosen.items():
                runs[name].append(measured(argv, planted, env))
        peaks = {name: measured(argv, planted, env, memory=True).peak_mb for name, (argv, env) in chosen.items()}
        if not asked.without_semgrep:
            runs["semgrep alone"] = [semgrep_alone(tree, planted)]
    told(runs, peaks, len(planted))
    print(f"\n{FILES} files, {MEGABYTES} MB, {len(planted)} planted; {described(where)}")
    if asked.json:
        every = {name: [asdict(run) for run in several] for name, several in runs.items()}
        write_json(asked.json, {"machine": where, "runs": every, "peaks_mb": peaks})
    return 0


def told(runs: Mapping[str, Sequence[Run]], peaks: Mapping[str, float], planted: int) -> None:
    floor = statistics.median(run.wall_s for run in runs["ripgrep, the same literals"])
    rows = []
    for name, several in runs.items():
        walls = sorted(run.wall_s for run in several)
        bound = BOUNDS_S.get(name)
        rows.append([
            name, f"{walls[0]:.2f}", f"{statistics.median(walls):.2f}", f"{walls[-1]:.2f}",
            f"{statistics.median(run.cpu_s for run in several):.2f}", f"{statistics.median(walls) / floor:.1f}",
            f"{peaks[name]:.0f}" if name in peaks else "", f"{several[0].found} of {planted}",
            f"{bound:.0f} s, {BOUND_MB} MB" if bound else "",
        ])  # fmt: skip
    head = ["", "lowest s", "median s", "highest s", "CPU s", "to ripgrep", "peak MB", "found", "bound"]
    print(table(head, rows))


if __name__ == "__main__":
    sys.exit(main())
