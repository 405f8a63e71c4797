"""Files of a cache: written whole or not at all, and the oldest of a kind make room for new ones."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

KEPT_FILES = 4  # of one kind


def keep(path: Path, data: bytes) -> None:
    """Write this file of a cache. OSError when it cannot be, and nothing is left of the attempt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink()
            raise
    files = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in files[KEPT_FILES:]:
        with contextlib.suppress(OSError):
            old.unlink()


def trouble_of_keeping(path: Path, data: bytes) -> str:
    """Write this file of a cache; what to tell where it cannot be, else ""."""
    try:
        keep(path, data)
    except OSError as error:
        return f"the cache cannot be written, so the next scan is no faster: {error}"
    return ""
