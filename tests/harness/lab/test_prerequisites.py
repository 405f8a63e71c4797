"""What is missing is told in one message, with what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import PrerequisiteError
from harness.lab import prerequisites
from harness.lab.prerequisites import version_of


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("rustc 1.95.0 (59807616e 2026-04-14)", (1, 95)),
        ("cargo 1.63.0", (1, 63)),
        ("go version go1.19.8 linux/amd64", (1, 19)),
        ("no number", None),
    ],
)
def test_versions(said: str, version: tuple[int, int] | None) -> None:
    assert version_of(said) == version


def tool(folder: Path, name: str, says: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)


def problems(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(PrerequisiteError) as caught:
        prerequisites.check(need_rust=True, need_go=True)
    return str(caught.value)


def test_everything_missing_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = problems(monkeypatch, tmp_path)
    assert all(word in told for word in ("cargo 1.84", "rustc 1.84", "pkg-config", "Go 1.23", "rustup"))


def test_old_tools_are_named_with_what_was_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool(tmp_path, "cargo", "cargo 1.63.0")
    tool(tmp_path, "rustc", "rustc 1.90.0")
    tool(tmp_path, "go", "go version go1.19.8 linux/amd64")
    (tmp_path / "pkg-config").write_text('#!/bin/sh\n[ "$1" = --version ]\n')
    (tmp_path / "pkg-config").chmod(0o755)
    told = problems(monkeypatch, tmp_path)
    assert "found 'cargo 1.63.0'" in told
    assert "go1.19.8" in told
    assert "libssl-dev" in told
    assert "rustc" not in told.replace("rustup", "")


def test_all_there_is_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, says in (
        ("cargo", "cargo 1.84.0"),
        ("rustc", "rustc 2.0.0"),
        ("go", "go version go1.23.0 x"),
        ("pkg-config", "1"),
    ):
        tool(tmp_path, name, says)
    monkeypatch.setenv("PATH", str(tmp_path))
    prerequisites.check(need_rust=True, need_go=True)
