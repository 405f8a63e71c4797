"""Drives the runtime: publishes events over HTTP and records what it acknowledges.

Which failures are definite is decided by one table (`outcome`): an answer in the 4xx range says that
nothing happened; a 5xx, a cut or a time-out after sending says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.canonical import Json
from harness.config import HashConfig, RuntimeConfig, StepConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import Metrics, Opened, Phase, Published
from harness.surfaces.capture import dig
from harness.surfaces.child import Child
from harness.surfaces.events import bare, beside, hash_of, key_of, recorded_hash_of
from harness.surfaces.service import Place, Service
from harness.surfaces.web import NoAnswer, Reply
from harness.template import fill_text, placeholders


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
        self._streams: dict[str, Mapping[str, Json]] = {}  # what was captured when each was opened
        self.own_events: dict[str, int] = {}  # that the runtime itself wrote into them
        self._counted_before: dict[str, int] = {}  # what counters stood at when we came, of one that runs already

    async def start(self, variables: Mapping[str, Json]) -> None:
        await super().start(variables)
        if not self.child.is_ours and self.config.metrics is not None and not self._counted_before:
            _, _, means = await self._counted(self.config.metrics)
            self._counted_before = {meaning: count for meaning, count in means.items() if meaning != "outbox"}

    async def open_stream(self, name: str) -> str:
        """A stream to publish into: `name`, or what the runtime calls the one that it opens where signoff.toml has
        [runtime.stream]. SubjectError when it opens none."""
        step = self.config.stream
        if step is None:
            return name
        known = {**self.variables, "stream": name}
        reply = await self.web.perform(step, known)
        if not reply.expected:
            said = reply.excerpt(self.record.redactor)
            raise SubjectError(f"opening a stream: {step.method} {step.path} answered {said}, expected {step.expect}")
        missing = placeholders(step.name) - {*reply.captured, *known}
        if missing:
            said = reply.excerpt(self.record.redactor)
            raise SubjectError(
                f"opening a stream: the answer {said} has no {', '.join(sorted(missing))}",
                hint="see capture of [runtime.stream] in signoff.toml",
            )
        opened = fill_text(step.name, {**known, **reply.captured})
        self._streams[opened] = reply.captured
        self.own_events[opened] = step.events
        self.record.op("runtime", "open", stream=opened, status=reply.status, data=Opened(step.events))
        return opened

    def event_variables(self, stream: str, payload: Json, idem_key: str) -> dict[str, Json]:
        """What a step that publishes an event may name."""
        opened = self._streams.get(stream, {})
        return {**self.variables, **opened, "stream": stream, "payload": payload, "idem_key": idem_key}

    @property
    def hashes_the_payload(self) -> bool:
        """Whether the recorded hash is over the payload alone."""
        return self._hashing.envelope == "{payload}"

    def must_say(self, name: str) -> None:
        """SubjectError when the answer to a publish is not read for `name`: what hangs on it cannot be judged."""
        if name not in self.config.publish.capture:
            raise SubjectError(
                f"which {name} an event was given is not known",
                hint=f"say where its answer has it: {name} in capture of [runtime.publish] in signoff.toml",
            )

    async def publish(self, stream: str, payload: Json, idem_key: str) -> Publication:
        """One event. Recorded with the harness's own hash of the payload."""
        key, ours = key_of(payload, idem_key), hash_of(payload)
        begun = self.record.op("runtime", "publish", "invoke", stream=stream, key=key, hash=ours, idem_key=idem_key)
        variables = self.event_variables(stream, payload, idem_key)
        reply, failure = None, None
        try:
            reply = await self.fast.perform(self.config.publish, variables)
        except NoAnswer as error:
            failure = error
        phase = outcome(reply, failure)
        captured = reply.captured if reply is not None else {}
        seq = captured.get("seq")
        claimed, right = self._claim(captured, stream, payload)
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
            data=Published(claimed, beside(ours, right) if claimed else "") if phase == "ok" else None,
        )
        return Publication(
            phase, reply.status if reply else None, seq if isinstance(seq, int) else None, said_key, claimed
        )

    def _claim(self, captured: Mapping[str, Json], stream: str, payload: Json) -> tuple[str, str]:
        """The hash that the answer claims, and the one that it must be. Where that holds what only the server's row
        tells, the claim is left to the row."""
        known: dict[str, Json] = {"stream": stream, "payload": payload}
        known |= {"seq": captured["seq"]} if "seq" in captured else {}
        right = recorded_hash_of(self._hashing, **known)
        return (bare(captured.get("hash"), self._hashing), right) if right else ("", "")

    async def counters(self) -> dict[str, int]:
        """The subject's own counters, recorded. Empty when the configuration names no route for them."""
        if self.config.metrics is None:
            return {}
        reply, counters, means = await self._counted(self.config.metrics)
        phase: Phase = "ok" if reply.expected else "fail"
        means = {meaning: count - self._counted_before.get(meaning, 0) for meaning, count in means.items()}
        data = Metrics(counters, means, ran_before=not self.child.is_ours)
        self.record.op("runtime", "metrics", phase, status=reply.status, data=data)
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
