"""The account of connections (I16): who reached the server, and what carried them.

Three books that must agree: the relays' (which local ports they connected from), the kernel's (the
socket table, TIME_WAIT included, so that a short connection is seen up to a minute later), and the server's own
count of WebSocket clients. A connection in the kernel's book that no relay made is a bypass.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import psutil

SAMPLE_PAUSE_MS = 200
# Only what was connected: not LISTEN, SYN_SENT (a refused attempt) or CLOSE.
_CONNECTED = frozenset({"01", "03", "04", "05", "06", "08", "09", "0B"})


def peers_of(port: int) -> set[int]:
    """Local ports of all sockets on this machine that are, or lately were, connected to `port`."""
    tables = [path for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists()]
    if not tables:
        return _peers_by_psutil(port)
    found: set[int] = set()
    for table in tables:
        for line in table.read_text().splitlines()[1:]:
            _, local, remote, state, *_ = line.split()
            if state not in _CONNECTED:
                continue
            local_port, remote_port = int(local.rpartition(":")[2], 16), int(remote.rpartition(":")[2], 16)
            if remote_port == port:
                found.add(local_port)
            elif local_port == port:
                found.add(remote_port)
    return found


def _peers_by_psutil(port: int) -> set[int]:
    found: set[int] = set()
    for entry in psutil.net_connections("tcp"):
        if not entry.raddr or not entry.laddr:
            continue
        if entry.raddr.port == port:
            found.add(entry.laddr.port)
        elif entry.laddr.port == port:
            found.add(entry.raddr.port)
    return found


class SocketTable:
    """Samples the kernel's table while a scenario runs, so that nothing passes between two looks
    but what is reset within a fraction of a second."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seen: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._sample())

    async def _sample(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_PAUSE_MS / 1000)

    def look(self) -> set[int]:
        self.seen |= peers_of(self._port)
        return self.seen

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
