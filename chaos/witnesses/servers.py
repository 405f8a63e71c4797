"""Witnesses of the server: its rows, its running program, its own log."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from chaos.witnesses.base import Witness
from harness.errors import WireError
from harness.lab.program import running_program
from harness.surfaces.observer import Observer
from harness.wire.http import HttpClient


class Pruned(Witness):
    """Our own read of the server: rows that were there are gone."""

    effect = "rows gone from the server:"
    needed = 1

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer, self._lowest, self._gone = observer, dict[str, int](), 0

    async def _lowest_seqs(self) -> dict[str, int]:
        lowest: dict[str, int] = {}
        for event in await self._observer.events():
            lowest[event.stream] = min(event.seq, lowest.get(event.stream, event.seq))
        return lowest

    async def before(self) -> None:
        self._lowest = await self._lowest_seqs()

    async def look(self) -> None:
        now = await self._lowest_seqs()
        self._gone = sum(now.get(stream, seq) - seq for stream, seq in self._lowest.items())
        if self._gone:
            self.note()

    def measured(self) -> float:
        return float(self._gone)


class Runs(Witness):
    """The server runs the program that was offered: its hash, read back."""

    effect = "looks at the offered program running:"
    needed = 1

    def __init__(self, http: HttpClient, database: str, offered: str) -> None:
        super().__init__()
        self._http, self._database, self._offered = http, database, offered

    async def look(self) -> None:
        with contextlib.suppress(WireError):
            if await running_program(self._http, self._database) == self._offered:
                self.note()


class Offered(Witness):
    """The server's own log names the program that it was offered (and, as the drill expects, did not take)."""

    effect = "sights of the offered program in the server's log:"
    needed = 1

    def __init__(self, log: Path, offered: str) -> None:
        super().__init__()
        # The log prints the hash as it was computed; what is read back from a table has its bytes reversed (measured).
        self._log, self._offered = log, bytes.fromhex(offered)[::-1].hex().encode()

    async def look(self) -> None:
        if not self.times_ns and self._offered in await asyncio.to_thread(self._log.read_bytes):
            self.note()
