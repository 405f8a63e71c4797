"""What is said of the subject's tree: its commit, and whether it is clean."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.config import RemoteConfig
from harness.host import ROOT
from harness.loading import load
from harness.subject import grounds_of, see_environment, see_subject


def copied(into: Path) -> Path:
    shutil.copytree(ROOT / "fixtures" / "reference", into, ignore=shutil.ignore_patterns("__pycache__"))
    return into / "signoff.toml"


def git(folder: Path, *words: str) -> None:
    names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *names, *words], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("provider", "remote", "grounds"),
    [
        ("auto", False, ("lab", "source")),
        ("docker", True, ("lab", "remote", "source")),
        ("remote", True, ("remote", "source")),
    ],
)
def test_what_gates_can_stand_on(provider: str, remote: bool, grounds: tuple[str, ...]) -> None:
    config = load(ROOT / "fixtures" / "reference" / "signoff.toml")
    there = RemoteConfig(url="http://there.example", database="d", token="t") if remote else None
    lab = config.lab.model_copy(update={"provider": provider, "remote": there})
    assert grounds_of(config.model_copy(update={"lab": lab})) == grounds


def test_a_tree_outside_git_is_dirty(tmp_path: Path) -> None:
    seen = see_subject(load(copied(tmp_path / "subject")))
    assert (seen.tree.commit, seen.tree.dirty) == ("", True)


def test_a_committed_tree_is_clean_until_it_is_changed(tmp_path: Path) -> None:
    config = copied(tmp_path / "subject")
    git(config.parent, "init", "-q")
    git(config.parent, "add", "-A")
    git(config.parent, "commit", "-qm", "all")
    clean = see_subject(load(config)).tree
    assert (len(clean.commit), clean.dirty) == (40, False)
    config.write_text(config.read_text() + "\n# changed\n")
    assert see_subject(load(config)).tree.dirty


def test_a_secret_in_a_command_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_PASSWORD", "hunter2hunter2")
    config = copied(tmp_path / "subject")
    config.write_text(
        config.read_text().replace('"reference.control"]', '"reference.control", "--p=${SIGNOFF_PASSWORD}"]')
    )
    (control, *_) = see_subject(load(config)).surfaces
    assert control.command[-1] == "--p=[redacted]"


def test_surfaces_are_named_with_their_commands(tmp_path: Path) -> None:
    seen = see_subject(load(copied(tmp_path / "subject")))
    assert [surface.name for surface in seen.surfaces] == ["control", "runtime", "desktop"]
    assert see_environment().keys() == {"python", "system", "machine", "release"}
