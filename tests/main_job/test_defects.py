"""Known bugs: each variant turns its gate red for the named invariant, beside a green twin.

Here those of the gates, and of two short drills. All of them are played by `tox -e mutants`, which takes eight
minutes on two cores: many variants wait in vain for rest after the last heal.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.evidence.defects import load_all
from harness.host import ROOT
from tests.main_job.project import copy_project, signoff

pytestmark = pytest.mark.lab

ALL = load_all(ROOT / "fixtures" / "defects")
SHORT_DRILLS = ("chaos/stale-cursor", "chaos/cursor-ahead")
PLAYED = [d for d in ALL if not d.gate.startswith("chaos/") or d.gate in SHORT_DRILLS]
GROUPS = {gate: [d.id for d in PLAYED if d.gate == gate] for gate in sorted({d.gate for d in PLAYED})}
TIMEOUT_S = 900  # a gate and its variants, of which some wait in vain for rest after the last heal


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("gate", list(GROUPS))
def test_every_variant_of_a_gate_is_caught(gate: str, tmp_path: Path) -> None:
    words = [word for defect in GROUPS[gate] for word in ("--only", defect)]
    ended = signoff("mutants", "--out", str(tmp_path), *words, timeout_s=TIMEOUT_S)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("CAUGHT") == len(GROUPS[gate])


HANDSHAKE = "sync/two-client-handshake"


def standard_run(project: Path, reports: Path) -> tuple[int, dict[str, object], dict[str, object]]:
    """Exit code of a run of profile standard of one gate, its signoff, and the gate in it."""
    words = ["--config", str(project / "fixtures" / "reference" / "signoff.toml"), "--only", HANDSHAKE]
    ended = signoff("run", *words, "--out", str(reports), project=project)
    found = json.loads((reports / "latest" / "signoff.json").read_bytes())
    return ended.code, found, next(gate for gate in found["gates"] if gate["id"] == HANDSHAKE)


def test_a_run_plays_the_known_bugs_of_its_gates(tmp_path: Path) -> None:
    code, found, gate = standard_run(ROOT, tmp_path)
    assert (code, gate["verdict"]) == (0, "PASS")
    (outcome,) = found["known_bad"]  # type: ignore[misc]
    assert (outcome["defect"], outcome["gate"], outcome["caught"]) == ("D24", HANDSHAKE, "CAUGHT")
    assert ("known-bad", "D24", "red") in [(f["kind"], f["name"], f["outcome"]) for f in gate["falsifications"]]  # type: ignore[attr-defined]
    assert "| D24 | sync/two-client-handshake | I10 | CAUGHT |" in (tmp_path / "latest" / "SIGNOFF.md").read_text()
    verified = signoff("verify", str(tmp_path / "latest"))
    assert (verified.code, "integrity only" in verified.out) == (3, True)
    history = tmp_path / "latest" / "known-bad" / "D24" / "gates" / HANDSHAKE / "history.jsonl"
    history.write_bytes(history.read_bytes().replace(b"SIGNOFF-MARKER", b"SIGNOFF-MARKEL"))
    assert signoff("verify", str(tmp_path / "latest")).code == 5


def test_a_known_bug_that_is_not_seen_makes_its_gate_unknown(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    defect = project / "fixtures" / "defects" / "D24"
    shutil.copytree(ROOT / "fixtures" / "defects" / "D24", defect)
    toml, known = (defect / "defect.toml").read_text(), project / "gates" / "defects.json"
    (defect / "defect.toml").write_text(toml.replace('invariant = "I10"', 'invariant = "I5"'))
    known.write_text(known.read_text().replace('"I10"', '"I5"'))
    code, _, gate = standard_run(project, tmp_path / "reports")
    assert (code, gate["verdict"]) == (3, "UNKNOWN")
    assert "known bug D24: SURVIVED" in str(gate["reasons"])
