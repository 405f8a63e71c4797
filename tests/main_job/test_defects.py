"""Known bugs: each variant turns its gate red for the named invariant, beside a green twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import defects
from harness.runner import ROOT
from tests.main_job.project import signoff

pytestmark = pytest.mark.lab

GROUPS = {gate: [d.id for d in defects.load_all(ROOT / "fixtures" / "defects") if d.gate == gate] for gate in (
    "runtime/publish-real", "desktop/legacy-frames", "control/retired-routes", "sync/two-client-handshake",
)}  # fmt: skip


@pytest.mark.parametrize("gate", list(GROUPS))
def test_every_variant_of_a_gate_is_caught(gate: str, tmp_path: Path) -> None:
    words = [word for defect in GROUPS[gate] for word in ("--only", defect)]
    assert words, f"no defect names {gate}"
    ended = signoff("mutants", "--config", "fixtures/reference/signoff.toml", "--out", str(tmp_path), *words)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("CAUGHT") == len(GROUPS[gate])


def test_all_defects_are_in_a_group() -> None:
    assert sorted(d.id for d in defects.load_all(ROOT / "fixtures" / "defects")) == sorted(
        name for names in GROUPS.values() for name in names
    )
