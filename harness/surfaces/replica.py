"""What one desktop session says that it holds, mirrored from its events: the harness's side of a replica.

Pure: JSON-lines events in, Ops' fields out; no process, no clock. The state hash is computed here from
what the session reported as applied, and compared with what it claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.canonical import chain_next, chain_start, state_hash
from harness.surfaces.events import Event


@dataclass
class StreamState:
    """Applied state of one stream in its present baseline. `chain` is None when it cannot be known (the baseline
    started at a floor)."""

    baseline: int
    seq: int
    chain: bytes | None
    events: list[Event] = field(default_factory=list)


class Replica:
    """One session."""

    def __init__(self, name: str, streams: tuple[str, ...]) -> None:
        self.name, self.streams = name, streams
        self.state: dict[str, StreamState] = {}
        self.connection: str | None = None
        self.ended: list[str] = []
        self.rejected: dict[str, int] = {}

    def bootstrap(self, stream: str, baseline: int, cursor: int) -> None:
        """Applied state of the stream was discarded; it starts again after `cursor`. At a floor no chain is known."""
        self.state[stream] = StreamState(baseline, cursor, chain_start(stream) if cursor == 0 else None)

    def apply(self, event: Event, baseline: int) -> None:
        held = self.state.get(event.stream)
        if held is None or held.baseline != baseline:
            held = self.state[event.stream] = StreamState(baseline, event.seq - 1, None)
        if held.chain is not None and event.claimed_hash:
            held.chain = _next(held.chain, event)
        held.seq = event.seq
        held.events.append(event)

    def resumed(self, stream: str, applied_seq: int, crossed: Mapping[tuple[str, int], Event]) -> None:
        """Take over what was persisted and never told: the last lines of a killed process are lost. Which events those
        are is what crossed to the desktops at these places; the state hash shows whether that is true."""
        held = self.state.get(stream)
        for seq in range(held.seq + 1, applied_seq + 1) if held is not None else ():
            event = crossed.get((stream, seq))
            if event is None or held is None:
                return
            self.apply(event, held.baseline)

    def connected(self, connection: str) -> None:
        self.connection = connection

    def disconnected(self, connection: str | None) -> None:
        gone = connection or self.connection
        if gone:
            self.ended.append(gone)
        if gone == self.connection:
            self.connection = None

    def applied_seq(self, stream: str) -> int:
        held = self.state.get(stream)
        return held.seq if held is not None else 0

    def state_hash(self) -> str:
        """Over what was reported as applied; "" when some chain is not known."""
        heads = {}
        for stream in self.streams:
            held = self.state.get(stream)
            chain = held.chain if held is not None else chain_start(stream)
            if chain is None:
                return ""
            heads[stream] = (held.seq if held is not None else 0, chain.hex())
        return state_hash(heads)


def _next(chain: bytes, event: Event) -> bytes | None:
    try:
        return chain_next(chain, event.seq, event.idem_key, event.recorded_hash or event.claimed_hash)
    except (ValueError, OverflowError):
        return None  # a hash that is no hex, a negative seq: I5 and I3 speak of those


def state_hash_of(events: Mapping[str, list[Event]]) -> str:
    """Of a whole read, by stream: events sorted by seq."""
    heads = {}
    for stream, found in events.items():
        chain: bytes | None = chain_start(stream)
        seq = 0
        for event in sorted(found, key=lambda e: e.seq):
            chain = _next(chain, event) if chain is not None else None
            seq = event.seq
        if chain is None:
            return ""
        heads[stream] = (seq, chain.hex())
    return state_hash(heads)
