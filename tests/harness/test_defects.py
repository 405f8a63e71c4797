"""Variants: their patches apply, their wasm is fresh, and only a marked, named red counts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness import defects
from harness.checkers.base import CheckResult, Finding
from harness.errors import ConfigError
from harness.evidence.signoff import GateResult
from harness.history import SCHEMA, Anchor, History, Op
from harness.runner import ROOT
from harness.verdict import Verdict

FOLDER = ROOT / "fixtures" / "defects"
REFERENCE = ROOT / "fixtures" / "reference"
ALL = defects.load_all(FOLDER)
D01 = next(defect for defect in ALL if defect.id == "D01")

GREEN = GateResult("runtime/publish-real", Verdict.PASS, 1.0)
RED = replace(
    GREEN,
    verdict=Verdict.FAIL,
    checks=(CheckResult("lost-write", "I1", Verdict.FAIL, 3, (Finding("I1", "lost"),), 1),),
)
MARKED = History(Anchor(SCHEMA, "s", 1, 1), [Op(0, 1, "runtime", "probe", "info", marker="SIGNOFF-MARKER D01 memory")])
UNMARKED = History(Anchor(SCHEMA, "s", 1, 1), [])


@pytest.mark.parametrize("defect", ALL, ids=lambda d: d.id)
def test_a_variant_can_be_made(defect: defects.Defect, tmp_path: Path) -> None:
    config = defects.make_variant(defect, FOLDER / defect.id, REFERENCE, tmp_path / "subject")
    changed = [
        path
        for path in (tmp_path / "subject").rglob("*")
        if path.is_file() and path.read_bytes() != (REFERENCE / path.relative_to(tmp_path / "subject")).read_bytes()
    ]
    assert config.is_file()
    assert any(defect.marker in path.read_text(errors="replace") for path in changed), "the marker is in the patch"


@pytest.mark.parametrize("defect", [d for d in ALL if d.wasm], ids=lambda d: d.id)
def test_the_wasm_of_a_variant_is_fresh(defect: defects.Defect, tmp_path: Path) -> None:
    defects.make_variant(defect, FOLDER / defect.id, REFERENCE, tmp_path / "subject")
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


def test_caught_needs_the_named_invariant_the_marker_and_a_green_twin() -> None:
    def outcome(**parts: object) -> str:
        given = {"twin": GREEN, "variant": RED, "history": MARKED, **parts}
        return defects.judge_variant(D01, **given).caught  # type: ignore[arg-type]

    assert outcome() == "CAUGHT"
    assert outcome(twin=replace(GREEN, verdict=Verdict.UNKNOWN)) == "NO RESULT"
    assert outcome(history=UNMARKED) == "NO RESULT"
    assert outcome(history=None) == "NO RESULT"
    assert outcome(variant=GREEN) == "SURVIVED"
    other = replace(RED, checks=(CheckResult("hash-mismatch", "I5", Verdict.FAIL, 1, (Finding("I5", "x"),), 1),))
    assert outcome(variant=other) == "SURVIVED"
    crashed = replace(GREEN, verdict=Verdict.UNKNOWN, trouble="runtime ended at its start")
    assert outcome(variant=crashed) == "NO RESULT"


def test_a_broken_defect_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "D99"
    folder.mkdir()
    with pytest.raises(ConfigError, match="D99"):
        defects.load(folder)
    (folder / "defect.toml").write_text('id = "D98"\ntitle = "t"\nsurface = "s"\ngate = "g"\ninvariant = "I1"\n')
    with pytest.raises(ConfigError, match="'D98'"):
        defects.load(folder)
