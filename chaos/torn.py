"""A folder of state as a torn write leaves it: files gone, empty, or with a block of noughts at their beginning.

Every file is damaged, and at its beginning. Cutting off ends would leave the journal of many a store whole and shorter:
an earlier state, from which it may rightly go on.

    tear(folder, "spoilt")
    beginnings(folder)      # {"session.sqlite": b"..."}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

BLOCK = 4096  # bytes: what a disk and a page cache write at once
_SHOWN = 16  # of a file's beginning: where formats have their magic number


def tear(folder: Path, how: Literal["missing", "empty", "spoilt"]) -> None:
    """Damage all files; nobody may have them open."""
    for path in _files(folder):
        if how == "missing":
            path.unlink()
        elif how == "empty":
            path.write_bytes(b"")
        else:
            with path.open("r+b") as file:
                file.write(bytes(min(BLOCK, path.stat().st_size)))


def beginnings(folder: Path) -> dict[str, bytes]:
    """The first bytes of each file, by its path below the folder; files that vanish meanwhile are left out."""
    found: dict[str, bytes] = {}
    for path in _files(folder):
        try:
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = file.read(_SHOWN)
        except FileNotFoundError:
            continue
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
