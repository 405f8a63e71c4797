"""The scripts of CI: a lane that cannot run says so, and is not counted."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.host import ROOT

NOT_RUN = 75


def test_without_an_engine_the_command_is_not_run_and_that_is_said(tmp_path: Path) -> None:
    """An engine that ends at its start, beside a client that reaches none."""
    for name, body in (
        ("docker", "exit 1"),
        ("docker-registry", "exit 0"),
        ("dockerd", "echo no room for data; exit 1"),
        ("id", "echo 0"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [str(ROOT / ".ci" / "with-engine"), "touch", str(tmp_path / "ran")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == NOT_RUN
    assert "with-engine: NOT RUN: the docker engine ended at its start: no room for data" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.glob("tmp.*")), "nothing is left"


@pytest.mark.typescript
def test_node_is_asked_for_its_version_in_a_way_that_it_answers() -> None:
    asked = re.search(r"node -e '([^']+)'", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert asked is not None
    for script, code in ((asked[1], 0), (asked[1].replace("20", "2000"), 1)):
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, "")
