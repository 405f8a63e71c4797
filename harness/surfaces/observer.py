"""Our own witness: reads the server directly, as the database's owner, past the subject.

What it reads is the truth that the subject's word is compared with. It reaches the server through a path of
its own, so that faults of the subject's paths do not blind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.config import HashConfig, TablesConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import FinalState, Presence
from harness.surfaces.events import Event, event_of_row, heads_of
from harness.surfaces.replica import Replica, state_hash_of
from harness.wire.http import HttpClient


class Observer:
    def __init__(
        self, http: HttpClient, database: str, tables: TablesConfig, hashing: HashConfig, record: Recorder
    ) -> None:
        self.http, self.database, self._tables, self._hashing, self._record = http, database, tables, hashing, record
        self.identities: dict[str, str] = {}  # connection -> whose it is, as the server told it

    async def events(self, streams: Iterable[str] | None = None) -> list[Event]:
        """All events of these streams (default: of all), in no order."""
        rows = await self.http.sql(self.database, f"SELECT * FROM {self._tables.events.name}")
        wanted = set(streams) if streams is not None else None
        found = (event_of_row(row, self._tables, self._hashing) for row in rows)
        return [event for event in found if wanted is None or event.stream in wanted]

    async def count(self) -> int:
        """How many rows the events table holds now."""
        rows = await self.http.sql(self.database, f"SELECT COUNT(*) AS n FROM {self._tables.events.name}")
        count = rows[0]["n"]
        assert isinstance(count, int)
        return count

    async def heads(self) -> dict[str, int]:
        """The highest seq that each stream holds now."""
        return heads_of(await self.events())

    async def presence_rows(self) -> list[str]:
        """What the presence rows are keyed by: connection ids, or identities. SubjectError without such a table."""
        table = self._tables.presence
        if not table.name:
            raise SubjectError("who is present is not known", hint="give module.tables.presence in signoff.toml a name")
        column = table.connection or table.identity
        rows = await self.http.sql(self.database, f"SELECT {column} FROM {table.name}")
        return [str(row[column]) for row in rows]

    def rows_of(self, connections: Iterable[str]) -> set[str]:
        """The presence rows that these connections must have: one each, or one for each identity."""
        if self._tables.presence.connection:
            return set(connections)
        return {self.identities.get(connection, f"unknown identity of {connection}") for connection in connections}

    async def final_read(self, streams: Sequence[str]) -> str:
        """Read everything and record it as the final read of the server; the state hash that it gives."""
        events = await self.events(streams)
        by_stream: dict[str, list[Event]] = {stream: [] for stream in streams}
        for event in events:
            by_stream[event.stream].append(event)
        for found in by_stream.values():
            for event in sorted(found, key=lambda e: e.seq):
                record_row(self._record, "server", event)
        ours = state_hash_of(by_stream)
        data = FinalState(tuple(streams), len(events), ours)
        self._record.op("observer", "final_read", replica="server", data=data)
        return ours

    def presence(self, rows: Sequence[str], live: Iterable[str], gone: Iterable[str], *, settled: bool) -> None:
        """Record one reading beside the connections that the lab knows to be live and gone. An identity is not gone
        while another connection of it lives."""
        present = self.rows_of(live)
        absent = self.rows_of(gone) - present
        data = Presence(tuple(sorted(rows)), tuple(sorted(present)), settled, tuple(sorted(absent)))
        self._record.op("observer", "presence", data=data)


def record_row(record: Recorder, replica: str, event: Event) -> None:
    """One row of a final read."""
    record.op(
        "observer",
        "final_read",
        replica=replica,
        stream=event.stream,
        seq=event.seq,
        key=event.key,
        idem_key=event.idem_key,
        hash=event.hash,
        data=event.applied(),
    )


def final_read_of(record: Recorder, replica: Replica, claimed_state_hash: str) -> str:
    """The final read of a desktop session, from what it reported as applied; its state hash by our own count."""
    rows = 0
    for stream in replica.streams:
        held = replica.state.get(stream)
        for event in held.events if held is not None else ():
            record_row(record, replica.name, event)
            rows += 1
    ours = replica.state_hash()
    data = FinalState(replica.streams, rows, ours, claimed_state_hash)
    record.op("observer", "final_read", replica=replica.name, data=data)
    return ours
