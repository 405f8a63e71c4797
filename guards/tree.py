"""The files of a tree, as git sees them, and everything that is not visited with its reason.

listing = list_tree(Path("."), [])
listing.files, listing.skipped
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness import process
from harness.errors import UserError
from harness.history import Record

GIT_TIMEOUT_S = 60  # for the index of a large repository on a cold disk

Reason = Literal[
    "ignored by git", "submodule", "symlink", "symlink that leaves the tree", "symlink to nowhere", "too large",
    "binary", "no UTF-8", "unreadable", "gone during the scan", "not a file",
]  # fmt: skip


class Skipped(Record, frozen=True):
    """A path (a folder ends in "/") that was not visited. `undecided` when nobody knows what it holds."""

    path: str
    reason: Reason
    detail: str = ""
    undecided: bool = False


@dataclass
class Listing:
    """`files` are relative to `root`, in order."""

    root: Path
    files: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    git: bool = False


def list_tree(paths: Sequence[Path]) -> Listing:
    """The files under these paths, which are of one tree. UserError when one does not exist."""
    for path in paths:
        if not os.path.lexists(path):
            raise UserError(f"{path} does not exist", hint="give folders or files to scan")
    first = paths[0].resolve()
    folder = first if first.is_dir() else first.parent
    top = str(folder) if len(paths) == 1 and first.is_dir() else _git(folder, "rev-parse", "--show-toplevel")
    if top is None or _git(folder, "rev-parse", "--git-dir") is None:
        listing = Listing(_common([path.resolve() for path in paths]))
        inside = [os.path.relpath(path.resolve(), listing.root) for path in paths]
        for one in inside:
            _walk(listing, "" if one == "." else one)
    else:
        listing = Listing(Path(top.removesuffix("\n")), git=True)
        inside = [os.path.relpath(path.resolve(), listing.root) for path in paths]
        if any(one.startswith("..") for one in inside):
            raise UserError("the paths are not of one repository", hint="scan them one after the other")
        _list_git(listing, [] if "." in inside else inside)
    listing.files.sort()
    return listing


def _common(paths: Sequence[Path]) -> Path:
    common = Path(os.path.commonpath(paths))
    return common if common.is_dir() else common.parent


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, or None when it is no repository or there is no git."""
    done = process.run(["git", "-C", str(folder), *arguments], timeout_s=GIT_TIMEOUT_S, inherit=True)
    return done.stdout if done.returncode == 0 else None


def _list_git(listing: Listing, inside: list[str]) -> None:
    """Tracked and new files; ignored ones and submodules by name. A shallow or detached state makes no difference."""
    staged = _git(listing.root, "ls-files", "-z", "--stage", "--", *inside)
    others = _git(listing.root, "ls-files", "-z", "--others", "--exclude-standard", "--", *inside)
    ignored = _git(
        listing.root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--", *inside
    )
    if staged is None or others is None or ignored is None:
        raise UserError(
            "git cannot list the files of this repository", where=str(listing.root), hint="see 'git status'"
        )
    seen: set[str] = set()
    for entry in filter(None, staged.split("\0")):
        meta, _, path = entry.partition("\t")
        if path in seen:
            continue  # an unmerged file has several entries
        seen.add(path)
        if meta.startswith("160000"):
            listing.skipped.append(Skipped(path + "/", "submodule", "scan it as a tree of its own"))
        else:
            _take(listing, path)
    for path in filter(None, others.split("\0")):
        if path.endswith("/"):  # a repository inside of the tree that is no submodule
            listing.skipped.append(Skipped(path, "submodule", "a repository of its own: scan it as a tree of its own"))
        else:
            _take(listing, path)
    listing.skipped += [Skipped(path, "ignored by git") for path in filter(None, ignored.split("\0"))]


def _walk(listing: Listing, start: str) -> None:
    """Without git: every file; symlinks are not followed, so that a cycle ends."""
    whole = listing.root / start
    if not whole.is_dir() or whole.is_symlink():
        _take(listing, start)
        return
    for path in _files_under(listing, start):
        _take(listing, path)


def _files_under(listing: Listing, start: str) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename, listing.root) + "/"
        listing.skipped.append(Skipped(name, "unreadable", error.strerror or "", undecided=True))

    for folder, folders, files in os.walk(listing.root / start, onerror=unreadable):
        near = os.path.relpath(folder, listing.root)
        near = "" if near == "." else near + "/"
        yield from (near + name for name in files)
        yield from (near + name for name in folders if os.path.islink(os.path.join(folder, name)))


def _take(listing: Listing, path: str) -> None:
    """A file to visit, or a link with what it is."""
    whole = os.path.join(listing.root, path)
    if os.path.islink(whole):
        listing.skipped.append(_link(listing.root, path, whole))
    else:
        listing.files.append(path)


def _link(root: Path, path: str, whole: str) -> Skipped:
    target = os.path.realpath(whole)
    if not os.path.exists(target):
        return Skipped(path, "symlink to nowhere", os.readlink(whole))
    if not target.startswith(f"{os.path.realpath(root)}{os.sep}") and target != os.path.realpath(root):
        return Skipped(path, "symlink that leaves the tree", f"to {target}", undecided=True)
    return Skipped(path, "symlink", "its target is visited under its own name")
