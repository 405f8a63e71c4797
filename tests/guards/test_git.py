"""git is asked about the tree that is scanned, whatever the surroundings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from guards.git import NOT_FOUND, git
from tests.guards.repository import repository


def test_the_repository_of_a_hook_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = repository(tmp_path / "here", {"a": ""})
    monkeypatch.setenv("GIT_DIR", str(repository(tmp_path / "hook", {"b": ""}) / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other-index"))
    assert git(here, "ls-files").stdout == "a\n"


def test_configuration_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COUNT": "1", "KEY_0": "guards.test", "VALUE_0": "kept"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert git(tmp_path, "config", "guards.test").stdout == "kept\n"


def test_names_keep_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = repository(tmp_path / "tree", {"a": ""})
    Path(f"{folder}/b\udcff").touch()
    assert git(folder, "ls-files", "-z", "--others").stdout == "b\udcff\0"


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git(tmp_path, "version").returncode == NOT_FOUND
