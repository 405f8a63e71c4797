"""Providers: what is given is taken, what is missing is named, and `auto` finds the pinned ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import LabError
from harness.lab import build
from harness.lab.components import Component
from harness.lab.providers import LabChoice, prepare


def program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The build provider with its compiler taken away: what it was asked for."""
    asked: list[str] = []

    def stand_in(name: str) -> Component:
        asked.append(name)
        return Component(name, "1.2.0", "0" * 64, "built", "/built")

    monkeypatch.setattr(build, "spacetimedb", lambda: stand_in("spacetimedb"))
    monkeypatch.setattr(build, "toxiproxy", lambda: stand_in("toxiproxy"))
    return asked


def test_given_programs_are_taken_with_version_and_digest(tmp_path: Path) -> None:
    server = program(tmp_path, "server", "spacetimedb tool version 1.2.0")
    proxy = program(tmp_path, "proxy", "toxiproxy-server version git")
    components = prepare(LabChoice("binary", server, proxy))
    assert components.provider == "binary"
    assert "1.2.0" in components.spacetimedb.version
    assert len(components.spacetimedb.sha256) == 64
    assert components.toxiproxy.path == str(proxy)


def test_a_given_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-server is not there"):
        prepare(LabChoice("auto", tmp_path / "no-server", None))


def test_auto_builds_when_path_has_none(built: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prepare(LabChoice()).provider == "build"
    assert built == ["spacetimedb", "toxiproxy"]


@pytest.mark.parametrize(("version", "provider"), [("1.2.0", "binary"), ("1.1.0", "build")])
def test_auto_takes_path_only_in_the_pinned_version(
    built: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, provider: str
) -> None:
    program(tmp_path, "spacetimedb-standalone", f"spacetimedb tool version {version}")
    program(tmp_path, "toxiproxy-server", "version git")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert prepare(LabChoice()).provider == provider
