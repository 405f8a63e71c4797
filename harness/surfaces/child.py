"""A surface that runs as a child: command, environment and ready check as signoff.toml says.

child = Child("runtime", config.runtime, config.folder, logs, scenario="s1")
await child.spawn(variables)
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.canonical import Json
from harness.config import SurfaceConfig
from harness.errors import SubjectError
from harness.process import STOP_GRACE_MS, Process
from harness.template import fill_text
from harness.tool import run

MARKER_PREFIX = "SIGNOFF-MARKER "
STOP_COMMAND_TIMEOUT_S = 30  # a container is given ten seconds by default


class StartFailed(SubjectError):
    """The surface ended or stayed silent at its start."""


class Child:
    """Start, stop, kill; the log of all incarnations is one file. A surface that runs already at a URL can be none of
    that: whoever asks is told so."""

    def __init__(self, name: str, config: SurfaceConfig, folder: Path, logs: Path, *, scenario: str) -> None:
        self.name, self._config, self.folder, self._scenario = name, config, folder, scenario
        self.log = logs / f"{name}.log"
        self.incarnation = -1
        self._process: Process | None = None
        self._known: Mapping[str, Json] = {}

    @property
    def is_ours(self) -> bool:
        """Whether the harness starts it."""
        return not self._config.runs_at

    @property
    def process(self) -> Process:
        if not self.is_ours:
            raise SubjectError(
                f"{self.name} runs at {self._config.runs_at}, and not as a process of ours: it cannot be stopped, "
                "killed or started otherwise",
                hint=f"give [{self.name}] a command in place of its url in signoff.toml",
            )
        if self._process is None:
            raise SubjectError(f"{self.name} was not started")
        return self._process

    async def spawn(self, variables: Mapping[str, Json], *, lines: bool = False) -> Process:
        """Start the command with its placeholders filled in; `{python}` is the harness's own."""
        if not self.is_ours:
            return self.process
        self._known = {"python": sys.executable, **variables}
        self._process = await Process.start(
            self._filled(self._config.command),
            name=self.name,
            log=self.log,
            env=self._environment,
            cwd=self.folder / self._config.cwd,
            scenario=self._scenario,
            lines=lines,
        )
        self.incarnation += 1
        return self._process

    def _filled(self, words: list[str]) -> list[str]:
        return [fill_text(word, self._known) for word in words]

    @property
    def _environment(self) -> dict[str, str]:
        env = {name: fill_text(value, self._known) for name, value in self._config.env.items()}
        return {"PYTHONDONTWRITEBYTECODE": "1", **env}

    def ended_early(self) -> StartFailed:
        return StartFailed(
            f"{self.name} ended with {self.process.returncode} at its start; its log ends: {self.process.tail()}"
        )

    @property
    def log_size(self) -> int:
        """How long its log is now."""
        return self.log.stat().st_size if self.log.is_file() else 0

    def markers(self) -> list[str]:
        """SIGNOFF-MARKER lines in the log so far."""
        if not self.log.is_file():
            return []
        with self.log.open(encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.startswith(MARKER_PREFIX)]

    async def stop(self) -> None:
        """As its operator would: by its own stop command if it has one; SIGTERM, then SIGKILL after the grace."""
        if not self.is_ours or self._process is not None:
            await self._stop_command()
            await self.process.stop(STOP_GRACE_MS)

    async def _stop_command(self) -> None:
        """What it says stands in the surface's log; that it failed is shown by what is still there."""
        if not self._config.stop or not self.process.alive:
            return
        argv, cwd = self._filled(self._config.stop), self.folder / self._config.cwd
        done = await asyncio.to_thread(run, argv, timeout_s=STOP_COMMAND_TIMEOUT_S, cwd=cwd, env=self._environment)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{done.stdout}{done.stderr}")
        if done.returncode == 0:
            await self.process.wait(STOP_GRACE_MS)

    def shoot(self) -> None:
        """SIGKILL now, without waiting for its end."""
        self.process.signal(signal.SIGKILL)

    async def kill(self) -> None:
        if not self.is_ours or self._process is not None:
            await self.process.kill()

    def pause(self) -> None:
        self.process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.signal(signal.SIGCONT)
