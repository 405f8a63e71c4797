"""One real SpacetimeDB standalone server of a scenario: start, stop, kill, read back what runs.

Measured (1.2.0): ready 0.05 to 0.2 s after spawn; it has no signal handler, so an end is always a
SIGKILL, and up to 0.5 s of acknowledged transactions are lost unless it was idle for 1 s before.

    server = Server(component, folder, port, keys, scenario="s1", name="server", log=path)
    await server.start()
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.errors import LabError
from harness.lab.components import Component
from harness.lab.keys import Keys
from harness.lab.launch import hint, launch
from harness.process import Process
from harness.wait import WaitedTooLong, wait_until
from harness.wire.http import HttpClient, HttpRefused, Unreachable

READY_TIMEOUT_MS = 10_000  # fifty times what was measured


class Server:
    def __init__(
        self, component: Component, folder: Path, port: int, keys: Keys, *, scenario: str, name: str, log: Path
    ) -> None:
        self.component, self.folder, self.port, self.keys, self.name = component, folder, port, keys, name
        self._scenario, self.log = scenario, log
        self._process: Process | None = None

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        """For the harness alone. The subject is never told this port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> Process:
        if self._process is None:
            raise LabError(f"the server {self.name} was not started")
        return self._process

    async def start(self, ready_url: str | None = None) -> None:
        """Spawn it and wait until it answers at `ready_url` (a relay that leads here, so that the lab's own
        look is in the account of connections). LabError says what its log says."""
        args = ["start", "--listen-addr", f"127.0.0.1:{self.port}", "--data-dir", str(self.data)]
        args += ["--jwt-pub-key-path", str(self.keys.public_path), "--jwt-priv-key-path", str(self.keys.private_path)]
        self._process = await launch(
            self.component,
            args,
            name=self.name,
            log=self.log,
            folder=self.folder,
            scenario=self._scenario,
            mounts=[self.keys.public_path.parent],
        )
        async with HttpClient(ready_url or self.url) as http:
            try:
                await wait_until(
                    lambda: self._ready(http), timeout_ms=READY_TIMEOUT_MS, what=f"{self.name} to answer /v1/ping"
                )
            except WaitedTooLong as error:
                said = f"{error}; its log ends: {self.process.tail()}"
                raise LabError(said, where=self.component.path, hint=hint(self.component)) from error

    async def _ready(self, http: HttpClient) -> bool:
        if not self.process.alive:
            raise LabError(
                f"{self.name} ended with {self.process.returncode} at its start; its log ends: {self.process.tail()}",
                where=self.component.path,
                hint="run 'signoff doctor'",
            )
        return await http.ping()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def copy_data(self, to: Path) -> None:
        """A copy of its data as it stands on disk. Whole only when nothing was written for a second before."""
        shutil.copytree(self.data, to)

    def put_data(self, copy: Path | None) -> None:
        """Replace the data of a server that is down by an older copy, or by nothing."""
        shutil.rmtree(self.data)
        if copy is not None:
            shutil.copytree(copy, self.data)

    async def kill(self) -> None:
        """SIGKILL: on 1.2.0 the only end there is."""
        if self._process is not None:
            await self._process.kill()


async def publish(http: HttpClient, database: str, wasm: bytes) -> str:
    """Publish the module; its database identity. LabError, because a lab without its module is none."""
    try:
        return await http.publish(database, wasm)
    except (HttpRefused, Unreachable) as error:
        raise LabError(
            f"the module could not be published: {error}",
            hint="is this a SpacetimeDB server, and the wasm a module for its version? the server's log says more",
        ) from error
