"""Tools: what they said, how they ended, and that neither fills the memory nor holds anybody up."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from harness import tool


def test_run_reports_what_a_tool_said_and_how_it_failed() -> None:
    done = tool.run([sys.executable, "-c", "print('hello')"], timeout_s=10)
    assert (done.returncode, done.stdout.strip()) == (0, "hello")
    assert tool.run(["/no/such/tool"], timeout_s=1).returncode == 127
    assert tool.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.2).returncode == 124


def test_a_tool_that_cannot_be_run_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    done = tool.run([str(tmp_path / "tool")], timeout_s=1)
    assert (done.returncode, "cannot be run" in done.stderr) == (126, True)


def test_a_tool_that_talks_for_ever_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "MAX_OUTPUT_BYTES", 1_000)
    done = tool.run(["sh", "-c", "head -c 50000000 /dev/zero; echo end >&2"], timeout_s=20)
    assert (done.returncode, len(done.stdout)) == (125, 1_000)
    assert "said more than 1000 bytes" in done.stderr
    assert tool.run(["yes"], timeout_s=0.3).returncode == 124


def test_a_tool_that_leaves_a_process_behind_has_ended_all_the_same() -> None:
    begun = time.monotonic()
    done = tool.run(["sh", "-c", "echo started; sleep 5 &"], timeout_s=20)
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert time.monotonic() - begun < 4
