"""A listening port of the lab, and the connections that are open on it: the base of the relay and of the sink.

Owns the port and the book of what is open; what is said on a connection is the subclass's.

    class Sink(Listener):
        async def _serve(self, reader, writer): ...   # one connection, from its first byte to its end

    await Sink(port).start()
"""

from __future__ import annotations

import asyncio


class Listener:
    """Each connection is served in a task of its own, which ends with the connection or by drop()."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=512)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.drop()

    async def drop(self) -> None:
        """End every connection that is open now."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            self._open.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk on one connection, and close it, also when cancelled."""
        raise NotImplementedError
