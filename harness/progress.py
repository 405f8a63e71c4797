"""What a user sees while gates run: a live line on a terminal; elsewhere a line a gate, and one every 30 s.

with for_stream(sys.stdout) as progress:
    progress.line("PASS runtime/publish-real")
    progress.running(["sync/runtime-to-desktop"])
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console

HEARTBEAT_S = 30.0


class Progress(Protocol):
    def line(self, text: str) -> None:
        """Something that stays to be read."""

    def running(self, gates: Sequence[str]) -> None:
        """What is being played now; told again and again."""

    def __enter__(self) -> Progress: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Silent:
    """For --json and --quiet."""

    def line(self, text: str) -> None:
        return

    def running(self, gates: Sequence[str]) -> None:
        return

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class Lines(Silent):
    """For logs of CI: nothing is drawn over, and no silence is longer than the heartbeat."""

    def __init__(self, stream: TextIO, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._stream, self._heartbeat_s, self._last = stream, heartbeat_s, time.monotonic()

    def line(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
        self._last = time.monotonic()

    def running(self, gates: Sequence[str]) -> None:
        if time.monotonic() - self._last >= self._heartbeat_s:
            self.line(f"... still running: {', '.join(gates) or 'collecting the gates'}")


class Live(Silent):
    """For a terminal: lines scroll by above one that says what runs and for how long."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
        self._status = self._console.status("collecting the gates")
        self._began = time.monotonic()

    def line(self, text: str) -> None:
        self._console.print(text)

    def running(self, gates: Sequence[str]) -> None:
        elapsed = time.monotonic() - self._began
        self._status.update(f"{elapsed:4.0f} s  {', '.join(gates) or 'collecting the gates'}")

    def __enter__(self) -> Live:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()


def for_stream(stream: TextIO, *, silent: bool = False) -> Progress:
    if silent:
        return Silent()
    return Live(stream) if stream.isatty() else Lines(stream)
