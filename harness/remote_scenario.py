"""A scene on a server that runs already, elsewhere: it is looked at, and left as it was found.

There is no lab, no surface of the subject, no fault. What is written, with leave, goes into streams whose names carry
the scene's nonce, and is taken away again at the end, which is looked at too.

    async with RemoteScenario(setup, "remote/two-client-handshake", out=folder) as scene:
        async with await scene.remote.connect() as client: ...
"""

from __future__ import annotations

from pathlib import Path

from harness.canonical import Json
from harness.errors import ConfigError, SubjectError, WireError
from harness.evidence.recorder import Recorder
from harness.lab.remote import Remote
from harness.scenario import Scenario
from harness.setup import Chosen, Setup
from harness.wire.http import HttpClient
from harness.workload.appends import Appender


class RemoteScenario(Scenario):
    def __init__(self, setup: Setup, name: str, *, out: Path, chosen: Chosen) -> None:
        if setup.config.lab.remote is None:
            raise ConfigError("signoff.toml has no [lab.remote]")
        super().__init__(setup, name, out=out, chosen=chosen, lab=False)
        self.remote = Remote(setup.config.lab.remote)
        self._written: list[str] = []
        self.record.redactor.add(self.remote.token)

    async def __aenter__(self) -> RemoteScenario:
        try:
            self.schema = await self.remote.open()
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def http(self) -> HttpClient:
        return self.remote.http

    @property
    def database(self) -> str:
        return self.remote.database

    @property
    def may_write(self) -> bool:
        return self.remote.writes

    def variables(self) -> dict[str, Json]:
        return {"database": self.database, "nonce": self.nonce}

    def streams(self, count: int, prefix: str = "runtime.run") -> list[str]:
        found = super().streams(count, prefix)
        self._written += found
        return found

    def appender(self, *, http: HttpClient | None = None, record: Recorder | None = None) -> Appender:
        """ConfigError without leave to write, and when what is written could not be taken away again."""
        if not self.may_write:
            raise ConfigError("writing to the remote server is not allowed", hint="set writes in [lab.remote]")
        if self.config.module.prune is None:
            raise ConfigError("what is written to the remote server could not be taken away: there is no module.prune")
        return super().appender(http=http, record=record)

    async def clean_up(self) -> None:
        """Prune our own streams up to their heads. SubjectError names what is still there."""
        for stream in self._written:
            try:
                if seqs := await self._seqs(stream):
                    await self.prune(stream, max(seqs))
                left = await self._seqs(stream)
            except WireError as error:
                raise SubjectError(f"what was written to {stream} could not be taken away: {error}") from error
            if not self.record.expect("server", f"nothing of ours is left in {stream}", 0, len(left)):
                raise SubjectError(f"{len(left)} events of ours are still in {stream} of the remote database")

    async def _seqs(self, stream: str) -> list[int]:
        events = self.config.module.tables.events
        query = f"SELECT {events.seq} FROM {events.name} WHERE {events.stream} = '{stream}'"
        return [int(str(row[events.seq])) for row in await self.http.sql(self.database, query)]

    async def close(self) -> None:
        await self.remote.close()
        await super().close()
