"""Witnesses of processes: the kernel's word on pids and states, files as they lie on disk, a token of our own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil

from chaos.torn import beginnings
from chaos.witnesses.base import Seen, Witness
from harness.errors import SubjectError
from harness.lab.disk import SmallDisk
from harness.surfaces.control import ControlSurface, Session


class GoneAndBack(Witness):
    """The process was gone, and another one is back in its place."""

    effect = "gone and back under another pid:"
    needed = 1

    def __init__(self, pid: Callable[[], int]) -> None:
        super().__init__()
        self._pid, self._old, self._gone = pid, 0, False

    async def before(self) -> None:
        self._old = self._pid()

    async def look(self) -> None:
        if not _alive(self._old):
            self._gone = True
            self.note()

    def measured(self) -> float:
        now = self._pid()
        return float((self._gone or not _alive(self._old)) and now != self._old and _alive(now))

    def seen(self) -> Seen:
        if not self.times_ns and not _alive(self._old):
            self.note()
        return super().seen()


class Torn(Witness):
    """Files that began with something before are gone, empty, or begin with noughts."""

    effect = "files torn:"
    needed = 1

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder, self._old, self._torn = folder, dict[str, bytes](), 0

    async def before(self) -> None:
        self._old = {name: begin for name, begin in beginnings(self._folder).items() if any(begin)}

    async def look(self) -> None:
        now = beginnings(self._folder)
        torn = sum(not any(now.get(name, b"")) for name in self._old)
        if torn:
            self._torn = max(self._torn, torn)
            self.note()

    def measured(self) -> float:
        return float(self._torn)


class Stopped(Witness):
    """The kernel says that the process is stopped: how many looks found it so."""

    effect = "looks that found it stopped:"

    def __init__(self, pid: Callable[[], int]) -> None:
        super().__init__()
        self._pid = pid

    async def look(self) -> None:
        with contextlib.suppress(psutil.Error):
            if psutil.Process(self._pid()).status() == psutil.STATUS_STOPPED:
                self.note()


class AnotherKey(Witness):
    """A token of our own, minted now, names another key than before."""

    effect = "own tokens of another key:"
    needed = 1

    def __init__(self, control: ControlSurface, device: str) -> None:
        super().__init__()
        self._control, self._device, self._old = control, device, ""
        self._session: Session | None = None

    async def _kid(self) -> str:
        if self._session is None:
            self._session = await self._control.sign_in("witness", self._device)
        return str((await self._control.mint(self._session, ["witness"])).header.get("kid"))

    async def before(self) -> None:
        self._old = await self._kid()

    async def look(self) -> None:
        with contextlib.suppress(SubjectError):
            if await self._kid() != self._old:
                self.note()


class NoRoom(Witness):
    """Our own write to that disk finds no room."""

    effect = "own writes without room:"

    def __init__(self, disk: SmallDisk) -> None:
        super().__init__()
        self._disk = disk

    async def look(self) -> None:
        if self._disk.is_full():
            self.note()


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
