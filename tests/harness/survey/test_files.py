"""What is read of a tree, and what is named because it cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.survey import files
from harness.survey.files import MAX_BYTES, Tree, list_at, table_at


def test_what_is_built_fetched_hidden_or_deep_is_left_out(tmp_path: Path) -> None:
    for name in ("a.txt", "target/b.txt", ".git/c.txt", "d/node_modules/e.txt", "d/f.txt", "1/2/3/4/5/6/7/g.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert Tree(tmp_path).paths == [Path("a.txt"), Path("d/f.txt")]


def test_what_is_below_a_folder(tmp_path: Path) -> None:
    for name in ("a.rs", "a/b.rs", "a/c/d.rs", "a/c.txt", "a-b/e.rs", "b/f.rs"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    tree = Tree(tmp_path)
    assert tree.below(Path("a"), ".rs") == [Path("a/b.rs"), Path("a/c/d.rs")]
    assert len(tree.below(Path(), ".rs")) == 5
    assert tree.below(Path("none"), ".rs") == []
    assert tree.has(Path("a/c.txt")) and not tree.has(Path("a"))


def test_a_file_that_cannot_be_read_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_bytes(b" " * (MAX_BYTES + 1))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "list.json").write_text("[]")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "good.json").write_text('{"a": 1}')
    tree = Tree(tmp_path)
    read = {path.name: tree.table(path, json.loads) for path in tree.paths}
    assert {name for name, table in read.items() if table is not None} == {"good.json"}
    assert [line.partition(":")[0] for line in tree.unread] == [
        "big.json", "bytes.json", "deep.json", "gone.json", "list.json", "pipe.json"
    ]  # fmt: skip
    assert "at most 1048576 are read" in tree.unread[0]


def test_a_name_that_is_no_text_is_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.wasm")).write_bytes(b"")
    tree = Tree(tmp_path)
    assert tree.paths == []
    assert "its name is not UTF-8" in tree.unread[0]
    tree.unread[0].encode()


def test_a_tree_without_end_is_left_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for name in ("a/1", "a/2", "b/3", "b/4", "c/5"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    tree = Tree(tmp_path)
    assert tree.paths == [Path("a/1"), Path("a/2")]
    assert tree.unread == ["b: more than 3 files are here: from this folder on nothing was looked at"]


def test_what_stands_where_a_table_or_a_list_should() -> None:
    assert table_at({"a": {"b": 1}}, "a") == {"b": 1}
    assert table_at({"a": [1]}, "a") == table_at(None, "a") == {}
    assert list_at({"a": [1]}, "a") == [1]
    assert list_at({"a": {"b": 1}}, "a") == list_at([], "a") == []
