"""Every way in which a foreign subject may misbehave ends in a verdict with its reason, within a time limit: no hang,
no internal error, no process left behind. The rogue (fixtures/subjects/rogue) stands around the reference subject."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness import tool
from harness.host import ROOT
from harness.process import MAX_LOG_BYTES
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


LEAST_CASES = 20
CASES = [
    # at the start and the end of a surface
    Case("dies-at-start", "UNKNOWN", "configuration is missing: PAYMENTS_URL", 30),
    Case("hangs", "UNKNOWN", "waited 15000 ms for runtime to answer /healthz", 60),
    Case("takes-another-port", "UNKNOWN", "waited 15000 ms for runtime to answer /healthz", 60),
    Case("speaks-another-protocol", "UNKNOWN", "waited 15000 ms for runtime to answer /healthz", 60),
    Case("ignores-sigterm", "PASS", "", 45),
    Case("forks", "PASS", "", 45),
    Case("leaks-children", "PASS", "", 45),
    Case("floods-its-log", "PASS", "", 120),
    Case("changes-its-program", "PASS", "", 60),
    Case("bypasses-its-proxy", "FAIL", "I16 unproxied-path", 60),
    # in its answers
    Case("answers-html", "FAIL", "I1 lost-write", 90),
    Case("nests-deeply", "FAIL", "I1 lost-write", 90),
    Case("acknowledges-for-nothing", "FAIL", "I1 lost-write", 90),
    Case("redirects", "UNKNOWN", "that were not ok: 307", 90),
    Case("fails-for-ever", "UNKNOWN", "that were not ok: 500", 90),
    Case("closes-sockets", "UNKNOWN", "that were not ok: POST", 90),
    Case("dies-later", "UNKNOWN", "that were not ok: POST", 90),
    Case("sends-a-huge-body", "UNKNOWN", "the answer is longer than", 120),
    Case("drips", "UNKNOWN", "no end of the answer within 10000 ms", 150),
    Case("says-odd-things", "FAIL", "I5 hash-mismatch", 90),
    Case("lies-in-its-metrics", "FAIL", "I14 metrics-lie", 120, "chaos/runtime-outage"),
    # a desktop
    Case("breaks-its-lines", "FAIL", "lines that are no events", 120, SYNCS, "desktop"),
    Case("prints-noise", "UNKNOWN", "wrote 1 lines that are no events", 120, SYNCS, "desktop"),
    Case("invents-streams", "FAIL", "nobody-asked-for-this", 120, SYNCS, "desktop"),
    Case("invents-sessions", "FAIL", "replica nobody", 120, SYNCS, "desktop"),
    Case("says-no-more", "UNKNOWN", "I13 idle-run", 200, SYNCS, "desktop"),
]


def test_there_are_enough_of_them() -> None:
    assert len({case.kind for case in CASES}) == len(CASES) >= LEAST_CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_it_ends_in_a_verdict_with_its_reason(case: Case, tmp_path: Path) -> None:
    config = spoilt(tmp_path / "subject", case)
    began = time.monotonic()
    ended, gates = run(ROOT, tmp_path / "reports", case.gate, config=config)
    took_s = time.monotonic() - began
    gate = gates[case.gate]
    reasons = " | ".join(map(str, gate.get("reasons", ())))  # type: ignore[call-overload]
    code = 3 if case.kind == "changes-its-program" else {"PASS": 0, "FAIL": 1, "UNKNOWN": 3}[case.verdict]
    assert (gate["verdict"], ended.code) == (case.verdict, code), reasons
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
    rogue = shutil.copyfile(ROGUE, folder / "rogue.py")  # it may replace itself
    config.write_text(text.replace(f"command = [{real}", f'command = ["{{python}}", "{rogue}", "{case.kind}", {real}'))
    return config


def left_behind(folder: Path) -> list[str]:
    """What still runs of the rogue, of its daemon, or out of this folder."""
    found = []
    for one in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(one.info["cmdline"] or [])
        if str(folder) in words or str(folder) in (one.info["cwd"] or "") or "rogue-daemon" in words:
            found.append(words)
    return found


def test_a_log_is_bounded(tmp_path: Path) -> None:
    """A gigabyte of log leaves its end, and says how much is not there."""
    case = next(case for case in CASES if case.kind == "floods-its-log")
    run(ROOT, tmp_path / "reports", case.gate, config=spoilt(tmp_path / "subject", case))
    (log,) = (tmp_path / "reports" / "latest" / "gates" / case.gate / "logs").glob("runtime.log")
    assert log.stat().st_size <= MAX_LOG_BYTES
    assert b"bytes of this log were left out" in log.read_bytes()


def test_a_program_that_changes_is_told(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.kind == "changes-its-program")
    run(ROOT, tmp_path / "reports", case.gate, config=spoilt(tmp_path / "subject", case))
    page = (tmp_path / "reports" / "latest" / "SIGNOFF.md").read_text(encoding="utf-8")
    assert "the subject changed while it was judged: runtime's" in page


def test_a_disk_that_it_fills_is_told(tmp_path: Path) -> None:
    """On a small disk of its own (only root can mount one) nothing of the server or of the subject goes on."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = tool.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(small)], timeout_s=30)
    assert mounted.returncode == 0, mounted.stderr
    try:
        case = Case("fills-the-disk", "UNKNOWN", "No space left on device", 90)
        config = spoilt(tmp_path / "subject", case)
        ended, gates = run(ROOT, tmp_path / "reports", case.gate, config=config, env={"TMPDIR": str(small)})
        assert ended.code == 3
        assert case.reason in str(gates[case.gate]["reasons"])
    finally:
        tool.run(["umount", "-l", str(small)], timeout_s=30)
    assert not left_behind(tmp_path)
