"""The cache: what is installed is what was recorded, or it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.lab.components import cache_root, pins, read_component, recipe_key, sha256_file


def install(folder: Path, content: bytes = b"program") -> Path:
    folder.mkdir(parents=True)
    binary = folder / "thing"
    binary.write_bytes(content)
    record = {"name": "thing", "version": "1", "sha256": sha256_file(binary), "source": "a test", "path": "thing"}
    (folder / "component.json").write_text(json.dumps(record))
    return binary


def test_a_component_is_read_with_its_whole_path(tmp_path: Path) -> None:
    binary = install(tmp_path / "c")
    component = read_component(tmp_path / "c")
    assert component is not None
    assert component.path == str(binary)


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert read_component(tmp_path / "nothing") is None


def test_an_altered_removed_or_unrecorded_program_is_refused(tmp_path: Path) -> None:
    binary = install(tmp_path / "c")
    binary.write_bytes(b"another program")
    with pytest.raises(LabError, match="is not the program that was installed"):
        read_component(tmp_path / "c")
    binary.unlink()
    with pytest.raises(LabError, match="sha256 nothing"):
        read_component(tmp_path / "c")
    (tmp_path / "c" / "component.json").write_text("{")
    with pytest.raises(LabError, match="signoff lab install"):
        read_component(tmp_path / "c")


def test_the_cache_honours_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "signoff"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_root() == Path.home() / ".cache" / "signoff"


def test_another_recipe_is_another_folder() -> None:
    assert recipe_key("1.0", "a") != recipe_key("1.0", "b")
    assert recipe_key("1.0", "a").startswith("1.0-")
    assert pins().spacetimedb.version == "1.2.0"
