"""Drives the runtime: publishes events over HTTP and records what it acknowledges.

Which failures are definite is decided by one table (`outcome`): an answer in the 4xx range says that
nothing happened; a 5xx, a cut or a time-out after sending says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.canonical import Json
from harness.config import HashConfig, RuntimeConfig, StepConfig
from harness.evidence.recorder import Recorder
from harness.history import Metrics, Phase, Published
from harness.surfaces.child import Child
from harness.surfaces.events import bare, hash_of, key_of
from harness.surfaces.service import Place, Service
from harness.surfaces.web import NoAnswer, Reply, dig


@dataclass(frozen=True)
class Publication:
    """What came of one publish. `seq` and `idem_key` when the surface says them."""

    phase: Phase
    status: int | None
    seq: int | None
    idem_key: str
    claimed_hash: str


def outcome(reply: Reply | None, error: NoAnswer | None) -> Phase:
    """ok, fail (definitely not done) or info (may be done)."""
    if reply is None:
        return "info" if error is None or error.sent else "fail"
    if reply.expected:
        return "ok"
    return "fail" if 400 <= reply.status < 500 else "info"


class RuntimeSurface(Service):
    def __init__(
        self, child: Child, config: RuntimeConfig, hashing: HashConfig, place: Place, record: Recorder
    ) -> None:
        super().__init__(child, config, place, record)
        self.config, self._hashing = config, hashing

    async def publish(self, stream: str, payload: Json, idem_key: str) -> Publication:
        """One event. Recorded with the harness's own hash of the payload."""
        key, ours = key_of(payload, idem_key), hash_of(payload, self._hashing, stream=stream)
        begun = self.record.op("runtime", "publish", "invoke", stream=stream, key=key, hash=ours, idem_key=idem_key)
        variables: dict[str, Json] = {"stream": stream, "payload": payload, "idem_key": idem_key}
        reply, failure = None, None
        try:
            reply = await self.fast.perform(self.config.publish, variables)
        except NoAnswer as error:
            failure = error
        phase = outcome(reply, failure)
        captured = reply.captured if reply is not None else {}
        seq = captured.get("seq")
        claimed = bare(captured.get("hash"), self._hashing)
        said_key = str(captured.get("idem_key", idem_key))
        self.record.op(
            "runtime",
            "publish",
            phase,
            op=begun.index,
            incarnation=self.child.incarnation,
            stream=stream,
            key=key,
            seq=seq if phase == "ok" and isinstance(seq, int) else None,
            idem_key=said_key,
            hash=ours,
            status=reply.status if reply is not None else None,
            error=None
            if phase == "ok"
            else (reply.excerpt(self.record.redactor) if reply is not None else str(failure)),
            data=Published(claimed) if phase == "ok" else None,
        )
        return Publication(
            phase, reply.status if reply else None, seq if isinstance(seq, int) else None, said_key, claimed
        )

    async def counters(self) -> dict[str, int]:
        """The subject's own counters, recorded. Empty when the configuration names no route for them."""
        if self.config.metrics is None:
            return {}
        reply, counters, means = await self._counted(self.config.metrics)
        phase: Phase = "ok" if reply.expected else "fail"
        self.record.op("runtime", "metrics", phase, status=reply.status, data=Metrics(counters, means))
        return counters

    async def outbox(self) -> int:
        """How many events it says are not in the server yet; 0 where it does not say. Not recorded: it tells whether it
        is time to read the counters."""
        if self.config.metrics is None:
            return 0
        return (await self._counted(self.config.metrics))[2].get("outbox", 0)

    async def _counted(self, route: StepConfig) -> tuple[Reply, dict[str, int], dict[str, int]]:
        """The answer, the counters in it, and what some of them mean."""
        reply = await self.fast.perform(route, {})
        found = reply.captured.get("counters")
        counters = (
            {str(k): int(v) for k, v in found.items() if isinstance(v, (int, float))} if isinstance(found, dict) else {}
        )
        named = self.config.counters.model_dump()
        return reply, counters, {meaning: counters[name] for meaning, name in named.items() if name in counters}

    async def state_hash(self) -> str | None:
        """The runtime's own state hash, when it has a route for it."""
        if self.config.state is None:
            return None
        reply = await self.fast.perform(self.config.state, {})
        found = reply.captured.get("state_hash", dig(reply.body, "data.state_hash"))
        return str(found) if found is not None else None
