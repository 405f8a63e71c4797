"""One pytest session over the gates, as a child process: what a run starts, and each of its known-bad variants.

child = start(Session(bundle, config, selection, "smoke", seed=1), run=bundle.run_id)
child.wait(0.1)
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from harness import process
from harness.evidence.bundle import Bundle
from harness.evidence.signoff import Profile, Selection

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Session:
    """`told_config` is signoff.toml as the user wrote it, and `repeat` what plays it again, where that says it better.
    `lab_of` is another signoff.toml, whose [lab] holds instead. `jobs` 0: in one process, without workers."""

    bundle: Bundle
    config: Path
    selection: Selection
    profile: Profile
    seed: int
    jobs: int = 0
    told_config: str = ""
    schedule: Path | None = None
    lab_of: Path | None = None
    repeat: str = ""

    def argv(self) -> list[str]:
        words = [sys.executable, "-m", "pytest", "-p", "harness.pytest_plugin", "-p", "no:cacheprovider"]
        # Gates have no use for pytest's temporary folders, and its clean-up of other sessions' can take half a minute.
        words += ["-p", "no:tmpdir"]
        words += [str(ROOT / suite) for suite in ("gates", "chaos", "guards")]
        words += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "-q", "--tb=short"]
        words += ["-n", str(self.jobs), "--max-worker-restart=0", "--dist=load", "--maxschedchunk=1"]
        words += [f"--signoff-bundle={self.bundle.folder}", f"--signoff-config={self.config}"]
        words += [f"--signoff-seed={self.seed}", f"--signoff-profile={self.profile}"]
        words += [f"--signoff-told-config={self.told_config}", f"--signoff-repeat={self.repeat}"]
        words += [f"--signoff-schedule={self.schedule}"] if self.schedule is not None else []
        words += [f"--signoff-lab-of={self.lab_of}"] if self.lab_of is not None else []
        words += [f"--signoff-only={name}" for name in self.selection.only]
        words += [f"--signoff-skip={name}" for name in self.selection.skip]
        return words


def start(session: Session, *, run: str) -> process.Background:
    """Its output goes to ci/pytest.log of the session's bundle; its children carry the mark of `run`."""
    session.bundle.write("ci/pytest.log", b"")
    return process.Background(session.argv(), log=session.bundle.folder / "ci" / "pytest.log", cwd=ROOT, run=run)
