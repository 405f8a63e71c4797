"""One scenario: the subject staged in a lab, our observer, and one history of all of it.

What a gate plays on: traffic and its nonces, our own reader and writer, settling, the final reads, the books.

    async with Scenario(setup, "sync/runtime-to-desktop", out=folder, chosen=Chosen(seed=7)) as scene:
        runtime = await scene.start_runtime()
        await runtime.publish(stream, scene.payload(key), idem_key)
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType

from harness.books import exchanges_of, frames_of, keep_books, note_markers
from harness.canonical import Json
from harness.errors import ConfigError, SubjectError
from harness.evidence.exchanges import Exchange
from harness.evidence.frames import Frame
from harness.evidence.recorder import Recorder
from harness.history import Op
from harness.setup import Chosen, Setup
from harness.staging import Staging
from harness.surfaces.control import Session
from harness.surfaces.desktop import DesktopSurface
from harness.surfaces.events import KEY_FIELD
from harness.surfaces.follower import Eyes, Follower
from harness.surfaces.observer import Observer, final_read_of
from harness.surfaces.replica import Replica
from harness.template import fill
from harness.wait import WaitedTooLong, wait_until
from harness.wire.http import HttpClient
from harness.workload.appends import Appender

SETTLE_TIMEOUT_MS = 30_000
_AS_USUAL = Chosen()


class Scenario(Staging):
    """`lab` False: no server is started, and only what needs none may be asked for (gates that read files)."""

    own_sockets = 0  # subscriptions that the harness itself opened through its witness relay

    def __init__(self, setup: Setup, name: str, *, out: Path, chosen: Chosen = _AS_USUAL, lab: bool = True) -> None:
        super().__init__(setup, name, out, lab=lab)
        self.name, self.out, self.chosen = name, out, chosen
        self.rng = random.Random(f"{chosen.seed}:{name}")
        self.floors: dict[str, int] = {}  # retention floors that the scene itself has moved
        self._followers: list[Follower] = []

    async def __aenter__(self) -> Scenario:
        if self._lab is None:
            return self
        try:
            await self.open()
            await self._prepare()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def http(self) -> HttpClient:
        """Our own way to the server."""
        return self.lab.http

    @property
    def database(self) -> str:
        return self.lab.database

    @property
    def may_write(self) -> bool:
        """A server of our own may be written to."""
        return True

    async def clean_up(self) -> None:
        """Take away what was written, where somebody else would find it; what is ours goes with its server."""

    async def _prepare(self) -> None:
        """The calls after publishing, the schema, the observer."""
        module, variables = self.config.module, self.variables()
        calls = [(call.reducer, fill(list(call.args), variables)) for call in module.after_publish]
        await self.lab.after_publish(calls)  # type: ignore[arg-type]
        self.observer = Observer(self.http, self.database, module.tables, self.config.hash, self.record)
        self.record.listeners.append(self._note_identity)
        self.schema = self.crossing.schema = await self.http.schema(self.database)

    def _note_identity(self, op: Op) -> None:
        """Whose connection it is, as the server greeted it on the way."""
        if op.f == "frame" and op.connection is not None and op.identity is not None:
            self.observer.identities[op.connection] = op.identity

    async def follow(self, streams: list[str]) -> Follower:
        """Our own subscriber, on the witness's way, until the scene ends."""
        eyes = Eyes(self.schema, self.config.module.tables, self.config.hash)
        way, token = self.lab.witness_relay.url, self.lab.owner.token
        follower = await Follower.open(way, self.lab.database, token, streams, eyes, self.record)
        self.own_sockets += 1
        self._followers.append(follower)
        return follower

    def appender(self, *, http: HttpClient | None = None, record: Recorder | None = None) -> Appender:
        """Our own writer, by default on the witness's way and into this history."""
        way, book = http or self.http, record or self.record
        return Appender(way, self.database, self.config, self.variables(), book)

    async def prune(self, stream: str, floor: int) -> None:
        """Move a stream's retention floor, and declare it. SubjectError when signoff.toml does not say how."""
        call = self.config.module.prune
        if call is None:
            raise SubjectError("the harness cannot prune", hint="add module.prune to signoff.toml")
        args = [fill(argument, {**self.variables(), "stream": stream, "floor": floor}) for argument in call.args]
        await self.http.call(self.database, call.reducer, args)
        self.floors[stream] = floor
        self.record.op("lab", "prune", stream=stream, cursor=floor)

    def keep(self, name: str, data: bytes) -> None:
        """A file of the play's evidence, such as its schedule."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / name).write_bytes(data)

    async def sign_in(self, device: str, streams: list[str]) -> tuple[Session, str]:
        """A session and the identity that the server will know it by."""
        if self.control is None:
            raise ConfigError("a session needs the control surface: start it first")
        session = await self.control.sign_in(f"alice-{self.nonce[:6]}", device)
        minted = await self.control.mint(session, streams)
        return session, minted.identity

    def streams(self, count: int, prefix: str = "runtime.run") -> list[str]:
        """Stream names that nobody could have prepared, for the harness's own writer."""
        return [f"{prefix}.{self.nonce}-{index}.events" for index in range(count)]

    async def open_streams(self, count: int, prefix: str = "runtime.run") -> list[str]:
        """Streams for the runtime to publish into: opened by it, where signoff.toml says that it does so."""
        names = self.streams(count, prefix)
        return [await self.runtime.open_stream(name) for name in names] if self.runtime is not None else names

    def own_events(self, streams: Iterable[str]) -> int:
        """How many events the subject itself wrote into these streams when it opened them."""
        return sum(self.runtime.own_events.get(stream, 0) for stream in streams) if self.runtime is not None else 0

    def payload(self, key: str, **fields: Json) -> Json:
        """A payload that carries the nonce `key`; its other fields are seeded."""
        return {"zeta": self.rng.randrange(1 << 30), KEY_FIELD: key, "alpha": f"é-{self.rng.randrange(1000)}", **fields}

    # settling and reading ----------------------------------------------------------------------------------------

    async def settle(self, streams: list[str], expected: int, replicas: list[Replica] | None = None) -> bool:
        """Wait until the server holds `expected` events of the harness's, beside the subject's own, and the replicas
        applied as many of these streams."""

        async def everywhere() -> bool:
            opened = self.runtime.own_events if self.runtime is not None else ()
            if await self.held() < expected + self.own_events(opened):
                return False
            least = expected + self.own_events(streams)
            return all(sum(r.applied_seq(s) for s in streams) >= least for r in replicas or ())

        try:
            await wait_until(everywhere, timeout_ms=SETTLE_TIMEOUT_MS, what=f"{expected} events everywhere")
        except WaitedTooLong as error:
            self.record.op("lab", "settle", "info", error=str(error))
            return False
        self.record.op("lab", "settle")
        return True

    async def held(self) -> int:
        """How many events of this scenario the server holds. A runtime that runs already may bring older ones: they are
        not counted."""
        if not self.config.plays_alone:
            return await self.observer.count()
        opened = self.runtime.own_events if self.runtime is not None else ()
        events = await self.observer.events()
        return sum(event.stream in opened or self.nonce in f"{event.stream} {event.key}" for event in events)

    async def read_replica(self, desktop: DesktopSurface, name: str) -> tuple[str, str]:
        """The final read of one desktop session: its state hash by our own count, and the one that it claims."""
        claimed = (await desktop.state(name)).state_hash
        return final_read_of(self.record, desktop.replicas[name], claimed), claimed

    async def account(self) -> None:
        """The three books of connections as socket Ops (I16)."""
        await keep_books(self.record, self.lab, self.crossings.values(), self.own_sockets)

    def exchanges(self) -> list[Exchange]:
        """HTTP as it was exchanged: ours with the surfaces, and theirs with the server."""
        return exchanges_of([one for one in (self.control, self.runtime) if one is not None], self.crossings)

    def frames(self) -> Callable[[], list[Frame]]:
        """What crossed by WebSocket up to now, to be read when it is wanted."""
        return frames_of(self.crossings)

    async def note_markers(self) -> None:
        """Marker lines of defect variants, as they stand in the logs of the surfaces and of the module."""
        await note_markers(self.record, self.children, self._lab)

    def _stops(self) -> list[Callable[[], Awaitable[None]]]:
        return [*(follower.close for follower in self._followers), *super()._stops()]
