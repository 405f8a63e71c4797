"""The files of a tree, as git sees them, and everything that is not visited with its reason.

listing = list_tree([Path(".")])
listing.files, listing.skipped
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from guards.git import NOT_FOUND, git
from harness.errors import UserError
from harness.history import Record

# Entries of the index, new files, and what is ignored, of `git ls-files`.
_LISTS = (
    ("--stage",),
    ("--others", "--exclude-standard"),
    ("--others", "--ignored", "--exclude-standard", "--directory"),
)

Reason = Literal[
    "ignored by git", "git's own", "submodule", "symlink", "symlink that leaves the tree", "symlink to nowhere",
    "too large", "binary", "no UTF-8", "not parsed whole", "engine crashed", "unreadable", "deleted",
    "gone during the scan", "not seen whole by semgrep", "not a file",
]  # fmt: skip


class Skipped(Record, frozen=True):
    """A path (a folder ends in "/") that was not visited. `undecided` when nobody knows what it holds."""

    path: str
    reason: Reason
    detail: str = ""
    undecided: bool = False


Stamp = tuple[int, int, int, int]  # bytes, ns of the last write, ns of the last change of anything, inode


@dataclass
class Listing:
    """`files` are relative to `root`, in order, and `stamps` what the file system said of each; `prefix` is where in
    its repository the root is, "" or "path/"."""

    root: Path
    files: list[str] = field(default_factory=list)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    git: bool = False
    prefix: str = ""


def list_tree(paths: Sequence[Path], root: Path | None = None) -> Listing:
    """The files under these paths, which are of one tree. `root` is what names are relative to: if it is not given, the
    folder when there is one, else the repository. UserError when a path does not exist."""
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist", hint="give folders or files to scan")
    whole = [path.resolve() for path in paths]
    top = repository_of(whole[0])
    root = root.resolve() if root else whole[0] if len(whole) == 1 and whole[0].is_dir() else top or _common(whole)
    if top is not None and not root.is_relative_to(top):
        root = top
    listing = Listing(root, git=top is not None, prefix=f"{root.relative_to(top)}/" if top and top != root else "")
    inside = [os.path.relpath(path, root) for path in whole]
    if any(one.split("/")[0] == ".." for one in inside):
        raise UserError("the paths are not of one tree", where=str(root), hint="scan them one after the other")
    if listing.git:
        _list_git(listing, [] if "." in inside else inside)
    else:
        for one in inside:
            _walk(listing, "" if one == "." else one)
    listing.files = sorted(set(listing.files))
    return listing


def _common(paths: Sequence[Path]) -> Path:
    common = Path(os.path.commonpath(paths))
    return common if common.is_dir() else common.parent


def repository_of(path: Path) -> Path | None:
    """Where the repository around a path begins; None where there is none, or no git: then every file counts."""
    folder = path if path.is_dir() else path.parent
    said = git(folder, "rev-parse", "--show-toplevel")
    if said.returncode == 0:
        return Path(said.stdout.removesuffix("\n"))
    if said.returncode == NOT_FOUND or "not a git repository" in said.stderr:
        return None
    raise UserError("git cannot read this repository", where=str(folder), hint=said.stderr.strip())


def _list_git(listing: Listing, inside: list[str]) -> None:
    """Tracked and new files; ignored ones and submodules by name. A shallow or detached state makes no difference."""
    with ThreadPoolExecutor() as pool:  # two of them walk the whole tree
        staged, others, ignored = pool.map(lambda words: _listed(listing, *words, "--", *inside), _LISTS)
    seen: set[str] = set()
    for entry in staged:
        meta, _, path = entry.partition("\t")
        if path in seen:
            continue  # an unmerged file has several entries
        seen.add(path)
        if meta.startswith("160000"):
            listing.skipped.append(Skipped(path + "/", "submodule", "scan it as a tree of its own"))
        else:
            _take(listing, path)
    for path in others:
        if path.endswith("/"):  # a repository inside of the tree that is no submodule
            listing.skipped.append(Skipped(path, "submodule", "a repository of its own: scan it as a tree of its own"))
        else:
            _take(listing, path)
    listing.skipped += [Skipped(path, "ignored by git") for path in ignored]


def _listed(listing: Listing, *arguments: str) -> list[str]:
    """Entries of `git ls-files`. It says of a folder that it cannot open, and goes on as if it were empty."""
    done = git(listing.root, "ls-files", "-z", *arguments)
    if done.returncode != 0:
        raise UserError("git cannot list the files of it", where=str(listing.root), hint=done.stderr.strip())
    closed = (line for line in done.stderr.splitlines() if "could not open directory" in line)
    skipped = (Skipped(line.split("'")[1], "unreadable", line, undecided=True) for line in closed)
    listing.skipped += [one for one in skipped if one not in listing.skipped]
    return [entry for entry in done.stdout.split("\0") if entry]


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
        if ".git" in folders:
            folders.remove(".git")
            listing.skipped.append(Skipped(f"{near}.git/", "git's own"))
        yield from (near + name for name in files)
        yield from (near + name for name in folders if os.path.islink(os.path.join(folder, name)))


def _take(listing: Listing, path: str) -> None:
    """A file to visit, or what else is there."""
    whole = f"{listing.root}/{path}"
    try:
        found = os.lstat(whole)
    except (FileNotFoundError, NotADirectoryError):
        listing.skipped.append(Skipped(path, "deleted", "git still lists it"))
        return
    except OSError as error:
        listing.skipped.append(Skipped(path, "unreadable", error.strerror or "", undecided=True))
        return
    if stat.S_ISREG(found.st_mode):
        listing.files.append(path)
        listing.stamps[path] = found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
    elif stat.S_ISLNK(found.st_mode):
        listing.skipped.append(_link(listing.root, path, whole))
    else:  # a pipe, a socket, a folder where git knows a file
        listing.skipped.append(Skipped(path, "not a file"))


def _link(root: Path, path: str, whole: str) -> Skipped:
    target = os.path.realpath(whole)
    if not os.path.exists(target):
        return Skipped(path, "symlink to nowhere", os.readlink(whole))
    if not target.startswith(f"{os.path.realpath(root)}{os.sep}") and target != os.path.realpath(root):
        return Skipped(path, "symlink that leaves the tree", f"to {target}", undecided=True)
    return Skipped(path, "symlink", f"to {os.path.relpath(target, os.path.realpath(root))}")
