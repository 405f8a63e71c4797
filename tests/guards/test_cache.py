"""What is known from before is known by its bytes, and a bad cache costs time only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guards import cache
from guards.cache import Cache, Entry, digest_of, key_of
from guards.kept import KEPT_FILES
from guards.rule import RULES, load
from guards.sighting import Look, Sighting

ENTRY = Entry("rust", b"start", Look((Sighting("phoenix-frame", "phx_join", "string", 3, 9, "folded"),)))
DIGEST = digest_of(b"x")


def filled(folder: Path, key: str = "key") -> Path:
    Cache.open(folder, key).add({DIGEST: ENTRY})
    return folder / f"{key}.msgpack"


def test_what_was_added_is_there_the_next_time(tmp_path: Path) -> None:
    filled(tmp_path / "new" / "folder")
    again = Cache.open(tmp_path / "new" / "folder", "key")
    assert again.get(DIGEST) == ENTRY
    assert again.get(digest_of(b"y")) is None
    assert Cache.open(tmp_path / "new" / "folder", "other key").get(DIGEST) is None


def test_without_a_folder_nothing_is_kept() -> None:
    none = Cache.open(None, "key")
    none.add({DIGEST: ENTRY})
    assert none.get(DIGEST) is None
    assert not none.trouble


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\xc4\x01a\xa1b", b"x" * 5_000])
def test_a_broken_cache_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = filled(tmp_path)
    path.write_bytes(content)
    broken = Cache.open(tmp_path, "key")
    assert broken.get(DIGEST) is None
    broken.add({DIGEST: ENTRY})
    assert Cache.open(tmp_path, "key").get(DIGEST) == ENTRY


def test_a_cut_cache_is_an_empty_one(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    assert Cache.open(tmp_path, "key").get(DIGEST) is None


def test_a_cache_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shut = Cache.open(tmp_path / "file" / "cache", "key")
    shut.add({DIGEST: ENTRY})
    assert "cannot be written" in shut.trouble
    (tmp_path / "key.msgpack").mkdir()
    taken = Cache.open(tmp_path, "key")
    taken.add({DIGEST: ENTRY})
    assert "cannot be written" in taken.trouble
    assert not list(tmp_path.glob(".new-*"))


def test_old_caches_go(tmp_path: Path) -> None:
    for number in range(KEPT_FILES + 2):
        path = filled(tmp_path, f"key{number}")
        os.utime(path, (number, number))
    filled(tmp_path, "newest")
    assert len(list(tmp_path.iterdir())) == KEPT_FILES
    assert (tmp_path / "newest.msgpack").exists()


def test_a_cache_that_grew_too_large_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    monkeypatch.setattr(cache, "MAX_ENTRIES", 1)
    Cache.open(tmp_path, "key").add({digest_of(b"y"): ENTRY})
    assert Cache.open(tmp_path, "key").get(DIGEST) is None


def test_the_key_is_of_rules_and_parsers(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = load(RULES)
    key = key_of(rules)
    assert key_of(rules) == key
    assert key_of(rules[1:]) != key
    monkeypatch.setattr(cache, "version", lambda name: "0")
    assert key_of(rules) != key
