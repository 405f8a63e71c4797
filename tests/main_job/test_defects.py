"""Known bugs: each variant turns its gate red for the named invariant, beside a green twin.

Here those of the gates, and of two short drills. All of them are played by `tox -e mutants`, which takes a quarter of
an hour: many variants wait in vain for rest after the last heal.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import defects
from harness.runner import ROOT
from tests.main_job.project import signoff

pytestmark = pytest.mark.lab

ALL = defects.load_all(ROOT / "fixtures" / "defects")
SHORT_DRILLS = ("chaos/stale-cursor", "chaos/cursor-ahead")
PLAYED = [d for d in ALL if not d.gate.startswith("chaos/") or d.gate in SHORT_DRILLS]
GROUPS = {gate: [d.id for d in PLAYED if d.gate == gate] for gate in sorted({d.gate for d in PLAYED})}
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
