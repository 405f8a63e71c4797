"""What shows that a fault bit: measured by the lab itself, never by the word of the subject or of the fault.

A witness looks before the fault begins, all the while it is on, and after it is healed. It stands on other ground than
the act that it watches: a proxy that claims to be down is asked by connecting to it, a killed process by its pid.

    witness = RefusedConnects(port)
    await witness.before()
    ...                                   # the fault is on; `during` runs as a task beside it
    witness.seen()                        # Seen("connects refused", measured=12, needed=3, ...)
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from chaos.torn import beginnings
from harness.errors import SubjectError, WireError
from harness.lab.disk import SmallDisk
from harness.lab.program import running_program
from harness.lab.relay import Relay
from harness.lab.sink import Sink
from harness.surfaces.control import ControlSurface, Session
from harness.surfaces.observer import Observer
from harness.wait import until
from harness.wire.http import HttpClient

PERIOD_MS = 30  # between two looks: short beside any window
UNANSWERED_MS = 250  # a loopback round trip takes 2 ms; what has no answer by then has been stopped
BASELINE_LOOKS = 5
NEEDED = 3  # looks that must agree, so that one odd connection shows nothing
PING = b"GET /v1/ping HTTP/1.1\r\nhost: witness\r\nconnection: close\r\n"


@dataclass(frozen=True)
class Seen:
    """What was measured, and how much of it shows that the fault bit. Times are monotonic, 0 without a sight."""

    effect: str
    measured: float
    needed: float
    first_ns: int = 0
    last_ns: int = 0


class Witness:
    """Base: notes when the effect was seen."""

    effect = ""
    needed: float = NEEDED

    def __init__(self) -> None:
        self.times_ns: list[int] = []

    def note(self) -> None:
        self.times_ns.append(time.monotonic_ns())

    async def before(self) -> None:
        """Take the baseline, while the fault is not on yet."""

    async def during(self) -> None:
        """Look again and again until it is cancelled."""
        while True:
            await self.look()
            await until(time.monotonic_ns() + PERIOD_MS * 1_000_000)

    async def look(self) -> None:
        """One look."""

    def measured(self) -> float:
        return float(len(self.times_ns))

    def seen(self) -> Seen:
        first, last = (self.times_ns[0], self.times_ns[-1]) if self.times_ns else (0, 0)
        return Seen(self.effect, round(self.measured(), 3), self.needed, first, last)


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
        if await self.ask(UNANSWERED_MS * 4) is ConnectionResetError:
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
        took = await self.ask(UNANSWERED_MS * 20)
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

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink, self._before = sink, len(sink.attempts)

    def seen(self) -> Seen:
        self.times_ns = [attempt.at_ns for attempt in self._sink.attempts[self._before :]]
        return super().seen()


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


class Altered(Witness):
    """The middlebox counts the messages that it altered."""

    effect = "messages altered:"
    needed = 1

    def __init__(self, times_ns: Callable[[], list[int]]) -> None:
        super().__init__()
        self._count, self._before = times_ns, 0

    async def before(self) -> None:
        self._before = len(self._count())

    def seen(self) -> Seen:
        self.times_ns = self._count()[self._before :]
        return super().seen()


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


class Program(Witness):
    """The hash of the running program, read back from the server: another one, or still the same beside a refusal."""

    needed = 1

    def __init__(self, http: HttpClient, database: str, *, changes: bool) -> None:
        super().__init__()
        self._http, self._database, self._changes, self._old = http, database, changes, ""
        self.effect = "looks at another program:" if changes else "looks at the same program after the refusal:"

    async def before(self) -> None:
        self._old = await running_program(self._http, self._database)

    async def look(self) -> None:
        with contextlib.suppress(WireError):
            if (await running_program(self._http, self._database) != self._old) is self._changes:
                self.note()


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
