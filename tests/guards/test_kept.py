"""A file of a cache is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guards.kept import KEPT_FILES, keep


def test_it_is_written_and_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.kind"
    keep(path, b"one")
    keep(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_the_oldest_of_its_kind_go(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    for number in range(KEPT_FILES + 2):
        keep(tmp_path / f"{number}.kind", b"")
        os.utime(tmp_path / f"{number}.kind", (number, number))
    keep(tmp_path / "last.kind", b"")
    assert len(list(tmp_path.glob("*.kind"))) == KEPT_FILES
    assert (tmp_path / "last.kind").exists() and (tmp_path / "other").exists()


def test_nothing_is_left_of_an_attempt(tmp_path: Path) -> None:
    (tmp_path / "a.kind").mkdir()
    with pytest.raises(OSError, match="directory"):
        keep(tmp_path / "a.kind", b"")
    assert [one.name for one in tmp_path.iterdir()] == ["a.kind"]
