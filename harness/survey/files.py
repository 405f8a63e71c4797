"""The files of a source tree, and what they say, within limits.

Nothing is opened that is no regular file or is larger than a manifest can be. What cannot be read is named in `unread`
with its reason, and is no error: whoever looks goes on without it.

    tree = Tree(Path("."))
    for path in tree.called("Cargo.toml"):
        tree.table(path, tomllib.loads)
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

MAX_DEPTH = 6  # folders below the first
MAX_FILES = 100_000  # a second of walking; a tree beyond that is no project of one subject
MAX_BYTES = 1 << 20  # of one file: manifests have some kilobytes
_NOT_SOURCE = {"target", "node_modules", "dist", "build", "vendor", "venv", "__pycache__"}


class Tree:
    """All that is below `folder`, but for what is built, fetched or hidden. Paths are relative to it and sorted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unread: list[str] = []
        self.paths = sorted(self._walk())
        self._known = set(self.paths)

    def called(self, *names: str) -> list[Path]:
        return [path for path in self.paths if path.name in names]

    def has(self, path: Path) -> bool:
        return path in self._known

    def below(self, folder: Path, suffix: str) -> list[Path]:
        """Paths are sorted by their parts, so those below a folder stand together."""
        inside = takewhile(lambda path: path.is_relative_to(folder), self.paths[bisect_left(self.paths, folder) :])
        return [path for path in inside if path.suffix == suffix]

    def text(self, path: Path) -> str | None:
        """None, and told, when it cannot be read as text."""
        try:
            return self._read(self.folder / path)
        except (OSError, ValueError) as error:
            self._leave(path, error)
            return None

    def table(self, path: Path, parse: Callable[[str], Any]) -> dict[str, Any] | None:
        """The table that a file holds; None, and told, when it holds none."""
        try:
            content = parse(self._read(self.folder / path))
            if not isinstance(content, dict):
                raise ValueError("it holds no table")
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            self._leave(path, error)
            return None
        return content

    def _read(self, file: Path) -> str:
        """ValueError for what is no text, no regular file (opening a pipe would wait for ever) or too large."""
        seen = file.stat()
        if not stat.S_ISREG(seen.st_mode):
            raise ValueError("it is no regular file")
        if seen.st_size > MAX_BYTES:
            raise ValueError(f"it has {seen.st_size} bytes, at most {MAX_BYTES} are read")
        return file.read_text(encoding="utf-8")

    def _leave(self, path: Path, why: object) -> None:
        self.unread.append(f"{path}: {' '.join(str(why).split())[:200]}")

    def _walk(self) -> Iterator[Path]:
        count = 0
        for place, folders, names in os.walk(self.folder, onerror=self._denied):
            here = Path(place).relative_to(self.folder)
            deep = len(here.parts) >= MAX_DEPTH
            folders[:] = [] if deep else sorted(name for name in folders if name not in _NOT_SOURCE and name[0] != ".")
            count += len(names)
            if count > MAX_FILES:
                self._leave(here, f"more than {MAX_FILES} files are here: from this folder on nothing was looked at")
                return
            yield from (here / name for name in names if self._is_text(here, name))

    def _is_text(self, here: Path, name: str) -> bool:
        try:
            f"{here}{name}".encode()
        except UnicodeEncodeError:
            self._leave(Path(ascii(str(here / name))), "its name is not UTF-8")
            return False
        return True

    def _denied(self, error: OSError) -> None:
        where = Path(error.filename).relative_to(self.folder) if error.filename else Path()
        self._leave(Path(ascii(str(where)).strip("'")), error.strerror or error)


def table_at(value: object, key: str) -> dict[str, Any]:
    """The table under a key; an empty one where something else stands."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def list_at(value: object, key: str) -> list[Any]:
    """The list under a key; an empty one where something else stands."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else []
