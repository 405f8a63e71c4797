"""A surface that runs as a child: command, environment and ready check as signoff.toml says.

child = Child("runtime", config.runtime, config.folder, logs, scenario="s1")
await child.spawn(variables)
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.canonical import Json
from harness.config import SurfaceConfig
from harness.errors import SubjectError
from harness.process import STOP_GRACE_MS, Process
from harness.template import fill_text

MARKER_PREFIX = "SIGNOFF-MARKER "


class StartFailed(SubjectError):
    """The surface ended or stayed silent at its start."""


class Child:
    """Start, stop, kill; the log of all incarnations is one file."""

    def __init__(self, name: str, config: SurfaceConfig, folder: Path, logs: Path, *, scenario: str) -> None:
        self.name, self._config, self._folder, self._scenario = name, config, folder, scenario
        self.log = logs / f"{name}.log"
        self.incarnation = -1
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        if self._process is None:
            raise SubjectError(f"{self.name} was not started")
        return self._process

    async def spawn(self, variables: Mapping[str, Json], *, lines: bool = False) -> Process:
        """Start the command with its placeholders filled in; `{python}` is the harness's own."""
        known = {"python": sys.executable, **variables}
        argv = [fill_text(part, known) for part in self._config.command]
        env = {name: fill_text(value, known) for name, value in self._config.env.items()}
        self._process = await Process.start(
            argv,
            name=self.name,
            log=self.log,
            env={"PYTHONDONTWRITEBYTECODE": "1", **env},
            cwd=self._folder / self._config.cwd,
            scenario=self._scenario,
            lines=lines,
        )
        self.incarnation += 1
        return self._process

    def ended_early(self) -> StartFailed:
        return StartFailed(
            f"{self.name} ended with {self.process.returncode} at its start; its log ends: {self.process.tail()}"
        )

    def markers(self) -> list[str]:
        """SIGNOFF-MARKER lines in the log so far."""
        if not self.log.is_file():
            return []
        with self.log.open(encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.startswith(MARKER_PREFIX)]

    async def stop(self) -> None:
        """As its operator would: SIGTERM, then SIGKILL after the grace."""
        if self._process is not None:
            await self._process.stop(STOP_GRACE_MS)

    def shoot(self) -> None:
        """SIGKILL now, without waiting for its end."""
        self.process.signal(signal.SIGKILL)

    async def kill(self) -> None:
        if self._process is not None:
            await self._process.kill()

    def pause(self) -> None:
        self.process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.signal(signal.SIGCONT)
