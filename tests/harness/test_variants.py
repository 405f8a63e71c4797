"""Variants: their patches apply, and their wasm is fresh. How they are played: tests/main_job/test_defects.py."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import variants
from harness.errors import ConfigError
from harness.evidence.bundle import Bundle
from harness.evidence.defects import Defect, load_all
from harness.evidence.signoff import Selection
from harness.host import ROOT, Session
from harness.progress import Silent
from harness.variants import Beside

FOLDER = ROOT / "fixtures" / "defects"
REFERENCE = ROOT / "fixtures" / "reference"
ALL = load_all(FOLDER)


@pytest.mark.parametrize("defect", ALL, ids=lambda d: d.id)
def test_a_variant_can_be_made(defect: Defect, tmp_path: Path) -> None:
    config = variants.make_variant(defect, FOLDER / defect.id, REFERENCE, tmp_path / "subject")
    changed = [
        path
        for path in (tmp_path / "subject").rglob("*")
        if path.is_file() and path.read_bytes() != (REFERENCE / path.relative_to(tmp_path / "subject")).read_bytes()
    ]
    assert config.is_file()
    assert any(defect.marker in path.read_text(errors="replace") for path in changed), "the marker is in the patch"


@pytest.mark.parametrize("defect", [d for d in ALL if d.wasm], ids=lambda d: d.id)
def test_the_wasm_of_a_variant_is_fresh(defect: Defect, tmp_path: Path) -> None:
    variants.make_variant(defect, FOLDER / defect.id, REFERENCE, tmp_path / "subject")
    module = tmp_path / "subject" / "module"
    sidecar = FOLDER / defect.id / Path(defect.wasm).with_suffix(".toml").name
    (module / "sync_module.toml").write_bytes(sidecar.read_bytes())
    assert stale_parts(module) == []


def test_the_wasm_of_the_reference_is_fresh() -> None:
    assert stale_parts(REFERENCE / "module") == []


def test_a_stale_wasm_is_refused(tmp_path: Path) -> None:
    import shutil

    module = tmp_path / "module"
    shutil.copytree(REFERENCE / "module", module)
    source = module / "src" / "lib.rs"
    source.write_text(source.read_text() + "\n// one more line\n")
    assert stale_parts(module)


def stale_parts(module: Path) -> list[str]:
    """What `python build.py --check` of that folder names."""
    spec = importlib.util.spec_from_file_location("module_build", module / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["module_build"] = build
    spec.loader.exec_module(build)
    found: list[str] = build.stale(build.Module(module))
    return found


def test_a_variant_is_made_below_a_repository_too(tmp_path: Path) -> None:
    """There git would leave out what is not in its index, and say nothing."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    variants.make_variant(ALL[0], FOLDER / ALL[0].id, REFERENCE, tmp_path / "subject")
    changed = (path for path in (tmp_path / "subject").rglob("*.py") if ALL[0].marker in path.read_text())
    assert any(changed)


def test_another_patch_under_a_known_name_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "D01", tmp_path / "D01")
    patch = tmp_path / "D01" / "defect.patch"
    patch.write_text(patch.read_text().replace("SIGNOFF-MARKER", "SIGNOFF-MARKET"))
    known = next(defect for defect in ALL if defect.id == "D01")
    with pytest.raises(ConfigError, match=r"not what gates/defects\.json says"):
        variants.make_variant(known, tmp_path / "D01", REFERENCE, tmp_path / "subject")


def test_a_session_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "LIMIT_S", 2)
    monkeypatch.setattr(variants, "KILLED_AFTER_S", 2)
    os.mkfifo(tmp_path / "signoff.toml")  # whoever reads it waits for ever
    session = Session(Bundle(tmp_path / "b"), tmp_path / "signoff.toml", Selection(("a/one",)), "smoke", 1)
    ended: list[str] = []
    assert not Beside(Bundle(tmp_path / "b"), Silent()).play(iter([("D1", session)]), jobs=1, ended=ended.append)
    assert ended == ["D1"]
