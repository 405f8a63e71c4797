"""What a signoff is judged against: three files that must agree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import EvidenceError, HarnessError
from harness.evidence.requirements import load
from harness.host import ROOT

FILES = ("requirements.toml", "not_built.toml", "manifest.json", "defects.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copyfile(ROOT / "gates" / name, tmp_path / name)
    return tmp_path


def test_the_projects_own() -> None:
    expected = load(ROOT / "gates")
    assert len(expected.defects) >= 36
    assert len(expected.gates) == len(set(expected.gates)) == 85
    assert expected.gates[0] == "runtime/publish-real"
    assert set(expected.of_gate("runtime/publish-real")) >= {"S-01", "A-02"}
    assert all(reason for reason in expected.not_built.values())


def test_an_entry_for_a_gate_that_no_clause_names_is_our_bug(folder: Path) -> None:
    with (folder / "not_built.toml").open("a") as file:
        file.write('"no/such" = "x"\n')
    with pytest.raises(HarnessError, match="no/such"):
        load(folder)


@pytest.mark.parametrize("known", [b"[]", (ROOT / "gates" / "defects.json").read_bytes().replace(b"chaos/", b"no/")])
def test_no_known_bug_or_one_of_no_gate_is_our_bug(folder: Path, known: bytes) -> None:
    (folder / "defects.json").write_bytes(known)
    with pytest.raises(HarnessError, match="names no known bug, or gates"):
        load(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [None, "{", "x = 1\n"])
def test_a_file_that_is_missing_or_broken_is_an_evidence_error(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(EvidenceError, match="what a signoff is judged against"):
        load(folder)
