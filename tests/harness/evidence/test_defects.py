"""Defect variants as data: what a folder says, and what it must not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.evidence import defects
from harness.host import ROOT

FOLDER = ROOT / "fixtures" / "defects"


def test_the_projects_own_are_all_there() -> None:
    found = defects.load_all(FOLDER)
    assert len(found) == len(list(FOLDER.iterdir()))
    assert len({defect.sha256 for defect in found}) == len(found)
    assert defects.load(FOLDER / "D22-case").marker == "SIGNOFF-MARKER D22"


def test_a_broken_defect_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "D99"
    folder.mkdir()
    with pytest.raises(ConfigError, match="D99"):
        defects.load(folder)
    toml = 'id = "D98"\ntitle = "t"\nsurface = "s"\ngate = "g"\ninvariant = "I1"\n'
    (folder / "defect.toml").write_text(toml)
    with pytest.raises(ConfigError, match=r"defect\.patch"):
        defects.load(folder)
    (folder / "defect.patch").write_text("")
    with pytest.raises(ConfigError, match="'D98'"):
        defects.load(folder)


@pytest.mark.parametrize("name", ["defect.patch", "sync_module.wasm"])
def test_another_patch_or_wasm_is_another_defect(tmp_path: Path, name: str) -> None:
    before = next(defect for defect in defects.load_all(FOLDER) if defect.wasm)
    shutil.copytree(FOLDER / before.id, tmp_path / before.id)
    assert defects.load(tmp_path / before.id) == before
    with (tmp_path / before.id / name).open("ab") as file:
        file.write(b"\n")
    assert defects.load(tmp_path / before.id) != before
