"""The reaper ends what carries its owner's mark, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil


def sleeper(mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, "SIGNOFF_TEST_MARK": mark}
    )


def test_only_the_marked_ones_end_when_the_pipe_does(root: Path, tmp_path: Path) -> None:
    mine, mine_too, other = sleeper("me-1.a"), sleeper("me-1.b"), sleeper("me-12.a")
    try:
        script = root / "harness" / "reaper.py"
        (tmp_path / "signoff-me-1-a").mkdir()
        (tmp_path / "signoff-me-12-a").mkdir()
        argv = [sys.executable, "-I", str(script), "SIGNOFF_TEST_MARK", "me-1", str(tmp_path / "signoff-me-1-")]
        reaper = subprocess.Popen(argv, stdin=subprocess.PIPE)
        assert mine.poll() is None
        reaper.communicate(b"", timeout=15)
        assert (mine.wait(5), mine_too.wait(5)) == (-9, -9)
        assert other.poll() is None
        assert [path.name for path in tmp_path.iterdir()] == ["signoff-me-12-a"]
        assert psutil.pid_exists(other.pid)
    finally:
        for child in (mine, mine_too, other):
            child.kill()
            child.wait()
