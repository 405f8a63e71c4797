"""A model of a correct system: a seed and a size give a history that every checker must pass.

Owns a server with streams, a publishing runtime, and replicas that join late, reconnect, are killed and
resume; prunes, one restore (every fourth seed), tokens, presence, routes, sockets, frames. Publishes are
concurrent; they fail, or are answered by nobody although they took effect (or take effect later), and
are tried again. Leaves faults, probes and counters to outages, and the judging to the checkers. Only
`Random(seed)` decides.

    history = generate(seed=7, size=300)
    len(history.ops)  # about 300, never less than the prologue and the final reads need
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import msgspec

from harness import history as h
from harness.history import Anchor, F, History, Op, pack
from tests import outages

WALL_S = 1_790_000_000
MAX_REPLICAS = 4
MAX_PRUNES = 6
FLOORS = {"publish": 1, "deliver": 1, "apply": 1, "final_read": 1, "use_token": 1}
"""What every generated history reaches, for I13."""


@dataclass(slots=True)
class Row:
    seq: int
    key: str
    idem: str
    hash: str
    data: msgspec.Raw


@dataclass(slots=True)
class Stream:
    """What the server holds: `rows[i]` has seq i + 1; those at or below `floor` are pruned."""

    name: str
    rows: list[Row] = field(default_factory=list)
    floor: int = 0


@dataclass(slots=True)
class Attempt:
    """One invocation of a publish under way. `row` when it took effect."""

    invoke: int
    stream: Stream
    key: str
    idem: str
    hash: str
    row: Row | None = None


@dataclass(slots=True)
class Place:
    """One replica's part of one stream: the rows it holds follow `start`."""

    baseline: int
    start: int
    applied: int


@dataclass(slots=True)
class Replica:
    name: str
    identity: str
    connection: str = ""
    places: dict[str, Place] = field(default_factory=dict)


class Model:
    """The system, and the record that a harness would keep of it."""

    def __init__(self, seed: int, streams: int = 3, restore: bool | None = None) -> None:
        self.rng, self.ops, self.t_ns = Random(seed), list[Op](), 0
        self.streams = [Stream(f"s{i}") for i in range(streams)]
        self.landed: dict[str, Row] = {}
        self.open: list[Attempt] = []
        self.zombies: list[Attempt] = []
        self.again: list[tuple[Stream, str, str | None]] = []
        self.replicas: list[Replica] = []
        self.gone: list[str] = []
        self.accepted, self.handled = set[str](), set[int]()  # what the runtime took, and the attempts that it answered
        self.counter = self.prunes = self.refused = 0
        self.restore_due = seed % 4 == 3 if restore is None else restore
        self.restored = False
        self.herd = self.rng.choice(outages.HERDS)

    def put(self, process: str, f: F, phase: h.Phase = "ok", /, **fields: object) -> int:
        """One Op; its index."""
        self.t_ns += 997
        index = len(self.ops)
        self.ops.append(Op(index=index, t_ns=self.t_ns, process=process, f=f, phase=phase, **fields))  # type: ignore[arg-type]
        return index

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    # Publishing

    def publish(self) -> None:
        """Invoke: a new event, or again one whose answer was bad."""
        if self.again and self.rng.random() < 0.5:
            stream, key, idem = self.again.pop()
        else:
            stream, key, idem = self.rng.choice(self.streams), self.fresh("k"), None
        digest = sha256(key.encode()).hexdigest()
        invoke = self.put("runtime", "publish", "invoke", stream=stream.name, key=key, hash=digest)
        self.open.append(Attempt(invoke, stream, key, idem or self.fresh("i"), digest, self.landed.get(key)))

    def in_turn(self, stream: Stream, count: int, key: str = "") -> None:
        """Publishes one after the other, all acknowledged; new events, or the one of this key."""
        for _ in range(count):
            event = key or self.fresh("k")
            digest = sha256(event.encode()).hexdigest()
            invoke = self.put("runtime", "publish", "invoke", stream=stream.name, key=event, hash=digest)
            row = self.land(Attempt(invoke, stream, event, self.fresh("i"), digest))
            said = {"seq": row.seq, "idem_key": row.idem, "hash": digest, "data": pack(h.Published(digest))}
            self.put("runtime", "publish", op=invoke, stream=stream.name, key=event, **said)

    def repeat(self, stream: Stream) -> None:
        """An event that was acknowledged, sent again under its idem key and known already."""
        row = stream.rows[-1]
        invoke = self.put("runtime", "publish", "invoke", stream=stream.name, key=row.key, hash=row.hash)
        attempt = Attempt(invoke, stream, row.key, row.idem, row.hash, row)
        self.land(attempt)
        self.answer(attempt, "ok", idem_key=row.idem, status=200, data=pack(h.Published(row.hash)), hash=row.hash)

    def land(self, attempt: Attempt) -> Row:
        """Take effect once; a second attempt of the same event finds the first."""
        self.accepted.add(attempt.key)
        self.handled.add(attempt.invoke)
        row = self.landed.get(attempt.key)
        if row is None:
            data = msgspec.Raw(b'{"claimed_hash":"%s","live":true}' % attempt.hash.encode())
            row = Row(len(attempt.stream.rows) + 1, attempt.key, attempt.idem, attempt.hash, data)
            attempt.stream.rows.append(row)
            self.landed[attempt.key] = row
        attempt.row = row
        return row

    def complete(self) -> None:
        """Answer one of the attempts under way: ok, fail or info."""
        attempt = self.open.pop(self.rng.randrange(len(self.open)))
        luck = self.rng.random()
        if luck < 0.85:
            row = self.land(attempt)
            self.answer(attempt, "ok", idem_key=row.idem, status=200, data=pack(h.Published(row.hash)), hash=row.hash)
        elif luck < 0.93 and attempt.row is None:
            self.answer(attempt, "fail", error="conflict", status=409)
            self.again.append((attempt.stream, attempt.key, None))
        else:
            if luck < 0.98:
                self.answer(attempt, "info", error="timeout")
            if attempt.row is None:
                self.zombies.append(attempt)
            self.again.append((attempt.stream, attempt.key, attempt.idem))

    def answer(self, attempt: Attempt, phase: h.Phase, **fields: object) -> None:
        told = attempt.row is not None and phase == "ok" and self.rng.random() < 0.9
        seq = attempt.row.seq if attempt.row is not None and told else None
        common = {"op": attempt.invoke, "stream": attempt.stream.name, "key": attempt.key, "seq": seq}
        self.put("runtime", "publish", phase, **common, **fields)

    def late_effect(self) -> None:
        """An attempt takes effect before its answer, or long after nobody answered."""
        waiting = self.zombies if self.zombies and self.rng.random() < 0.3 else self.open
        if waiting:
            self.land(self.rng.choice(waiting))

    # Replicas

    def join(self) -> None:
        replica = Replica(f"d{len(self.replicas) + 1}", self.fresh("identity-"))
        self.replicas.append(replica)
        self.connect(replica)
        for stream in self.streams:
            self.bootstrap(replica, stream)

    def connect(self, replica: Replica) -> None:
        if self.rng.random() < 0.2:
            failed = self.put("desktop", "connect", "invoke", replica=replica.name, attempt=1)
            self.put("desktop", "connect", "fail", op=failed, replica=replica.name, error="refused")
        invoke = self.put("desktop", "connect", "invoke", replica=replica.name, attempt=2)
        replica.connection = f"{self.rng.getrandbits(128):032x}"
        who = {"replica": replica.name, "connection": replica.connection}
        self.put("desktop", "connect", op=invoke, identity=replica.identity, **who)
        self.put("relay", "socket", data=pack(h.SocketSeen("desktop", "carried", 4000 + len(self.ops) % 999)))
        queries = pack(h.Subscribed(("SELECT * FROM sync_event",)))
        invoke = self.put("desktop", "subscribe", "invoke", data=queries, **who)
        self.frame(replica, "to_server", "Subscribe")
        self.put("desktop", "subscribe", op=invoke, **who)

    def frame(self, replica: Replica, direction: str, kind: str, injected: bool = False) -> None:
        data = msgspec.Raw(msgspec.json.encode({"direction": direction, "kind": kind, "injected": injected}))
        key = self.fresh("legacy-") if kind == "legacy" else None
        self.put("middlebox", "frame", connection=replica.connection, key=key, data=data)

    def bootstrap(self, replica: Replica, stream: Stream) -> None:
        old = replica.places.get(stream.name)
        place = Place(old.baseline + 1 if old else 1, stream.floor, stream.floor)
        replica.places[stream.name] = place
        common = {"replica": replica.name, "stream": stream.name, "cursor": stream.floor}
        self.put("desktop", "bootstrap", baseline=place.baseline, data=pack(h.Bootstrapped("start")), **common)

    def advance(self, replica: Replica, stream: Stream, most: int, *, tell: bool = True) -> None:
        """Deliver and apply the next rows; with `tell` false the replica dies before it can say so."""
        place = replica.places[stream.name]
        if place.applied < stream.floor:
            self.bootstrap(replica, stream)
            place = replica.places[stream.name]
        for row in stream.rows[place.applied : place.applied + most]:
            self.deliver(replica, stream, row)
            place.applied = row.seq
            if tell:
                self.apply(replica, stream, row)

    def deliver(self, replica: Replica, stream: Stream, row: Row) -> None:
        self.t_ns += 997
        self.ops.append(
            Op(
                index=len(self.ops),
                t_ns=self.t_ns,
                process="middlebox",
                f="deliver",
                phase="ok",
                stream=stream.name,
                seq=row.seq,
                key=row.key,
                idem_key=row.idem,
                hash=row.hash,
                connection=replica.connection,
                data=row.data,
            )
        )

    def apply(self, replica: Replica, stream: Stream, row: Row) -> None:
        self.t_ns += 997
        self.ops.append(
            Op(
                index=len(self.ops),
                t_ns=self.t_ns,
                process="desktop",
                f="apply",
                phase="ok",
                replica=replica.name,
                baseline=replica.places[stream.name].baseline,
                stream=stream.name,
                seq=row.seq,
                key=row.key,
                idem_key=row.idem,
                hash=row.hash,
                connection=replica.connection,
                data=row.data,
            )
        )

    def checkpoint(self, replica: Replica, at: str, behind: int = 0) -> None:
        for name, place in replica.places.items():
            cursor = max(place.start, place.applied - behind)
            data = msgspec.Raw(msgspec.json.encode({"at": at, "applied_seq": place.applied}))
            self.put("desktop", "checkpoint", replica=replica.name, stream=name, cursor=cursor, data=data)

    def drop(self, replica: Replica, by: str) -> None:
        self.gone.append(replica.connection)
        data = msgspec.Raw(msgspec.json.encode({"by": by}))
        self.put("desktop", "disconnect", replica=replica.name, connection=replica.connection, data=data)

    def reconnect(self, replica: Replica) -> None:
        """The same state on a new connection; a snapshot delivers again what was applied."""
        self.drop(replica, "fault")
        self.connect(replica)
        for stream in self.streams:
            applied = replica.places[stream.name].applied
            for row in stream.rows[max(stream.floor, applied - self.rng.randrange(8)) : applied]:
                self.deliver(replica, stream, row)

    def kill(self, replica: Replica) -> None:
        """Persisted but untold applies, and a resume from what is on disk."""
        for stream in self.streams:
            self.advance(replica, stream, self.rng.randrange(3), tell=False)
        self.put("lab", "restart", replica=replica.name, data=pack(h.Restarted("kill", 4711)))
        self.drop(replica, "unknown")
        self.checkpoint(replica, "resume", behind=int(self.rng.random() < 0.3))
        self.connect(replica)

    def fall_behind(self, replica: Replica, ahead: Replica) -> None:
        """The stream is pruned beyond what a replica holds while it is away: it starts again at the floor."""
        stream = self.streams[-1]
        self.put("lab", "restart", replica=replica.name, data=pack(h.Restarted("kill", 4711)))
        self.drop(replica, "unknown")
        self.in_turn(stream, 4)
        self.advance(ahead, stream, len(stream.rows))
        stream.floor = len(stream.rows) - 2
        self.put("gate", "prune", stream=stream.name, cursor=stream.floor)
        self.checkpoint(replica, "resume")
        self.connect(replica)
        self.advance(replica, stream, 1)

    # The server's own history

    def fail_one(self) -> None:
        """A publish that definitely did not happen, and is not tried again."""
        key, stream = self.fresh("k"), self.streams[0].name
        digest = sha256(key.encode()).hexdigest()
        invoke = self.put("runtime", "publish", "invoke", stream=stream, key=key, hash=digest)
        self.put("runtime", "publish", "fail", op=invoke, stream=stream, key=key, error="refused", status=400)

    def prune(self) -> None:
        """Up to where the first replica came, so that somebody saw every row."""
        stream = self.rng.choice(self.streams)
        floor = self.replicas[0].places[stream.name].applied
        if floor > stream.floor and self.prunes < MAX_PRUNES:
            self.prunes += 1
            stream.floor = self.rng.randint(stream.floor + 1, floor)
            self.put("gate", "prune", stream=stream.name, cursor=stream.floor)

    def restore(self) -> None:
        """The server comes back with older data; everybody starts again, and a last apply is recorded late."""
        self.restored, self.restore_due = True, False
        first, stream = self.replicas[0], self.streams[0]
        self.advance(first, stream, len(stream.rows))
        late = self.ops.pop() if self.ops[-1].f == "apply" else None
        for attempt in self.open:
            self.answer(attempt, "info", error="server restored")
        lost = {stream.name: stream.rows[self.rng.randint(stream.floor, len(stream.rows)) :] for stream in self.streams}
        heads = {stream.name: len(stream.rows) - len(lost[stream.name]) for stream in self.streams}
        self.put("lab", "restart", data=pack(h.Restarted("restore", 4712, heads)))
        if late is not None:
            self.t_ns += 997
            self.ops.append(msgspec.structs.replace(late, index=len(self.ops), t_ns=self.t_ns))
        self.open, self.zombies, self.again = [], [], []
        for stream in self.streams:
            del stream.rows[heads[stream.name] :]
            for row in lost[stream.name]:
                del self.landed[row.key]
            self.again += [(stream, row.key, None) for row in lost[stream.name][:5]]
        for replica in self.replicas:
            self.drop(replica, "server")
            self.connect(replica)
            for stream in self.streams:
                self.bootstrap(replica, stream)
        for stream in self.streams:
            self.in_turn(stream, 3)

    # What stands beside the sync

    def presence(self, settled: bool = True) -> None:
        live = tuple(replica.connection for replica in self.replicas)
        calls = (f"{self.rng.getrandbits(128):032x}",)
        rows = live + calls if settled else calls
        self.put("observer", "presence", data=pack(h.Presence(rows, live, settled, tuple(self.gone[-5:]))))

    def token(self, misuse: bool) -> None:
        """A mint and a use; a misuse is refused by the server."""
        identity, at = self.fresh("identity-"), float(WALL_S + len(self.ops))
        name = sha256(identity.encode()).hexdigest()[:16]
        good = h.TokenUse(name, "mint", at, issued_at_s=at, expires_at_s=at + 600)
        invoke = self.put("control", "mint", "invoke", identity=identity)
        self.put("control", "mint", op=invoke, identity=identity, data=pack(good))
        use = msgspec.structs.replace(good, use="connect", at_s=at + 1)
        if misuse:
            bad = ({"in_scope": False}, {"forged": True}, {"revoked_at_s": at}, {"expires_at_s": at - 61})
            use = msgspec.structs.replace(use, **self.rng.choice(bad))
        invoke = self.put("gate", "use_token", "invoke", identity=identity, data=pack(use))
        if misuse:
            self.put("gate", "use_token", "fail", op=invoke, error="refused", status=401)
        else:
            self.put("gate", "use_token", op=invoke, identity=identity, status=200)

    def routes(self) -> None:
        self.put("gate", "route", status=200, data=pack(h.RouteProbed("GET", "/healthz", retired=False)))
        status = self.rng.choice((404, 410))
        self.put("gate", "route", status=status, data=pack(h.RouteProbed("POST", "/api/khala/token", retired=True)))
        unanswered = pack(h.RouteProbed("HEAD", "/api/khala", retired=True))
        self.put("gate", "route", "fail", error="reset", data=unanswered)

    def requests(self) -> None:
        for clause, answer in (("mint", "200"), ("mint-bad-body", "400"), (self.fresh("clause-"), "503")):
            self.put("gate", "request", status=int(answer), data=pack(h.Contract(clause, answer, answer)))

    def intrude(self, replica: Replica) -> None:
        """Frames that nobody should have sent, and their rejections."""
        for kind in ("legacy", "malformed"):
            self.frame(replica, "to_client", kind, injected=True)
            who = {"replica": replica.name, "connection": replica.connection}
            self.put("desktop", "reject", data=pack(h.Rejected(kind)), **who)

    # From the beginning to the end

    def prologue(self) -> None:
        """Each kind at least once, so that every mutation has a victim."""
        self.put("kernel", "socket", data=pack(h.SocketSeen("runtime", "table", 3999)))
        self.join()
        self.join()
        for misuse in (False, True, False):
            self.token(misuse)
        self.routes()
        self.requests()
        for stream in self.streams:
            self.in_turn(stream, 6)
            self.repeat(stream)
            self.advance(self.replicas[0], stream, 3)
            self.advance(self.replicas[1], stream, 3)
        for replica in self.replicas:
            self.checkpoint(replica, "save")
            self.intrude(replica)
            self.kill(replica)
            self.reconnect(replica)
            for stream in self.streams:
                self.advance(replica, stream, 3)
        self.fall_behind(self.replicas[1], self.replicas[0])
        outages.slow_window(self)
        self.presence()

    def step(self) -> None:
        luck = self.rng.random()
        if luck < 0.45:
            self.publish()
        elif luck < 0.75:
            stream = self.rng.choice(self.streams)
            self.advance(self.rng.choice(self.replicas), stream, self.rng.randrange(1, 8))
        elif luck < 0.85:
            self.late_effect()
        elif luck < 0.9:
            self.rare(self.rng.choice(self.replicas))
        if self.open and (len(self.open) > 6 or self.rng.random() < 0.45):
            self.complete()

    def rare(self, replica: Replica) -> None:
        """What happens now and then."""
        dice = self.rng.randrange(14)
        if dice < 4:
            self.checkpoint(replica, "save", behind=dice % 2)
        elif dice < 6:
            self.token(misuse=self.rng.random() < 0.33)
        elif dice == 6:
            self.reconnect(replica)
        elif dice == 7:
            self.kill(replica)
        elif dice == 8:
            self.intrude(replica)
        elif dice == 9:
            self.presence(settled=self.rng.random() < 0.8)
        elif dice == 10:
            self.routes()
        elif dice == 11:
            self.requests()
        elif dice == 12 and self.rng.random() < 0.2:
            self.prune()
        elif len(self.replicas) < MAX_REPLICAS and self.rng.random() < 0.3:
            self.join()

    def owed(self) -> int:
        """How many Ops the end will take: what the replicas lack, and all final reads."""
        owed = 20 + 4 * MAX_REPLICAS + outages.HERD_OPS * self.herd
        for stream in self.streams:
            rows = len(stream.rows)
            owed += rows - stream.floor + (0 if self.restored else rows)
            for place in (replica.places[stream.name] for replica in self.replicas):
                owed += 2 * (rows - place.applied) + rows - place.start + 1
        return owed

    def epilogue(self) -> None:
        while self.open:
            self.complete()
        if self.restore_due:
            self.restore()
        for replica in self.replicas:
            for stream in self.streams:
                self.advance(replica, stream, len(stream.rows))
            self.checkpoint(replica, "save")
        self.presence()
        self.fail_one()
        outages.outage(self, self.herd)
        outages.probe(self)
        self.put("gate", "settle")
        self.read("server", {stream.name: stream.floor for stream in self.streams})
        outages.counters(self)
        if not self.restored:
            self.read("runtime", {stream.name: 0 for stream in self.streams})
        for replica in self.replicas:
            self.read(replica.name, {name: place.start for name, place in replica.places.items()})

    def read(self, replica: str, floors: dict[str, int]) -> None:
        count = 0
        for stream in self.streams:
            for row in stream.rows[floors[stream.name] :]:
                count += 1
                said = {"seq": row.seq, "key": row.key, "idem_key": row.idem, "hash": row.hash, "data": row.data}
                self.put("observer", "final_read", replica=replica, stream=stream.name, **said)
        closing = pack(h.FinalState(tuple(floors), count, "0" * 64))
        self.put("observer", "final_read", replica=replica, data=closing)


def generate(seed: int, size: int, restore: bool | None = None) -> History:
    """A correct history of about `size` Ops. `restore` forces or forbids a restored server."""
    model = Model(seed, restore=restore)
    model.prologue()
    while (left := size - len(model.ops) - model.owed()) > 0:
        for _ in range(max(1, left // 20)):
            model.step()
        if model.restore_due and left < size // 2:
            model.restore()
    model.epilogue()
    return History(Anchor(h.SCHEMA, f"model-{seed}", WALL_S * 10**9, 0), model.ops)
