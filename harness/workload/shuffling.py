"""The same rows in any order, with any repeats: what a socket may carry without telling anything new.

Each connection gets a plan of its own, drawn from one seed. Rows are never invented: every text that goes on came from
the server, on the same connection, in this message or in one before it.

    box.alter = Shuffling(random.Random(7), table="sync_event", plans=("rows", "turns"))     # Middlebox(...)
    box.alter.times      # how many messages went on otherwise than they came
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping

import msgspec

from harness.canonical import UNREADABLE, Json
from harness.lab.middlebox import Message, Payload

KEPT_MESSAGES = 8  # how far back a message may be told again
_UPDATES = frozenset({"TransactionUpdate", "TransactionUpdateLight"})
_SNAPSHOTS = frozenset({"SubscribeMultiApplied", "SubscribeApplied", "InitialSubscription"})


class Shuffling:
    """`Middlebox.alter`. `plans` name what is done on the first, second ... connection; the last one goes on."""

    def __init__(self, rng: random.Random, *, table: str, plans: tuple[str, ...]) -> None:
        self.times = 0
        self._rng, self._table, self._plans = rng, table, plans
        self._numbers: dict[int, int] = {}
        self._past: dict[int, deque[bytes]] = {}
        self._held: dict[int, bytes] = {}

    def plan_of(self, socket: int) -> str:
        number = self._numbers.setdefault(socket, len(self._numbers))
        return self._plans[min(number, len(self._plans) - 1)]

    def __call__(self, message: Message) -> list[Payload]:
        plan = self.plan_of(message.socket)
        opened = _open(message.payload)
        if opened is None or plan == "as-it-came" or opened[0] not in _UPDATES | _SNAPSHOTS:
            return [Payload(message.payload)]
        kind, body = opened
        sent = self._altered(plan, message, kind, body)
        self.times += sent != [message.payload]
        if kind in _UPDATES:
            self._past.setdefault(message.socket, deque(maxlen=KEPT_MESSAGES)).append(message.payload)
        return [Payload(one) for one in sent]

    def _altered(self, plan: str, message: Message, kind: str, body: Mapping[str, Json]) -> list[bytes]:
        if plan == "rows":
            return [self._rows(kind, body)]
        past = list(self._past.get(message.socket, ()))
        if plan == "repeats" and kind in _UPDATES:
            again = self._rng.sample(past, min(len(past), self._rng.randint(0, 3)))
            return [message.payload, *[message.payload] * self._rng.randint(0, 2), *again]
        if plan == "turns" and kind in _UPDATES:
            held = self._held.pop(message.socket, None)
            if held is not None:
                return [message.payload, held]
            if self._rng.random() < 0.2:
                self._held[message.socket] = message.payload
                return []
        return [self._rows(kind, body)] if plan == "turns" else [message.payload]

    def held(self) -> list[tuple[int, bytes]]:
        """What still waits for its successor, to be sent after all."""
        waiting, self._held = list(self._held.items()), {}
        return waiting

    def _rows(self, kind: str, body: Mapping[str, Json]) -> bytes:
        """The message with its event rows in another order, some of them more than once."""
        changed = _decode(msgspec.json.encode(body))
        for table in _tables(changed):
            if isinstance(table, dict) and table.get("table_name") == self._table:
                for query in _list(table.get("updates")):
                    if isinstance(query, dict) and isinstance(query.get("inserts"), list):
                        query["inserts"] = self._shuffled(_list(query["inserts"]))
        return msgspec.json.encode({kind: changed})

    def _shuffled(self, rows: list[Json]) -> list[Json]:
        repeated = [row for row in rows for _ in range(self._rng.choice((1, 1, 2, 3)))]
        self._rng.shuffle(repeated)
        return repeated


def _decode(raw: bytes) -> Json:
    value: Json = msgspec.json.decode(raw)
    return value


def _open(payload: bytes) -> tuple[str, dict[str, Json]] | None:
    try:
        value = _decode(payload)
    except UNREADABLE:
        return None
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((kind, body),) = value.items()
    return (kind, body) if isinstance(body, dict) else None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _tables(body: Json) -> list[Json]:
    """The table updates in a message of any kind."""
    if not isinstance(body, dict):
        return []
    for name in ("status", "Committed", "update", "database_update"):
        inner = body.get(name)
        if isinstance(inner, dict):
            return _tables(inner)
    return _list(body.get("tables"))
