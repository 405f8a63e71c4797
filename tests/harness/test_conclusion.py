"""What a run that did not end well leaves; its composition is judged in tests/main_job and by verify."""

from __future__ import annotations

from pathlib import Path

from harness.conclusion import clean_unfinished
from harness.evidence.bundle import Bundle
from harness.evidence.redact import Redactor
from tests.harness.evidence.bundles import make

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.bm8tc2lnbmF0dXJl"


def test_logs_of_a_killed_worker_are_cleaned_before_they_are_sealed(tmp_path: Path) -> None:
    bundle = make(tmp_path)
    for place in ("drills/chaos/x/1", "known-bad/D1/gates/a/one"):
        bundle.write(f"{place}/logs/control.log", f"bearer {TOKEN} and hunter2hunter2\n".encode())
    clean_unfinished(Bundle(bundle.folder), Redactor({"hunter2hunter2"}))
    found = {path.parent.parent.name: path.read_text() for path in bundle.folder.rglob("logs/control.log")}
    assert found == dict.fromkeys(("1", "one"), "bearer [redacted] and [redacted]\n")
    assert (bundle.folder / "gates/a/one/logs/runtime.log").read_bytes() == b"a line\n"
