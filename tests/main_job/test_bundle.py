"""A real bundle: verified as it is, and refused after each tampering."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host import ROOT
from tests.main_job.project import run, signoff

pytestmark = pytest.mark.lab

GATE = "runtime/publish-real"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reports = tmp_path_factory.mktemp("reports")
    ended, gates = run(ROOT, reports, GATE)
    assert (ended.code, gates[GATE]["verdict"]) == (0, "PASS"), ended.out + ended.err
    return (reports / "latest").resolve()


def edited_history(bundle: Path) -> None:
    path = bundle / "gates" / GATE / "history.jsonl"
    path.write_text(path.read_text().replace('"seq":1,', '"seq":9,', 1))


def edited_history_and_digest(bundle: Path) -> None:
    """G16: the row of an acknowledged event is taken out, and the manifest repaired."""
    name = f"gates/{GATE}/history.jsonl"
    path = bundle / name
    lines = path.read_bytes().splitlines(keepends=True)
    row = next(n for n, line in enumerate(lines) if b'"f":"final_read"' in line and b'"seq":1,' in line)
    kept = lines[:row] + lines[row + 1 :]
    path.write_bytes(b"".join(kept))
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    data = path.read_bytes()
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def removed_log(bundle: Path) -> None:
    (bundle / "gates" / GATE / "logs" / "runtime.log").unlink()


def added_file(bundle: Path) -> None:
    (bundle / "gates" / GATE / "note.txt").write_text("all is well")


def edited_page(bundle: Path) -> None:
    path = bundle / "SIGNOFF.md"
    path.write_text(path.read_text().replace("INCOMPLETE", "GO"))


@pytest.mark.parametrize("tamper", [edited_history, edited_history_and_digest, removed_log, added_file, edited_page])
def test_a_tampered_bundle_is_refused(sealed: Path, tmp_path: Path, tamper: Callable[[Path], None]) -> None:
    copy = tmp_path / sealed.name
    shutil.copytree(sealed, copy)
    tamper(copy)
    ended = signoff("verify", str(copy))
    assert ended.code == 5
    assert "REFUSED" in ended.err


def test_a_whole_bundle_is_judged_again(sealed: Path) -> None:
    """Without a signature it is "integrity only": exit 3, and no problem."""
    ended = signoff("verify", str(sealed))
    assert (ended.code, ended.err) == (3, "")
    assert "1 gates judged again" in ended.out
    assert "integrity only" in ended.out


def test_the_bundle_says_what_was_run(sealed: Path) -> None:
    result = json.loads((sealed / "signoff.json").read_bytes())
    assert result["verdict"] == "INCOMPLETE"
    assert len(result["lab"]["module"]["running_program_hash"]) == 64
    assert (sealed / "plan.json").stat().st_mtime_ns <= (sealed / "record.jsonl").stat().st_mtime_ns
    assert "eyJ" not in "".join(p.read_text(errors="replace") for p in sealed.rglob("*.jsonl")), "no token in a history"


def test_the_report_is_the_page(sealed: Path) -> None:
    ended = signoff("report", str(sealed))
    assert ended.code == 0
    assert ended.out.strip() == (sealed / "SIGNOFF.md").read_text().strip()
