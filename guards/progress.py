"""A live line on a terminal for a scan that takes long enough to be waited for; elsewhere nothing.

with Ticker(sys.stderr) as told:
    told(250, 15_000)
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

PATIENCE_S = 1.0  # before the first line
_CLEAR = "\r\x1b[K"


class Ticker:
    def __init__(self, stream: TextIO, patience_s: float = PATIENCE_S) -> None:
        self._stream, self._patience_s, self._began = stream, patience_s, time.monotonic()
        self._drawn = False

    def __call__(self, done: int, of: int) -> None:
        elapsed = time.monotonic() - self._began
        if elapsed >= self._patience_s and self._stream.isatty():
            self._stream.write(f"{_CLEAR}{elapsed:3.0f} s  {done} of {of} files")
            self._stream.flush()
            self._drawn = True

    def __enter__(self) -> Ticker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()
