"""Drives a desktop: a child process that speaks JSON lines, and hosts sessions (docs/surface-contract.md).

Every event becomes Ops as it arrives. A line that is no event of the contract is counted and recorded, and
fails the next command: a desktop that cannot be understood is not trusted silently.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Unpack

import msgspec

from harness.canonical import UNREADABLE, Json
from harness.config import DesktopConfig, HashConfig, TablesConfig
from harness.errors import SubjectError
from harness.evidence.recorder import OpFields, Recorder
from harness.history import (
    Bootstrapped,
    Checkpointed,
    Disconnected,
    F,
    Op,
    Phase,
    Record,
    Rejected,
    Subscribed,
    TokenUse,
)
from harness.surfaces.child import Child
from harness.surfaces.control import Session
from harness.surfaces.events import Event as SeenEvent
from harness.surfaces.events import event_of_text
from harness.surfaces.replica import Replica
from harness.wait import wait_until

COMMAND_TIMEOUT_MS = 30_000
CONTRACT = "signoff.desktop/1"


class Event(msgspec.Struct, frozen=True):
    """Any event of the contract; unknown fields are ignored."""

    ev: str
    re: int | None = None
    session: str = ""
    ok: bool = True
    error: str = ""
    contract: str = ""
    phase: Phase = "ok"
    attempt: int | None = None
    connection: str | None = None
    identity: str | None = None
    status: int | None = None
    token: str = ""
    issued_at_s: float | None = None
    expires_at_s: float | None = None
    queries: tuple[str, ...] = ()
    by: str = "unknown"
    code: int | None = None
    reason: str = ""
    stream: str = ""
    cursor: int = 0
    applied_seq: int = 0
    epoch: str = ""
    chain: str = ""
    baseline: int = 1
    seq: int = 0
    idem_key: str = ""
    payload_hash: str = ""
    payload: str = ""
    live: bool = False
    kind: str = ""
    detail: str = ""
    state_hash: str = ""
    counters: dict[str, int] = {}


_decode = msgspec.json.Decoder(Event).decode


class DesktopSurface:
    """One process. `crossed` holds what the middlebox saw at each (stream, seq)."""

    def __init__(
        self,
        child: Child,
        config: DesktopConfig,
        tables: TablesConfig,
        hashing: HashConfig,
        record: Recorder,
        crossed: Mapping[tuple[str, int], SeenEvent] | None = None,
    ) -> None:
        self.child, self.record = child, record
        self._crossed = crossed if crossed is not None else {}
        self._config, self._tables, self._hashing = config, tables, hashing
        self.replicas: dict[str, Replica] = {}
        self.broken_lines = 0
        self._ready = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Event]] = {}
        self._count = 0
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[tuple[str, str], int] = {}
        self._tokens: dict[str, TokenUse] = {}
        self._expected_identity: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}
        self._handlers: Mapping[str, Callable[[Event], None]] = {
            "ready": self._on_ready,
            "done": self._on_done,
            "mint": self._on_mint,
            "connect": self._on_connect,
            "subscribe": self._on_subscribe,
            "disconnect": self._on_disconnect,
            "resume": self._on_resume,
            "bootstrap": self._on_bootstrap,
            "apply": self._on_apply,
            "checkpoint": self._on_checkpoint,
            "reject": self._on_reject,
        }

    @property
    def name(self) -> str:
        return self.child.name

    def interposed(self, line: bytes) -> Iterable[bytes]:
        """What is heard of a line: itself. A sabotage may put something else in this place."""
        return (line,)

    async def start(self, variables: Mapping[str, Json]) -> None:
        """Spawn it and wait for its `ready` event."""
        self._ready.clear()
        await self.child.spawn(variables, lines=True)
        self._reader = asyncio.get_running_loop().create_task(self._read())
        await wait_until(
            self._is_ready, timeout_ms=self._config.ready_timeout_ms, what=f"{self.name} to write its ready event"
        )

    async def _is_ready(self) -> bool:
        if not self.child.process.alive:
            raise self.child.ended_early()
        return self._ready.is_set()

    async def _read(self) -> None:
        stdout = self.child.process.stdout
        with contextlib.suppress(ValueError):  # a line beyond the limit ends the reading: the next command says so
            while line := await stdout.readline():
                for heard in self.interposed(line):
                    self._dispatch(heard)
        for future in self._answers.values():
            if not future.done():
                future.set_exception(SubjectError(f"{self.name} ended before it answered"))

    def _dispatch(self, line: bytes) -> None:
        try:
            event = _decode(line)
            handler = self._handlers.get(event.ev)
            if handler is not None:
                handler(event)
        except (*UNREADABLE, KeyError) as error:
            # No JSON, no event of the contract, a session that was never opened, a number out of range.
            self.broken_lines += 1
            text = f"a line of {self.name} is no event: {type(error).__name__} {error}"
            self.record.op("desktop", "reject", "info", error=text)

    async def command(self, cmd: str, fields: Mapping[str, Json], *, timeout_ms: int = COMMAND_TIMEOUT_MS) -> Event:
        """Send one command and wait for its answer. SubjectError when it fails or stays out."""
        if self.broken_lines:
            raise SubjectError(f"{self.name} wrote {self.broken_lines} lines that are no events of {CONTRACT}")
        self._count += 1
        number = self._count
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            self.child.process.stdin.write(msgspec.json.encode({"id": number, "cmd": cmd, **fields}) + b"\n")
            await self.child.process.stdin.drain()
            async with asyncio.timeout(timeout_ms / 1000):
                answer = await future
        except TimeoutError as error:
            raise SubjectError(f"{self.name} did not answer {cmd!r} within {timeout_ms} ms") from error
        except (ConnectionError, OSError) as error:
            raise SubjectError(f"{self.name} cannot be spoken to: {error}") from error
        finally:
            self._answers.pop(number, None)
        if not answer.ok:
            raise SubjectError(f"{self.name} answered {cmd!r}: {answer.error[:300]}")
        return answer

    async def open(
        self, name: str, session: Session, identity: str, streams: list[str], *, ttl_s: int | None = None
    ) -> Replica:
        """Open (or resume) a session; done when its first subscription is applied. `ttl_s` is the lifetime of the
        tokens that it is to ask for."""
        replica = self.replicas.get(name)
        if replica is None:
            replica = self.replicas[name] = Replica(name, tuple(streams))
        self._expected_identity[name] = identity
        self._sessions[name] = session
        fields: dict[str, Json] = {"session": name, "bearer": session.bearer, "streams": list(streams)}
        if ttl_s is not None:
            fields["ttl_seconds"] = ttl_s
        await self.command("open", fields)
        return replica

    async def resume(self, name: str) -> Replica:
        """Open a session again, with the credential and the streams that it had."""
        replica = self.replicas[name]
        return await self.open(name, self._sessions[name], self._expected_identity[name], list(replica.streams))

    async def close_session(self, name: str, *, abrupt: bool = False) -> None:
        await self.command("close", {"session": name, "abrupt": abrupt})

    async def state(self, name: str) -> Event:
        return await self.command("state", {"session": name})

    async def stop(self) -> None:
        await self.child.stop()
        await self._end_reading()

    async def kill(self) -> None:
        await self.child.kill()
        await self._end_reading()
        for replica in self.replicas.values():
            if replica.connection is not None:
                self._op(
                    "disconnect", replica.name, connection=replica.connection, data=Disconnected("fault", "killed")
                )
                replica.disconnected(replica.connection)

    async def _end_reading(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=COMMAND_TIMEOUT_MS / 1000)
            self._reader.cancel()

    # events ------------------------------------------------------------------------------------------------------

    def _op(
        self, f: F, session: str, phase: Phase = "ok", data: Record | None = None, **fields: Unpack[OpFields]
    ) -> Op:
        fields["replica"], fields["incarnation"] = session, self.child.incarnation
        return self.record.op("desktop", f, phase, data, **fields)

    def _on_ready(self, event: Event) -> None:
        if event.contract != CONTRACT:
            raise msgspec.DecodeError(f"the contract is {event.contract!r}, expected {CONTRACT!r}")
        self._ready.set()

    def _on_done(self, event: Event) -> None:
        future = self._answers.get(event.re or 0)
        if future is not None and not future.done():
            future.set_result(event)

    def _on_mint(self, event: Event) -> None:
        # The desktop tells of a mint when it is over: both ends are stamped on receipt.
        identity = self._expected_identity.get(event.session)
        begun = self._op("mint", event.session, "invoke").index
        if event.error:
            self._op("mint", event.session, "fail", op=begun, error=event.error, status=event.status)
            return
        use = TokenUse(event.token, "mint", time.time(), event.issued_at_s, event.expires_at_s)
        self._tokens[event.session] = use
        self._op("mint", event.session, op=begun, identity=identity, data=use)

    def _on_connect(self, event: Event) -> None:
        key = ("connect", event.session)
        if event.phase == "invoke":
            self._pending[key] = self._op("connect", event.session, "invoke", attempt=event.attempt).index
            self._use_token(event)
            return
        done = self._pending.pop(key, None)
        self._op(
            "connect",
            event.session,
            event.phase,
            op=done,
            attempt=event.attempt,
            connection=event.connection,
            identity=event.identity,
            status=event.status,
            error=event.error or None,
        )
        self._token_used(event)
        if event.phase == "ok" and event.connection and event.identity:
            self.replicas[event.session].connected(event.connection)

    def _use_token(self, event: Event) -> None:
        minted = self._tokens.get(event.session)
        if minted is None:
            return
        use = TokenUse(event.token or minted.token, "connect", time.time(), minted.issued_at_s, minted.expires_at_s)
        identity = self._expected_identity.get(event.session)
        self._pending[("use_token", event.session)] = self._op(
            "use_token", event.session, "invoke", identity=identity, data=use
        ).index

    def _token_used(self, event: Event) -> None:
        done = self._pending.pop(("use_token", event.session), None)
        if done is not None:
            self._op(
                "use_token",
                event.session,
                event.phase,
                op=done,
                identity=event.identity,
                status=event.status,
                error=event.error or None,
            )

    def _on_subscribe(self, event: Event) -> None:
        key = ("subscribe", event.session)
        if event.phase == "invoke":
            data = Subscribed(event.queries)
            self._pending[key] = self._op(
                "subscribe", event.session, "invoke", connection=event.connection, data=data
            ).index
            return
        done = self._pending.pop(key, None)
        self._op(
            "subscribe", event.session, event.phase, op=done, connection=event.connection, error=event.error or None
        )

    def _on_disconnect(self, event: Event) -> None:
        by = event.by if event.by in ("client", "server") else "unknown"
        data = Disconnected(by, event.reason, event.code)  # type: ignore[arg-type]
        self._op("disconnect", event.session, connection=event.connection, data=data)
        self.replicas[event.session].disconnected(event.connection)

    def _on_resume(self, event: Event) -> None:
        data = Checkpointed("resume", event.applied_seq, event.epoch, event.chain)
        self._op("checkpoint", event.session, stream=event.stream, cursor=event.cursor, data=data)
        self.replicas[event.session].resumed(event.stream, event.applied_seq, self._crossed)

    def _on_bootstrap(self, event: Event) -> None:
        self.replicas[event.session].bootstrap(event.stream, event.baseline, event.cursor)
        data = Bootstrapped(event.reason)
        self._op(
            "bootstrap", event.session, baseline=event.baseline, stream=event.stream, cursor=event.cursor, data=data
        )

    def _on_apply(self, event: Event) -> None:
        seen = event_of_text(
            event.stream, event.seq, event.idem_key, event.payload_hash, event.payload, self._tables, self._hashing
        )
        self._op(
            "apply",
            event.session,
            baseline=event.baseline,
            stream=seen.stream,
            seq=seen.seq,
            key=seen.key,
            idem_key=seen.idem_key,
            hash=seen.hash,
            connection=event.connection,
            data=seen.applied(live=event.live),
        )
        self.replicas[event.session].apply(seen, event.baseline)

    def _on_checkpoint(self, event: Event) -> None:
        data = Checkpointed("save", event.applied_seq, event.epoch, event.chain)
        self._op("checkpoint", event.session, stream=event.stream, cursor=event.cursor, data=data)

    def _on_reject(self, event: Event) -> None:
        replica = self.replicas[event.session]
        replica.rejected[event.kind] = replica.rejected.get(event.kind, 0) + 1
        self._op("reject", event.session, connection=event.connection, data=Rejected(event.kind, event.detail[:200]))
