"""The tutorial, word for word: each of its commands is run, and says what the page says."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.host import ROOT

pytestmark = pytest.mark.typescript

PAGE = ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300
LEAST_COMMANDS = 6


@dataclass
class Step:
    """One block of commands, and the lines that the page shows of what they say."""

    commands: str
    shown: list[str]


def steps() -> list[Step]:
    found: list[Step] = []
    for kind, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "sh":
            found.append(Step(text, []))
        else:
            found[-1].shown += text.splitlines()
    return found


def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    for name in (".venv", "fixtures"):
        (tmp_path / name).symlink_to(ROOT / name)
    played = steps()
    assert len(played) >= LEAST_COMMANDS
    for step in played:
        done = subprocess.run(
            ["bash", "-c", step.commands], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        lines = (done.stdout + done.stderr).splitlines()
        for shown in step.shown:
            assert any(line.startswith(shown) for line in lines), f"{shown!r} is not in:\n{done.stdout}{done.stderr}"
        assert step.shown or done.returncode == 0, done.stderr
    page = (tmp_path / "sample" / "reports" / "latest" / "SIGNOFF.md").read_text(encoding="utf-8")
    assert "runtime/env-contract | PASS" in page


def test_the_sample_is_what_the_tutorial_writes() -> None:
    """But for the folders."""
    text = PAGE.read_text(encoding="utf-8")
    written = re.search(r"<<'TOML'\n(.*?)^TOML$", text, re.MULTILINE | re.DOTALL)
    kept = (ROOT / "fixtures" / "subjects" / "sample" / "signoff.toml").read_text(encoding="utf-8")
    assert written is not None
    assert kept.replace("../../reference/module/", "") == written[1]
