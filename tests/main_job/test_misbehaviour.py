"""Every way in which a foreign subject may misbehave ends in a verdict with its reason, within a time limit: no hang, no
internal error, no process left behind. The rogue (fixtures/subjects/rogue) stands around the reference subject."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness.process import MAX_LOG_BYTES
from harness.runner import ROOT
from tests.main_job.project import run

pytestmark = pytest.mark.lab

ROGUE = ROOT / "fixtures" / "subjects" / "rogue" / "rogue.py"
REFERENCE = ROOT / "fixtures" / "reference"
PUBLISHES, SYNCS = "runtime/publish-real", "sync/runtime-to-desktop"


@dataclass(frozen=True)
class Case:
    """What one way leads to: the gate that meets it, its verdict, words of its reason, and a limit in seconds."""

    kind: str
    verdict: str
    reason: str
    limit_s: int
    gate: str = PUBLISHES
    surface: str = "runtime"


CASES = [
    Case("dies-at-start", "UNKNOWN", "configuration is missing: PAYMENTS_URL", 30),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_it_ends_in_a_verdict_with_its_reason(case: Case, tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", case)
    began = time.monotonic()
    ended, gates = run(ROOT, tmp_path / "reports", case.gate, config=config, env={"ROGUE": str(tmp_path)})
    took_s = time.monotonic() - began
    gate = gates[case.gate]
    reasons = " | ".join(map(str, gate["reasons"]))  # type: ignore[call-overload]
    assert (gate["verdict"], ended.code) == (case.verdict, {"PASS": 0, "FAIL": 1, "UNKNOWN": 3}[case.verdict]), reasons
    assert case.reason in reasons
    assert "Traceback" not in ended.out + ended.err
    assert took_s < case.limit_s
    assert not left_behind(tmp_path), "processes were left behind"


def spoilt(folder: Path, case: Case) -> Path:
    """A copy of the reference subject with the rogue in one surface's place."""
    shutil.copytree(REFERENCE, folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
    config = folder / "signoff.toml"
    text = config.read_text(encoding="utf-8")
    real = f'"{{python}}", "-m", "reference.{case.surface}"]'
    assert f"command = [{real}" in text
    config.write_text(text.replace(f"command = [{real}", f'command = ["{{python}}", "{ROGUE}", "{case.kind}", {real}'))
    return config


def left_behind(folder: Path) -> list[str]:
    """What still runs of the rogue, of its daemon, or out of this folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(folder) in words or str(folder) in (process.info["cwd"] or "") or "rogue-daemon" in words:
            found.append(words)
    return found
