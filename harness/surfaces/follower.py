"""Our own subscriber: a replica that reads the server live, past the subject, where a gate has no desktop.

What arrives here says something of the runtime and the server, and nothing of any desktop. It has one socket, on the
witness's way: should that end, it says so itself, and nobody is blamed for it.

    follower = await Follower.open(url, database, token, streams, eyes, record)
    follower.replica.applied_seq(stream)
    await follower.close()          # WireError when its socket had ended before
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from harness.config import HashConfig, TablesConfig
from harness.errors import WireError
from harness.evidence.recorder import Recorder
from harness.history import Bootstrapped
from harness.surfaces.events import Event, event_of_row
from harness.surfaces.replica import Replica
from harness.wire.client import Subscription
from harness.wire.messages import ServerMessage, SubscriptionError, subscribe_multi, updates_of
from harness.wire.schema import Schema

NAME = "observer"
APPLIED_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Eyes:
    """How rows are read."""

    schema: Schema
    tables: TablesConfig
    hashing: HashConfig


class Follower:
    def __init__(self, socket: Subscription, streams: list[str], eyes: Eyes, record: Recorder) -> None:
        self.replica = Replica(NAME, tuple(streams))
        self._socket, self._eyes, self._record = socket, eyes, record
        self._ended = ""
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, url: str, database: str, token: str, streams: list[str], eyes: Eyes, record: Recorder
    ) -> Follower:
        """Subscribed, with what is there already applied."""
        follower = cls(await Subscription.open(url, database, token), streams, eyes, record)
        names = eyes.tables.events
        queries = tuple(f"SELECT * FROM {names.name} WHERE {names.stream} = '{stream}'" for stream in streams)
        await follower._socket.send(subscribe_multi(queries, request_id=1, query_id=1))
        async with asyncio.timeout(APPLIED_TIMEOUT_MS / 1000):
            first = await follower._socket.receive()
        if isinstance(first, SubscriptionError):
            raise WireError(f"the observer's own subscription was refused: {first.error}")
        for stream in streams:
            follower.replica.bootstrap(stream, 1, 0)
            record.op(NAME, "bootstrap", replica=NAME, baseline=1, stream=stream, cursor=0, data=Bootstrapped("first"))
        follower._take(first, live=False)
        follower._reader = asyncio.get_running_loop().create_task(follower._read(), name="follower")
        return follower

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._socket.receive(), live=True)
        except WireError as error:
            self._ended = str(error)

    def _take(self, message: ServerMessage, *, live: bool) -> None:
        """Every event row of one message, in the order of the stream."""
        names = self._eyes.tables.events
        table = self._eyes.schema.table(names.name)
        texts = [
            text
            for update in updates_of(message)
            if update.table_name == names.name
            for query in update.updates
            for text in query.inserts
        ]
        events = [event_of_row(table.row(text), self._eyes.tables, self._eyes.hashing) for text in texts]
        for event in sorted(events, key=lambda one: (one.stream, one.seq)):
            self._apply(event, live)

    def _apply(self, event: Event, live: bool) -> None:
        self._record.op(
            NAME, "apply", replica=NAME, baseline=1, stream=event.stream, seq=event.seq, key=event.key,
            idem_key=event.idem_key, hash=event.hash, connection=self._socket.connection, data=event.applied(live=live),
        )  # fmt: skip
        self.replica.apply(event, 1)

    async def close(self) -> None:
        """WireError when the socket had ended by itself: what did not arrive is then nobody's fault."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait({self._reader})
        with contextlib.suppress(WireError, TimeoutError, OSError):
            await self._socket.close()
        if self._ended:
            raise WireError(f"the observer's own socket ended: {self._ended}")
