"""A server that runs already, elsewhere: what is ours there is judged, and nothing of anybody else is even kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from harness.checkers.contract import ContractBroken
from harness.checkers.presence import PresenceDrift
from harness.errors import HarnessError, SubjectError, WireError
from harness.gate import gate
from harness.history import Disconnected, Presence
from harness.remote_scenario import RemoteScenario
from harness.scenario import Scenario
from harness.wait import WaitedTooLong, wait_until
from harness.wire.client import Subscription
from harness.wire.messages import (
    DatabaseUpdate,
    ServerMessage,
    SubscribeMultiApplied,
    SubscriptionError,
    TransactionUpdate,
    TransactionUpdateLight,
    subscribe_multi,
)

SETTLE_TIMEOUT_MS = 20_000  # a way through the internet, and a server that others use too
ROUNDS = ("clean", "abrupt")


@gate(
    "remote/two-client-handshake",
    on=["remote"],
    checkers=[PresenceDrift(), ContractBroken()],
    floors={"presence": 3 * len(ROUNDS), "connect": 2 * len(ROUNDS) + 1, "request": 8 * len(ROUNDS)},
)
async def test_remote_two_client_handshake(scene: Scenario) -> None:
    """S-11: two clients are rows of the presence table there, and their rows go with them: the first one's while the
    second one stays, after a clean close and after an abrupt one. Totals are others' business and not looked at. A
    third client of ours sees by its subscription what SQL says."""
    if not isinstance(scene, RemoteScenario):
        raise HarnessError("this gate stands on a remote server")
    if not scene.config.module.tables.presence.connection:
        raise SubjectError("presence is kept by identity: two connections of the one token that we have are one row")
    async with _connected(scene, "watcher") as socket, _watching(scene, socket) as watcher:
        for name in ROUNDS:
            await _handshake(scene, watcher, name)


async def _handshake(scene: RemoteScenario, watcher: _Watcher, name: str) -> None:
    """Nobody, two in, the first one out, both out."""
    async with _connected(scene, f"{name}-a") as a, _connected(scene, f"{name}-b") as b:
        known = (a.connection, b.connection)
        scene.record.expect("server", f"{name}: both have the token's one identity", a.identity, b.identity)
        scene.record.expect("server", f"{name}: each connection has an id of its own", 2, len(set(known)))
        await _settled(scene, watcher, f"{name}: two are in", live=known, gone=())
        await _leave(scene, a, name)
        await _settled(scene, watcher, f"{name}: the first is gone, the second stays", live=known[1:], gone=known[:1])
        await _leave(scene, b, name)
        await _settled(scene, watcher, f"{name}: both are gone", live=(), gone=known)


@contextlib.asynccontextmanager
async def _connected(scene: RemoteScenario, name: str) -> AsyncIterator[Subscription]:
    """One client of ours."""
    begun = scene.record.op("gate", "connect", "invoke", replica=name, attempt=1)
    try:
        socket = await scene.remote.connect()
    except WireError as error:
        scene.record.op("gate", "connect", "fail", op=begun.index, replica=name, error=str(error))
        raise
    scene.record.op(
        "gate", "connect", op=begun.index, replica=name, connection=socket.connection, identity=socket.identity
    )
    try:
        yield socket
    finally:
        await socket.close()


async def _leave(scene: Scenario, socket: Subscription, name: str) -> None:
    if name == "abrupt":
        socket.abort()
    else:
        await socket.close()
    said = Disconnected("client", name)
    scene.record.op("gate", "disconnect", connection=socket.connection, data=said)


class _Watcher:
    """The presence rows of our connections as a subscription of our own tells of them."""

    def __init__(self, scene: Scenario, socket: Subscription) -> None:
        presence = scene.config.module.tables.presence
        self._socket, self._column = socket, presence.connection
        self._table = scene.schema.table(presence.name)
        self.rows: set[str] = set()
        self.ended = ""

    async def subscribe(self) -> None:
        """WireError when the server refuses the query."""
        query = f"SELECT * FROM {self._table.name}"
        await self._socket.send(subscribe_multi((query,), request_id=1, query_id=1))
        while not isinstance(message := await self._socket.receive(), SubscribeMultiApplied):
            if isinstance(message, SubscriptionError):
                raise WireError(f"the presence table cannot be subscribed to: {message.error}")
        self._apply(message.update)

    async def follow(self) -> None:
        """Until it is cancelled, or its own socket ends."""
        try:
            while True:
                self._look(await self._socket.receive())
        except WireError as error:
            self.ended = str(error)

    def _look(self, message: ServerMessage) -> None:
        if isinstance(message, TransactionUpdate) and message.status.Committed is not None:
            self._apply(message.status.Committed)
        elif isinstance(message, TransactionUpdateLight):
            self._apply(message.update)

    def _apply(self, update: DatabaseUpdate) -> None:
        for table in update.tables:
            if table.table_name == self._table.name:
                for part in table.updates:
                    self.rows -= self._ids(part.deletes)
                    self.rows |= self._ids(part.inserts)

    def _ids(self, rows: Iterable[str]) -> set[str]:
        return {str(self._table.row(text)[self._column]) for text in rows}


@contextlib.asynccontextmanager
async def _watching(scene: Scenario, socket: Subscription) -> AsyncIterator[_Watcher]:
    watcher = _Watcher(scene, socket)
    await watcher.subscribe()
    following = asyncio.create_task(watcher.follow(), name="watcher")
    try:
        yield watcher
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _settled(
    scene: Scenario, watcher: _Watcher, what: str, *, live: tuple[str, ...], gone: tuple[str, ...]
) -> None:
    """A reading of our own rows, once SQL and the subscription agree with what we know, or the limit passed."""
    ours, seen = {*live, *gone}, set[str]()
    presence = scene.config.module.tables.presence

    async def agrees() -> bool:
        rows = await scene.http.sql(scene.database, f"SELECT {presence.connection} FROM {presence.name}")
        seen.clear()
        seen.update(ours & {str(row[presence.connection]) for row in rows})
        return seen == ours & watcher.rows == set(live)

    try:
        await wait_until(agrees, timeout_ms=SETTLE_TIMEOUT_MS, what=what)
    except WaitedTooLong as error:
        scene.record.op("observer", "settle", "info", error=str(error))
    data = Presence(tuple(sorted(seen)), tuple(sorted(live)), True, tuple(sorted(gone)))
    scene.record.op("observer", "presence", data=data)
    for place, found in (("SQL", seen), ("a subscription", ours & watcher.rows)):
        scene.record.expect("server", f"{what}, by {place}", sorted(live), sorted(found))
    if watcher.ended:
        raise WireError(f"our own watcher's socket ended: {watcher.ended}")
