"""The command line as a user runs it, on the project itself or on an altered copy of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.host import ROOT

COPIED = ("harness", "gates", "chaos", "guards", "fixtures", "pyproject.toml")
TIMEOUT_S = 240


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def signoff(
    *words: str,
    project: Path = ROOT,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Ended:
    """Run `signoff words...` of that project."""
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=cwd or project,
        env={**os.environ, "PYTHONPATH": str(project), **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def copy_project(into: Path) -> Path:
    """The parts that a run needs, to be altered."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "target", "histories", "defects")
            shutil.copytree(source, into / name, ignore=ignore)
        else:
            shutil.copyfile(source, into / name)
    return into


def run(
    project: Path,
    reports: Path,
    *only: str,
    config: Path | None = None,
    jobs: int = 1,
    env: dict[str, str] | None = None,
) -> tuple[Ended, dict[str, dict[str, object]]]:
    """`signoff run` of some gates; how it ended, and the gates of its signoff.json by id."""
    words = [
        "run",
        "--config",
        str(config or project / "fixtures" / "reference" / "signoff.toml"),
        "--profile",
        "smoke",
    ]
    words += ["--out", str(reports), "--jobs", str(jobs)]
    for name in only:
        words += ["--only", name]
    ended = signoff(*words, project=project, env=env)
    path = reports / "latest" / "signoff.json"
    gates = json.loads(path.read_bytes())["gates"] if path.is_file() else []
    return ended, {gate["id"]: gate for gate in gates}
