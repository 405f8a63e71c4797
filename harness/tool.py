"""Runs a tool to its end: git, docker, a command of signoff.toml. What it says is bounded, and so is the wait for it.

done = run(["git", "status"], timeout_s=20, inherit=True)
done.returncode, done.stdout
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.process import environment

MAX_OUTPUT_BYTES = 64 * 1024 * 1024  # of a tool
LEFT_BEHIND_MS = 2_000  # after a tool's end, for what it said last


@dataclass(frozen=True)
class Completed:
    """What a command that ran to its end left."""

    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    inherit: bool = False,
    errors: str = "replace",
) -> Completed:
    """Run a tool (git, go, cargo) to its end. `inherit` gives it our whole environment; `errors` says what becomes of
    output that is no UTF-8."""
    whole = {**os.environ, **(env or {})} if inherit else environment(env or {}, "tool")
    pipe = subprocess.PIPE
    try:
        child = subprocess.Popen(list(argv), cwd=cwd, env=whole, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return Completed(127, "", f"{argv[0]}: not found")
    except OSError as error:
        return Completed(126, "", f"{argv[0]}: cannot be run: {error.strerror}")
    said = _Said(child.stdout), _Said(child.stderr)
    try:
        code = child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return Completed(124, "", f"{argv[0]}: no end after {timeout_s:g} s")
    finally:
        child.kill()  # nothing, when it has ended; when we are interrupted too
        child.wait()
    limit = time.monotonic() + LEFT_BEHIND_MS / 1000
    done = Completed(code, *(one.text(errors, limit) for one in said))
    if any(one.too_long for one in said):
        # Whoever asked takes what was said for the whole of it.
        return Completed(125, done.stdout, f"{argv[0]}: said more than {MAX_OUTPUT_BYTES} bytes")
    return done


class _Said(threading.Thread):
    """Reads one output of a tool: the beginning is kept, and what comes beyond the limit is taken and dropped. Some
    process that the tool left behind may hold the pipe for ever: nobody waits for that."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        self._pipe, self._kept = pipe, bytearray()
        self.too_long = False
        self.start()

    def run(self) -> None:
        while self._pipe is not None and (chunk := os.read(self._pipe.fileno(), 65_536)):
            self.too_long = len(self._kept) + len(chunk) > MAX_OUTPUT_BYTES
            self._kept += chunk[: MAX_OUTPUT_BYTES - len(self._kept)]
        if self._pipe is not None:
            self._pipe.close()

    def text(self, errors: str, limit: float) -> str:
        self.join(max(0.0, limit - time.monotonic()))
        return bytes(self._kept).decode("utf-8", errors)
