"""What a token opens: the ways to use one, each recorded with what the token says of itself.

A token is used towards the server, on the witness's way: what is judged is what the server lets it do. Reading is over
SQL and over a subscription, writing by the module's append; a socket that was opened before goes on being used.

    uses = Uses(scene, traffic)
    await uses.read(Bearer(minted.token, minted), stream)      # "rows", "nothing", or the status of the refusal
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from types import TracebackType

from harness.canonical import Json
from harness.errors import WireError
from harness.history import TokenUse
from harness.scenario import Scenario
from harness.surfaces.control import Minted
from harness.wait import WaitedTooLong, wait_until
from harness.wire.client import Refused, Subscription
from harness.wire.http import HttpClient, HttpRefused
from harness.wire.messages import (
    SubscribeMultiApplied,
    TransactionUpdate,
    TransactionUpdateLight,
    call_reducer,
    subscribe_multi,
)
from harness.workload.appends import append_args, append_call
from harness.workload.traffic import Sent, Traffic

ANSWER_TIMEOUT_MS = 2_500  # less than any token here lives
ACCEPTED, NOTHING = "accepted", "nothing"


@dataclass(frozen=True)
class Bearer:
    """A token as it is used. `in_scope` is what the grant says of the use, `revoked_at_s` when it ended early."""

    token: str
    minted: Minted
    forged: bool = False
    in_scope: bool = True
    revoked_at_s: float | None = None

    def use(self, kind: str) -> TokenUse:
        return TokenUse(
            self.minted.fingerprint, kind,  # type: ignore[arg-type]
            time.time(), self.minted.issued_at_s, self.minted.expires_at_s,
            revoked_at_s=self.revoked_at_s, in_scope=self.in_scope, forged=self.forged,
        )  # fmt: skip


class Uses:
    """All uses of one scene. Each says in a word what came of it, and records it."""

    def __init__(self, scene: Scenario, traffic: Traffic) -> None:
        self.scene, self._traffic = scene, traffic
        self.call = append_call(scene.config)
        self.table = scene.config.module.tables.events

    def _begin(self, bearer: Bearer, kind: str) -> int:
        self.scene.record.redactor.add(bearer.token)
        use = bearer.use(kind)
        return self.scene.record.op("gate", "use_token", "invoke", identity=bearer.minted.identity, data=use).index

    def _end(self, begun: int, bearer: Bearer, said: str, identity: str | None = None) -> str:
        ok = said in (ACCEPTED, "rows")
        self.scene.record.op(
            "gate", "use_token", "ok" if ok else "fail", op=begun,
            identity=(identity or bearer.minted.identity) if ok else None, error=None if ok else said,
        )  # fmt: skip
        return said

    async def connect(self, bearer: Bearer) -> str:
        """A new socket: "accepted", or the status of the refusal."""
        begun = self._begin(bearer, "connect")
        try:
            async with await Subscription.open(self._url, self.scene.lab.database, bearer.token) as socket:
                self.scene.own_sockets += 1
                return self._end(begun, bearer, ACCEPTED, socket.identity)
        except Refused as error:
            return self._end(begun, bearer, str(error.status))

    async def read(self, bearer: Bearer, stream: str) -> str:
        """SQL for the rows of a stream: "rows", "nothing", or the status."""
        begun = self._begin(bearer, "call")
        async with HttpClient(self._url, bearer.token) as http:
            try:
                query = f"SELECT * FROM {self.table.name} WHERE {self.table.stream} = '{stream}'"
                rows = await http.sql(self.scene.lab.database, query)
            except HttpRefused as refused:
                return self._end(begun, bearer, str(refused.status))
        return self._end(begun, bearer, "rows" if rows else NOTHING)

    async def write(self, bearer: Bearer, stream: str) -> str:
        """The module's append over HTTP: "accepted", "refused" by the module, or the status."""
        begun, event = self._begin(bearer, "call"), self._traffic.event(stream)
        async with HttpClient(self._url, bearer.token) as http:
            try:
                await http.call(self.scene.lab.database, self.call.reducer, self._args(event))
                said = ACCEPTED
            except HttpRefused as refused:
                said = "refused" if refused.status == 530 else str(refused.status)
        return self._end(begun, bearer, said)

    def _args(self, event: Sent) -> list[Json]:
        return append_args(self.scene.config, self.scene.variables(), event)

    @property
    def _url(self) -> str:
        return self.scene.lab.witness_relay.url

    async def open(self, bearer: Bearer) -> OpenSocket:
        """A subscribed socket that stays. WireError when the server refuses it."""
        begun = self._begin(bearer, "open_socket")
        socket = await Subscription.open(self._url, self.scene.lab.database, bearer.token)
        self.scene.own_sockets += 1
        self._end(begun, bearer, ACCEPTED, socket.identity)
        await socket.send(subscribe_multi((f"SELECT * FROM {self.table.name}",), request_id=1, query_id=1))
        return OpenSocket(self, socket)


class OpenSocket:
    """A socket in use. `rows` are the texts of the event rows that it shows now; `failed` the refusals of its calls."""

    def __init__(self, uses: Uses, socket: Subscription) -> None:
        self.uses, self._socket = uses, socket
        self.rows: dict[str, int] = {}
        self.refused: list[str] = []
        self.done = 0
        self._count = 1
        self.applied = False
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(WireError):
            while True:
                message = await self._socket.receive()
                if isinstance(message, SubscribeMultiApplied):
                    self.applied = True
                    self._take(message.update.tables)
                elif isinstance(message, TransactionUpdateLight):
                    self._take(message.update.tables)
                elif isinstance(message, TransactionUpdate):
                    own = message.caller_connection_id.hex == self._socket.connection
                    if message.status.Committed is not None:
                        self.done += own
                        self._take(message.status.Committed.tables)
                    elif own or message.status.Failed is not None:
                        self.refused.append(str(message.status.Failed))

    def _take(self, tables: object) -> None:
        names, schema = self.uses.table, self.uses.scene.schema
        for table in tables:  # type: ignore[attr-defined]
            if table.table_name != names.name:
                continue
            for query in table.updates:
                for texts, sign in ((query.inserts, 1), (query.deletes, -1)):
                    for text in texts:
                        key = str(schema.table(names.name).row(text)[names.idem_key])
                        self.rows[key] = self.rows.get(key, 0) + sign

    @property
    def shown(self) -> int:
        """How many rows are in sight."""
        return sum(count > 0 for count in self.rows.values())

    async def shows(self, count: int, what: str) -> int:
        """Wait until so many rows are in sight; how many are at the end."""

        async def enough() -> bool:
            return self.applied and self.shown == count

        try:
            await wait_until(enough, timeout_ms=ANSWER_TIMEOUT_MS, what=f"the open socket to show {what}")
        except WaitedTooLong as error:
            self.uses.scene.record.op("gate", "settle", "info", error=str(error))
        return self.shown

    async def write(self, bearer: Bearer, stream: str) -> str:
        """The module's append over this socket: "accepted", "refused", or "no answer"."""
        begun, event = self.uses._begin(bearer, "open_socket"), self.uses._traffic.event(stream)
        self._count += 1
        done, refused = self.done, len(self.refused)
        await self._socket.send(call_reducer(self.uses.call.reducer, self.uses._args(event), request_id=self._count))

        async def answered() -> bool:
            return self.done > done or len(self.refused) > refused

        try:
            await wait_until(answered, timeout_ms=ANSWER_TIMEOUT_MS, what="an answer on the open socket")
            said = ACCEPTED if self.done > done else "refused"
        except WaitedTooLong:
            said = "no answer"
        return self.uses._end(begun, bearer, said)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.wait({self._reader})
        with contextlib.suppress(WireError, TimeoutError, OSError):
            await self._socket.close()

    async def __aenter__(self) -> OpenSocket:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
