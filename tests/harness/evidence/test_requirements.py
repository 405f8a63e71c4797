"""What a signoff is judged against: three files that must agree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import EvidenceError, HarnessError
from harness.evidence.requirements import load
from harness.host import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("requirements.toml", "not_built.toml", "manifest.json"):
        (tmp_path / "gates").mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "gates" / name, tmp_path / "gates" / name)
    shutil.copytree(ROOT / "fixtures" / "defects" / "D01", tmp_path / "fixtures" / "defects" / "D01")
    return tmp_path


def test_the_projects_own() -> None:
    expected = load(ROOT)
    assert len(expected.defects) >= 36
    assert len(expected.gates) == len(set(expected.gates)) == 85
    assert expected.gates[0] == "runtime/publish-real"
    assert set(expected.of_gate("runtime/publish-real")) >= {"S-01", "A-02"}
    assert all(reason for reason in expected.not_built.values())


def test_an_entry_for_a_gate_that_no_clause_names_is_our_bug(folder: Path) -> None:
    with (folder / "gates" / "not_built.toml").open("a") as file:
        file.write('"no/such" = "x"\n')
    with pytest.raises(HarnessError, match="no/such"):
        load(folder)


def test_a_known_bug_of_a_gate_that_is_not_built_is_our_bug(folder: Path) -> None:
    assert [defect.id for defect in load(folder).defects] == ["D01"]
    toml = folder / "fixtures" / "defects" / "D01" / "defect.toml"
    toml.write_text(toml.read_text().replace("runtime/publish-real", "no/such"))
    with pytest.raises(HarnessError, match="no/such"):
        load(folder)


@pytest.mark.parametrize("name", ["requirements.toml", "not_built.toml", "manifest.json"])
@pytest.mark.parametrize("content", [None, "{", "x = 1\n"])
def test_a_file_that_is_missing_or_broken_is_an_evidence_error(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / "gates" / name).unlink()
    else:
        (folder / "gates" / name).write_text(content)
    with pytest.raises(EvidenceError, match="what a signoff is judged against"):
        load(folder)
