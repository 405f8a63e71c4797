"""The History: what was invoked, acknowledged and seen in one scenario, as an append-only list of Ops.

Owns the record's types, its bytes and its reading; leaves time stamps and files to the recorder
(harness.evidence.recorder), and judging to harness.checkers. The meaning of each `f` and of the
fields that it must carry is in docs/history.md.

On disk: one JSON line per Op after a line 0 that anchors the monotonic clock to the wall clock. A
crash leaves a readable prefix; a broken last line is reported as `truncated`, any other is an error.

    >>> History.parse(b'{"schema":"signoff.history.v1","scenario":"s","wall_ns":1,"t_ns":0}\\n').ops
    ()
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal, TypeVar

import msgspec

from harness.canonical import UNREADABLE
from harness.errors import EvidenceError

SCHEMA = "signoff.history.v1"

Phase = Literal["invoke", "ok", "fail", "info"]
F = Literal[
    "open",
    "publish",
    "append",
    "deliver",
    "apply",
    "checkpoint",
    "bootstrap",
    "subscribe",
    "connect",
    "disconnect",
    "socket",
    "frame",
    "reject",
    "request",
    "mint",
    "use_token",
    "revoke",
    "settle",
    "prune",
    "probe",
    "route",
    "fault_on",
    "fault_off",
    "restart",
    "presence",
    "final_read",
    "metrics",
    "trouble",
]


class Record(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of everything that stands in a history file."""


class Anchor(Record, frozen=True):
    """Line 0: at `t_ns` on the monotonic clock the wall clock read `wall_ns` (since 1970, UTC)."""

    schema: str
    scenario: str
    wall_ns: int
    t_ns: int


class Op(Record, frozen=True, gc=False):
    """One record. `t_ns` is the harness's monotonic clock on receipt; `op` is the index of the
    invocation that this completes; `key` is the harness's own nonce out of the payload, `idem_key`
    the subject's; `hash` is what the harness computed, unless docs/history.md says otherwise."""

    index: int
    t_ns: int
    process: str
    f: F
    phase: Phase
    incarnation: int = 0
    op: int | None = None
    replica: str | None = None
    baseline: int | None = None
    stream: str | None = None
    seq: int | None = None
    key: str | None = None
    idem_key: str | None = None
    hash: str | None = None
    cursor: int | None = None
    connection: str | None = None
    identity: str | None = None
    attempt: int | None = None
    status: int | None = None
    fault: str | None = None
    marker: str | None = None
    error: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Published(Record, frozen=True):
    """publish ok: the payload hash that the runtime claims, as 64 hex digits. `recorded_hash` as in Applied."""

    claimed_hash: str
    recorded_hash: str = ""


class Applied(Record, frozen=True):
    """apply, deliver, final_read of a row: the hash recorded beside the payload, as 64 hex digits;
    `live` when it came by an update and not in a snapshot. `recorded_hash` is what the claim must be where the subject
    hashes more than the payload; absent: the Op's own hash."""

    claimed_hash: str
    live: bool = False
    recorded_hash: str = ""


class Opened(Record, frozen=True):
    """open: how many events of its own the subject writes into a stream that it opens."""

    events: int


class Checkpointed(Record, frozen=True):
    """checkpoint: `applied_seq` is the applied state persisted together with the cursor."""

    at: Literal["save", "resume"]
    applied_seq: int
    epoch: str = ""
    chain: str = ""


class Bootstrapped(Record, frozen=True):
    """bootstrap: why the replica started again."""

    reason: str


class Subscribed(Record, frozen=True):
    queries: tuple[str, ...]


class Disconnected(Record, frozen=True):
    by: Literal["client", "server", "fault", "unknown"]
    reason: str = ""
    code: int | None = None


class SocketSeen(Record, frozen=True):
    """socket: `path` is the lab's path name ("runtime", "desktop", ...) or "" when no path carried it.
    `kind` "carried" is the relay's account, "table" the kernel's, "metric" the server's."""

    path: str
    kind: Literal["carried", "table", "metric"]
    peer_port: int = 0
    count: int = 1


class FrameSeen(Record, frozen=True):
    """frame: one WebSocket message that crossed the middlebox. `kind` is the SpacetimeDB message
    name, or "legacy" or "malformed"; `injected` when the middlebox made it itself."""

    direction: Literal["to_client", "to_server"]
    kind: str
    injected: bool = False


class Rejected(Record, frozen=True):
    """reject: the subject's own class of the frame that it refused."""

    kind: str
    detail: str = ""


class Contract(Record, frozen=True):
    """request, mint, use_token...: one documented answer beside what came. Compared as text."""

    clause: str
    expected: str
    observed: str


class TokenUse(Record, frozen=True):
    """mint and use_token. Times in seconds since 1970; `token` is the first 16 hex digits of the
    token's sha256, never the token. `in_scope` is what the grant says of this use."""

    token: str
    use: Literal["mint", "connect", "call", "open_socket"]
    at_s: float
    issued_at_s: float | None = None
    expires_at_s: float | None = None
    revoked_at_s: float | None = None
    in_scope: bool = True
    forged: bool = False


class RouteProbed(Record, frozen=True):
    """route: one request against a route; `retired` ones must not answer. `location` of a redirect."""

    method: str
    path: str
    retired: bool
    location: str = ""


class Presence(Record, frozen=True):
    """presence: connection ids, as 32 hex digits, of the rows read and of the subscribers that were
    live then. `expected_min` and `expected_max` bound the number of live subscribers' rows."""

    rows: tuple[str, ...]
    live: tuple[str, ...]
    settled: bool = True
    gone: tuple[str, ...] = ()


class FinalState(Record, frozen=True):
    """final_read without a stream: one observer's whole read is complete. `state_hash` is what
    the harness computed from the rows, `claimed_state_hash` what the surface says, when it says."""

    streams: tuple[str, ...]
    rows: int
    state_hash: str
    claimed_state_hash: str = ""
    caught_up: bool = True


class Metrics(Record, frozen=True):
    """metrics: the subject's counters as it names them, and what signoff.toml says that some of them mean
    (accepted, duplicates, published, failures, outbox). Of one that `ran_before` the scenario, what they mean since it
    began; what it had left to bring to a server is not known."""

    counters: dict[str, int]
    means: dict[str, int] = {}
    ran_before: bool = False


class Restarted(Record, frozen=True):
    """restart: recorded while the process is down. `pid` is the old one's (of a desktop or a service: the new one's);
    `heads` is each stream's head in the data with which the server comes back from a restore."""

    how: Literal["stop", "kill", "restore", "wipe"]
    pid: int
    heads: dict[str, int] = {}


class Faulted(Record, frozen=True):
    """fault_on: what began. While only `tolerable` faults are active, liveness is still demanded."""

    kind: str
    target: str
    tolerable: bool = False
    params: dict[str, float | str] = {}


class Healed(Record, frozen=True):
    """fault_off: the window's witness. `traffic` counts what the workload attempted inside it; `effect` says in words
    what was measured by the lab (never by the subject's word), `measured` how much of it and `needed` how much shows
    that the fault bit; the first and last sight of it are on the monotonic clock, 0 when there was none."""

    kind: str
    target: str
    traffic: int
    effect: str
    measured: float
    needed: float
    first_ns: int = 0
    last_ns: int = 0


class Probed(Record, frozen=True):
    """probe: which replicas the fresh event must reach live, and within how many ms of its invocation."""

    replicas: tuple[str, ...]
    within_ms: int


_T = TypeVar("_T")
_decode_op = msgspec.json.Decoder(Op).decode
_decode_anchor = msgspec.json.Decoder(Anchor).decode
_encode = msgspec.json.Encoder().encode
_decoders: dict[type, msgspec.json.Decoder[object]] = {}


def encode(record: Record) -> bytes:
    """One line, without its newline."""
    return _encode(record)


def pack(data: Record) -> msgspec.Raw:
    """Typed data as it stands in `Op.data`."""
    return msgspec.Raw(_encode(data))


def unpack(op: Op, kind: type[_T]) -> _T:
    """`op.data` as `kind`; EvidenceError when it is absent or of another shape."""
    if op.data is msgspec.UNSET:
        raise EvidenceError(f"op {op.index} ({op.f}) carries no data, expected {kind.__name__}")
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(op.data)  # type: ignore[return-value]
    except UNREADABLE as error:
        raise EvidenceError(f"op {op.index} ({op.f}): data is not {kind.__name__}: {error}") from error


class History:
    """The Ops of one scenario, in the order of their index."""

    def __init__(self, anchor: Anchor, ops: Iterable[Op], *, truncated: bool = False) -> None:
        self.anchor, self.ops, self.truncated = anchor, tuple(ops), truncated

    @classmethod
    def parse(cls, raw: bytes) -> History:
        """The history in a file's bytes; EvidenceError names the line that is not an Op."""
        lines = raw.split(b"\n")
        complete = lines.pop() == b""
        if not lines:
            raise EvidenceError("the history is empty: not even its anchor is there")
        try:
            anchor = _decode_anchor(lines[0])
        except UNREADABLE as error:
            raise EvidenceError(f"history line 1 is no anchor: {error}") from error
        if anchor.schema != SCHEMA:
            raise EvidenceError(f"history schema is {anchor.schema!r}, expected {SCHEMA!r}")
        ops: list[Op] = []
        try:
            ops.extend(map(_decode_op, lines[1:]))
        except UNREADABLE as error:
            raise EvidenceError(f"history line {len(ops) + 2} is no Op: {error}") from error
        return cls(anchor, ops, truncated=not complete)

    def dump(self) -> bytes:
        """The bytes that `parse` reads."""
        return b"".join(_encode(record) + b"\n" for record in (self.anchor, *self.ops))

    def with_ops(self, ops: Iterable[Op]) -> History:
        """Another history under the same anchor: what a mutation makes. Indices are left as they are."""
        return History(self.anchor, ops)

    @cached_property
    def _by_f(self) -> dict[str, list[Op]]:
        groups: dict[str, list[Op]] = {}
        for op in self.ops:
            groups.setdefault(op.f, []).append(op)
        return groups

    def of(self, f: F) -> Sequence[Op]:
        """All Ops of one kind, in order. Grouped once, so that each checker walks only its own."""
        return self._by_f.get(f, ())
