"""Each import contract is broken on purpose: a misspelt module name in a contract would be accepted silently."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host import ROOT

BREAKS = {
    "suites": ("harness/verdict.py", "from gates import sabotage"),
    "harness": ("harness/verdict.py", "from harness import runner"),
    "pure": ("harness/checkers/contract.py", "import random"),
    "offline": ("harness/evidence/bundle.py", "import socket"),
    "spawner": ("harness/lab/ports.py", "import subprocess"),
    "subject": ("gates/test_sync.py", "import reference"),
}


def lint(project: Path) -> tuple[int, str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("project")
    for name in ("harness", "gates", "chaos", "guards"):
        shutil.copytree(ROOT / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", into / "pyproject.toml")
    return into


def test_the_contracts_hold(project: Path) -> None:
    code, out = lint(project)
    assert code == 0, out
    assert f"{len(BREAKS)} kept, 0 broken" in out


@pytest.mark.parametrize("contract", list(BREAKS))
def test_each_contract_can_be_broken(project: Path, contract: str) -> None:
    name, line = BREAKS[contract]
    path = project / name
    kept = path.read_text()
    head, mark, rest = kept.partition("from __future__ import annotations\n")
    assert mark
    path.write_text(f"{head}{mark}{line}\n{rest}")
    try:
        code, out = lint(project)
    finally:
        path.write_text(kept)
    assert code != 0
    title = next(
        line
        for line in (ROOT / "pyproject.toml").read_text().split(f'id = "{contract}"')[1].splitlines()
        if "name" in line
    )
    assert f"{title.split(chr(34))[1]} BROKEN" in out


def test_a_new_module_of_the_harness_must_take_its_place(project: Path) -> None:
    stray = project / "harness" / "stray.py"
    stray.write_text('"""Nobody said where I belong."""\n')
    try:
        code, out = lint(project)
    finally:
        stray.unlink()
    assert code != 0
    assert "stray" in out
