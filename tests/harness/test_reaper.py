"""The reaper ends what carries its owner's mark, and nothing else."""

from __future__ import annotations

import json
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


def test_what_was_left_to_be_done_is_run_at_the_end_and_a_failing_command_keeps_nothing_up(
    root: Path, tmp_path: Path
) -> None:
    argv = [
        sys.executable,
        "-I",
        str(root / "harness" / "reaper.py"),
        "SIGNOFF_TEST_MARK",
        "me-2",
        str(tmp_path / "x-"),
    ]
    commands = [["/no/such/program"], "no list", ["touch", str(tmp_path / "done")], ["false"]]
    reaper = subprocess.Popen(argv, stdin=subprocess.PIPE)
    assert reaper.stdin is not None
    reaper.stdin.write(b"not json\n" + b"".join(json.dumps(one).encode() + b"\n" for one in commands))
    reaper.stdin.flush()
    assert not (tmp_path / "done").exists()
    reaper.communicate(timeout=15)
    assert reaper.returncode == 0
    assert (tmp_path / "done").exists()
