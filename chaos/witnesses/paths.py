"""Witnesses on a path: our own connects and requests through it, and what relay, sink and middlebox counted."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable

from chaos.witnesses.base import NEEDED, Seen, Witness
from harness.lab.relay import Relay
from harness.lab.sink import Sink

UNANSWERED_MS = 250  # a loopback round trip takes 2 ms; what has no answer by then has been stopped
BASELINE_LOOKS = 5
PING = b"GET /v1/ping HTTP/1.1\r\nhost: witness\r\nconnection: close\r\n"


class RefusedConnects(Witness):
    """Our own connects to the proxy's port are refused."""

    effect = "own connects refused:"

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def look(self) -> None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionRefusedError:
            self.note()
        except OSError:
            return
        else:
            writer.close()


class Asked(Witness):
    """Our own request through the path: what became of it."""

    def __init__(self, port: int, fill_bytes: int = 0) -> None:
        super().__init__()
        self._port = port
        self._request = PING + b"x-fill: " + b"x" * fill_bytes + b"\r\n\r\n"

    async def ask(self, timeout_ms: float) -> float | type[Exception]:
        """How many ms the answer took, or how it failed: a reset, an end without an answer, or none in time."""
        began = time.monotonic()
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(self._request)
                answer = await reader.read(64)
        except TimeoutError:
            return TimeoutError
        except ConnectionRefusedError:
            return ConnectionRefusedError
        except OSError:
            return ConnectionResetError
        finally:
            if writer is not None:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.close()
        return (time.monotonic() - began) * 1000 if answer else EOFError


class ResetAnswers(Asked):
    """Our own requests are reset."""

    effect = "own requests reset:"

    async def look(self) -> None:
        """Some at once: a busy machine leaves a short window few turns."""
        for said in await asyncio.gather(*(self.ask(UNANSWERED_MS * 4) for _ in range(NEEDED))):
            if said is ConnectionResetError:
                self.note()


class NoAnswers(Asked):
    """Our own requests connect and get no byte."""

    effect = "own requests connected and unanswered:"
    needed = 2

    async def look(self) -> None:
        if await self.ask(UNANSWERED_MS) is TimeoutError:
            self.note()


class Slower(Asked):
    """Our own round trips take longer than before: the shift of the median, in ms."""

    effect = "own round trips slower by ms (median):"

    def __init__(self, port: int, *, needed_ms: float, fill_bytes: int = 0) -> None:
        super().__init__(port, fill_bytes)
        self.needed = needed_ms
        self._base: list[float] = []
        self._now: list[float] = []

    async def before(self) -> None:
        for _ in range(BASELINE_LOOKS):
            took = await self.ask(UNANSWERED_MS * 20)
            if isinstance(took, float):
                self._base.append(took)

    async def look(self) -> None:
        """Some at once: where each takes a second, one after the other would be too few for a window."""
        for took in await asyncio.gather(*(self.ask(UNANSWERED_MS * 20) for _ in range(NEEDED))):
            if isinstance(took, float):
                self._now.append(took)
                self.note()

    def measured(self) -> float:
        if not self._base or len(self._now) < NEEDED:
            return 0.0
        return statistics.median(self._now) - statistics.median(self._base)


class CutReplies(Witness):
    """The relay counts the replies that it cut after their requests had gone through."""

    effect = "replies cut:"
    needed = 1
    of_attempts = True

    def __init__(self, relay: Relay) -> None:
        super().__init__()
        self._relay, self._before = relay, 0

    async def before(self) -> None:
        self._before = len(self._relay.cut_ns)

    async def look(self) -> None:
        self.times_ns = self._relay.cut_ns[self._before :]

    def seen(self) -> Seen:
        self.times_ns = self._relay.cut_ns[self._before :]
        return super().seen()


class SinkSaw(Witness):
    """The sink counts the attempts that arrived while it stood in the server's place."""

    effect = "attempts reset by the sink:"
    needed = 1
    of_attempts = True

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink, self._before = sink, len(sink.attempts)

    def seen(self) -> Seen:
        self.times_ns = [attempt.at_ns for attempt in self._sink.attempts[self._before :]]
        return super().seen()


class Altered(Witness):
    """The middlebox counts the messages that it altered."""

    effect = "messages altered:"
    needed = 1
    of_attempts = True

    def __init__(self, times_ns: Callable[[], list[int]]) -> None:
        super().__init__()
        self._count, self._before = times_ns, 0

    async def before(self) -> None:
        self._before = len(self._count())

    def seen(self) -> Seen:
        self.times_ns = self._count()[self._before :]
        return super().seen()
