"""Starts a program of the lab: as a process of ours, or in a container when it comes as an image.

A container shares the machine's network, so that the same addresses hold everywhere: a server fetches control's
keys from the very issuer that stands in its tokens. It runs as our user, and sees the folders that it is given under
their own names. Its log, its end and its exit code are those of the client that stays in the foreground; its pid is
the program's own on this machine, where there is one (the engine of a desktop machine has its own kernel).

    server = await launch(component, ["start"], name="server", log=path, folder=work, scenario="s1")
    await server.kill()
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import psutil

from harness import process
from harness.errors import LabError
from harness.lab import engine
from harness.lab.components import Component
from harness.process import Process
from harness.wait import WaitedTooLong, wait_until

START_TIMEOUT_MS = 20_000  # 0.3 s alone; a busy engine starts one after the other

_SHARED_NETWORK = "containers share this machine's network: Docker Desktop has a setting for that, 'host networking'"


def hint(component: Component) -> str:
    """What to look at when it runs and does not answer."""
    return _SHARED_NETWORK if component.image else ""


class Container(Process):
    """A program in a container, as the Process that it is to the lab."""

    known_as = ""

    async def started(self) -> None:
        """Wait until its program runs, or it is over. LabError when the engine does neither."""

        async def runs() -> bool:
            if not self.alive:
                return True
            said = await self._ask("inspect", "--format", "{{.State.Pid}}", self.known_as)
            pid = int(said) if said.isdigit() else 0
            if pid and psutil.pid_exists(pid):
                self.pid = pid
            return pid > 0

        try:
            await wait_until(runs, timeout_ms=START_TIMEOUT_MS, what=f"{self.name} to run in a container")
        except WaitedTooLong as error:
            raise LabError(f"{error}; its log ends: {self.tail()}") from error

    async def kill(self) -> None:
        """SIGKILL to the program, by the engine; then to the client, which has nothing left to wait for."""
        if self.alive:
            await self._ask("kill", "--signal", "KILL", self.known_as)
            await self.wait(process.STOP_GRACE_MS * 5)
        await super().kill()

    async def _ask(self, *words: str) -> str:
        """What the engine says; nothing when it does not know the container (yet, or any more)."""
        try:
            return await asyncio.to_thread(engine.ask, words)
        except LabError:
            return ""


async def launch(
    component: Component,
    args: Sequence[str],
    *,
    name: str,
    log: Path,
    scenario: str,
    folder: Path | None = None,
    mounts: Sequence[Path] = (),
) -> Process:
    """Start it, in `folder` if one is given; a container sees that and `mounts`, and no other files of this machine."""
    if not component.image:
        return await Process.start([component.path, *args], name=name, log=log, cwd=folder, scenario=scenario)
    engine.sweep_at_end()
    known_as = f"signoff-{scenario}-{name}-{secrets.token_hex(3)}"
    argv = [engine.CLIENT, "run", "--rm", "--name", known_as, "--network", "host", *engine.label_words(scenario)]
    argv += ["--user", f"{os.getuid()}:{os.getgid()}"]
    argv += ["--workdir", str(folder.resolve())] if folder is not None else []
    for path in ([folder] if folder is not None else []) + list(mounts):
        argv += ["--volume", f"{path.resolve()}:{path.resolve()}"]
    argv += ["--entrypoint", component.path, component.image, *args]
    container = await Container.start(argv, name=name, log=log, env=engine.settings(), scenario=scenario)
    container.known_as = known_as
    await container.started()
    return container
