"""A small disk: full for everybody, empty again, and gone at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import LabError
from harness.lab.disk import SmallDisk

pytestmark = pytest.mark.lab


def mounted(folder: Path) -> bool:
    return str(folder) in Path("/proc/mounts").read_text()


def test_a_small_disk_fills_and_drains(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    disk = SmallDisk(folder, size_kb=256)
    disk.mount()
    try:
        assert mounted(folder)
        assert not disk.is_full()
        disk.fill()
        assert disk.is_full()
        with pytest.raises(OSError, match="No space"):
            (folder / "other").write_bytes(b"x" * 8192)
        disk.drain()
        assert not disk.is_full()
        disk.drain()
    finally:
        disk.unmount()
    assert not mounted(folder)
    disk.unmount()


def test_what_cannot_be_mounted_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="only root"):
        SmallDisk(tmp_path / "bad", size_kb=-1).mount()
