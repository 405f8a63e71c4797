"""A small disk of its own for one part of the subject, that can be filled up: a tmpfs, mounted by root.

disk = SmallDisk(folder, size_kb=2048)
disk.mount()
disk.fill()          # ENOSPC for everybody, until drain()
"""

from __future__ import annotations

import errno
from pathlib import Path

from harness import tool
from harness.errors import LabError

MOUNT_TIMEOUT_S = 10
CHUNK_BYTES = 4096  # a page: what a tmpfs gives out


class SmallDisk:
    def __init__(self, folder: Path, *, size_kb: int) -> None:
        self.folder, self._size_kb, self._ballast = folder, size_kb, folder / ".ballast"
        self._mounted = False

    def mount(self) -> None:
        """LabError when it may not be mounted: the drill then shows nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size_kb}k,mode=0777"
        argv = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        done = tool.run(argv, timeout_s=MOUNT_TIMEOUT_S)
        if done.returncode != 0:
            why = done.stderr.strip()
            raise LabError(f"no small disk can be mounted: {why}", hint="only root can drill a full disk")
        self._mounted = True

    def fill(self) -> None:
        """Write until there is no room left."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * CHUNK_BYTES)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def is_full(self) -> bool:
        """Whether a page of our own still goes in: asked by writing one."""
        trial = self.folder / ".trial"
        try:
            with trial.open("wb", buffering=0) as file:
                return file.write(b"\0" * CHUNK_BYTES) != CHUNK_BYTES
        except OSError as error:
            return error.errno == errno.ENOSPC
        finally:
            trial.unlink(missing_ok=True)

    def drain(self) -> None:
        """Make room again; nothing to do when it was never filled."""
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        if self._mounted:
            tool.run(["umount", "-l", str(self.folder)], timeout_s=MOUNT_TIMEOUT_S)
            self._mounted = False
