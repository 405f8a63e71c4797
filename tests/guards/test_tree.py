"""Which files a tree has, and that everything else is said with its reason."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from guards import tree
from guards.git import git as real_git
from guards.tree import Listing, Skipped, list_tree
from harness.errors import UserError
from harness.tool import Completed
from tests.guards.repository import commit, git, repository, write


def reasons(listing: Listing) -> dict[str, str]:
    return {one.path: one.reason for one in listing.skipped}


def test_tracked_and_new_files_are_visited_and_ignored_ones_are_named(tmp_path: Path) -> None:
    repository(tmp_path, {"a.py": "", "src/b.py": "", ".gitignore": "build/\n*.log\n"})
    write(tmp_path, {"new.py": "", "build/c.py": "", "d.log": ""})
    listing = list_tree([tmp_path])
    assert listing.git
    assert listing.files == [".gitignore", "a.py", "new.py", "src/b.py"]
    assert reasons(listing) == {"build/": "ignored by git", "d.log": "ignored by git"}
    assert not any(one.undecided for one in listing.skipped)


def test_without_git_every_file_counts(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "", "build/c.py": "", ".gitignore": "build/\n"})
    listing = list_tree([tmp_path])
    assert not listing.git
    assert listing.files == [".gitignore", "a.py", "build/c.py"]


def test_without_the_program_a_repository_is_walked_but_for_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path, {"a.py": ""})
    monkeypatch.setenv("PATH", "/nowhere")
    listing = list_tree([tmp_path])
    assert listing.files == ["a.py"]
    assert reasons(listing) == {".git/": "git's own"}


def test_a_repository_that_git_refuses_is_told_with_gits_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Completed(128, "", "fatal: detected dubious ownership in repository at '/x'")
    monkeypatch.setattr(tree, "git", lambda *_: said)
    with pytest.raises(UserError, match=r"cannot read this repository .*dubious ownership"):
        list_tree([tmp_path])


def test_names_with_spaces_newlines_stars_and_odd_bytes(tmp_path: Path) -> None:
    names = ["a b.py", "c\nd.py", "[e]*.py", 'f"g.py', "h\udcff.py"]
    repository(tmp_path, {})
    for name in names:
        Path(f"{tmp_path}/{name}").touch()
    assert list_tree([tmp_path]).files == sorted(names)
    commit(tmp_path)
    assert list_tree([tmp_path]).files == sorted(names)
    assert list_tree([tmp_path / "[e]*.py"]).files == ["[e]*.py"]


@pytest.mark.parametrize("under_git", [True, False])
def test_links(tmp_path: Path, under_git: bool) -> None:
    folder = write(tmp_path / "tree", {"src/a.py": ""})
    outside = write(tmp_path / "outside", {"b.py": ""})
    (folder / "inside.py").symlink_to("src/a.py")
    (folder / "leaves.py").symlink_to(outside / "b.py")
    (folder / "leaves").symlink_to(outside)
    (folder / "nowhere").symlink_to("gone")
    (folder / "src" / "up").symlink_to("..")
    (folder / "self").symlink_to("self")
    if under_git:
        repository(folder, {})
    listing = list_tree([folder])
    assert listing.files == ["src/a.py"]
    assert reasons(listing) == {
        "inside.py": "symlink",
        "leaves.py": "symlink that leaves the tree",
        "leaves": "symlink that leaves the tree",
        "nowhere": "symlink to nowhere",
        "src/up": "symlink",
        "self": "symlink to nowhere",
    }
    assert {one.path for one in listing.skipped if one.undecided} == {"leaves.py", "leaves"}


def test_a_submodule_and_a_repository_inside_are_named(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner", {"x.py": ""})
    folder = repository(tmp_path / "tree", {"a.py": ""})
    git(folder, "submodule", "--quiet", "add", str(inner), "vendor/inner")
    repository(folder / "other", {"y.py": ""})
    listing = list_tree([folder])
    assert listing.files == [".gitmodules", "a.py"]
    assert reasons(listing) == {"vendor/inner/": "submodule", "other/": "submodule"}
    assert list_tree([folder / "vendor" / "inner"]).files == ["x.py"]


def test_a_detached_and_a_shallow_state_make_no_difference(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin", {"a.py": ""})
    write(origin, {"b.py": ""})
    commit(origin)
    git(origin, "checkout", "--quiet", "--detach")
    assert list_tree([origin]).files == ["a.py", "b.py"]
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{origin}", "shallow")
    assert list_tree([tmp_path / "shallow"]).files == ["a.py", "b.py"]


def test_files_that_became_something_else(tmp_path: Path) -> None:
    repository(tmp_path, {"gone.py": "", "folder.py": "", "pipe.py": "", "under/deep.py": ""})
    for name in ("gone.py", "folder.py", "pipe.py", "under/deep.py"):
        (tmp_path / name).unlink()
    write(tmp_path, {"folder.py/inside.py": ""})
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "under").rmdir()
    (tmp_path / "under").touch()
    listing = list_tree([tmp_path])
    assert listing.files == ["folder.py/inside.py", "under"]
    assert reasons(listing) == {
        "gone.py": "deleted",
        "folder.py": "not a file",
        "pipe.py": "not a file",
        "under/deep.py": "deleted",
    }


def test_a_pipe_and_a_socket_are_not_opened(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": ""})
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        listing = list_tree([tmp_path])
    assert listing.files == ["a.py"]
    assert reasons(listing) == {"pipe": "not a file", "socket": "not a file"}


def test_a_folder_that_git_cannot_open_is_not_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It warns, and goes on as if the folder were empty."""
    repository(tmp_path, {"a.py": ""})

    def warned(folder: Path, *arguments: str) -> Completed:
        done = real_git(folder, *arguments)
        warning = "warning: could not open directory 'shut/': Permission denied\n" if "--others" in arguments else ""
        return Completed(done.returncode, done.stdout, warning)

    monkeypatch.setattr(tree, "git", warned)
    (skipped,) = list_tree([tmp_path]).skipped
    assert (skipped.path, skipped.reason, skipped.undecided) == ("shut/", "unreadable", True)


def test_a_folder_that_cannot_be_walked_is_not_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.py": "", "shut/b.py": ""})
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    listing = list_tree([tmp_path])
    assert listing.files == ["a.py"]
    assert listing.skipped == [Skipped("shut/", "unreadable", "Permission denied", undecided=True)]


def test_parts_of_a_tree(tmp_path: Path) -> None:
    repository(tmp_path, {"a.py": "", "src/b.py": "", "src/deep/c.py": ""})
    only = list_tree([tmp_path / "src"])
    assert (only.root, only.prefix, only.files) == (tmp_path / "src", "src/", ["b.py", "deep/c.py"])
    within = list_tree([tmp_path / "src"], root=tmp_path)
    assert (within.root, within.prefix, within.files) == (tmp_path, "", ["src/b.py", "src/deep/c.py"])
    several = list_tree([tmp_path / "src" / "deep", tmp_path / "a.py", tmp_path / "src"])
    assert (several.root, several.files) == (tmp_path, ["a.py", "src/b.py", "src/deep/c.py"])
    above = list_tree([tmp_path], root=tmp_path.parent)
    assert (above.root, above.files) == (tmp_path, ["a.py", "src/b.py", "src/deep/c.py"])


def test_paths_without_git_share_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a/x.py": "", "b/y.py": "", "c/z.py": ""})
    listing = list_tree([tmp_path / "a", tmp_path / "b" / "y.py"])
    assert (listing.root, listing.files) == (tmp_path, ["a/x.py", "b/y.py"])
    assert list_tree([tmp_path / "a" / "x.py"]).files == ["x.py"]


def test_paths_that_are_not_there_or_of_several_trees(tmp_path: Path) -> None:
    first, second = repository(tmp_path / "first", {"a": ""}), repository(tmp_path / "second", {"b": ""})
    (tmp_path / "loop").symlink_to("loop")
    for missing in ("gone", "loop"):
        with pytest.raises(UserError, match="does not exist"):
            list_tree([tmp_path / missing])
    with pytest.raises(UserError, match="not of one tree"):
        list_tree([first, second])


def test_an_empty_tree_has_no_files(tmp_path: Path) -> None:
    assert list_tree([tmp_path]).files == []
    git(tmp_path, "init", "--quiet")
    assert list_tree([tmp_path]).files == []
