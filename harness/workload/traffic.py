"""Events for a scenario, from one seeded generator: stream, nonce, idempotency key, payload.

traffic = Traffic(random.Random(7), nonce="a1b2")
events = traffic.events(streams, each=100)
await publish(runtime, events)          # in order within a stream, streams beside each other
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.canonical import Json
from harness.surfaces.events import KEY_FIELD
from harness.surfaces.runtime import Publication, RuntimeSurface


@dataclass(frozen=True)
class Sent:
    """One event to publish. `key` is in the payload too."""

    stream: str
    key: str
    idem_key: str
    payload: Json


class Traffic:
    """Numbers its events, so that no key comes twice in a scenario."""

    def __init__(self, rng: random.Random, nonce: str) -> None:
        self._rng, self._nonce, self._count = rng, nonce, 0

    def event(self, stream: str, **fields: Json) -> Sent:
        """The next event. Payload keys are out of order, and some text is not ASCII, on purpose: a hash
        over unsorted or escaped JSON differs."""
        self._count += 1
        key = f"{self._nonce}-{self._count}"
        payload: Json = {
            "zeta": self._rng.randrange(1 << 40),
            KEY_FIELD: key,
            "text": f"é‐{self._rng.randrange(1_000_000)}",
            "nested": {"b": [1, 2, {"y": None, "x": True}], "a": self._rng.randrange(100)},
            **fields,
        }
        return Sent(stream, key, f"idem-{key}", payload)

    def events(self, streams: Sequence[str], *, each: int) -> list[Sent]:
        """`each` events for each stream, interleaved."""
        return [self.event(stream) for _ in range(each) for stream in streams]


def contradicting(event: Sent) -> Sent:
    """The same event with other content: same stream, nonce and idempotency key."""
    assert isinstance(event.payload, dict)
    return replace(event, payload={**event.payload, "contradicts": True})


async def publish(runtime: RuntimeSurface, events: Iterable[Sent]) -> list[Publication]:
    """Publish in order within each stream; the streams go on beside each other."""
    by_stream: dict[str, list[Sent]] = {}
    for event in events:
        by_stream.setdefault(event.stream, []).append(event)

    async def drain(queue: list[Sent]) -> list[Publication]:
        return [await runtime.publish(event.stream, event.payload, event.idem_key) for event in queue]

    done = await asyncio.gather(*(drain(queue) for queue in by_stream.values()))
    return [publication for part in done for publication in part]
