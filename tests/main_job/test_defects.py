"""Known bugs: each variant turns its gate red for the named invariant, beside a green twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import defects
from harness.runner import ROOT
from tests.main_job.project import signoff

pytestmark = pytest.mark.lab

ALL = defects.load_all(ROOT / "fixtures" / "defects")
GROUPS = {gate: [d.id for d in ALL if d.gate == gate] for gate in sorted({d.gate for d in ALL})}
TIMEOUT_S = 900  # a gate and its variants, of which some wait in vain for rest after the last heal


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("gate", list(GROUPS))
def test_every_variant_of_a_gate_is_caught(gate: str, tmp_path: Path) -> None:
    words = [word for defect in GROUPS[gate] for word in ("--only", defect)]
    ended = signoff(
        "mutants", "--config", "fixtures/reference/signoff.toml", "--out", str(tmp_path), *words, timeout_s=TIMEOUT_S
    )
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("CAUGHT") == len(GROUPS[gate])
