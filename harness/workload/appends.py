"""Appends: the harness's own writer, which calls the module's reducer past the subject's runtime.

Which failures are definite is the server's: a refusal with a status did not happen, no answer says nothing.

    appender = Appender(scene.lab.http, scene.lab.database, call, scene.config.hash, scene.variables(), scene.record)
    await appender.append(event)          # "ok", "fail" or "info"
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.canonical import Json, canonical_json
from harness.config import CallConfig, HashConfig
from harness.evidence.recorder import Recorder
from harness.history import Phase, Published
from harness.surfaces.events import hash_of
from harness.template import fill
from harness.wire.http import HttpClient, HttpRefused, Unreachable
from harness.workload.traffic import Sent


def append_args(
    call: CallConfig, hashing: HashConfig, variables: Mapping[str, Json], event: Sent, expected_seq: int = 0
) -> list[Json]:
    """What the reducer is given for this event. `call` is `module.append` of signoff.toml: its arguments may name
    {stream}, {idem_key}, {hash}, {payload_json}, {now_ms}, and {expected_seq}, which is 0 when the writer expects
    nothing."""
    values: dict[str, Json] = {
        **variables,
        "stream": event.stream,
        "idem_key": event.idem_key,
        "hash": hashing.prefix + hash_of(event.payload, hashing, stream=event.stream),
        "payload_json": canonical_json(event.payload).decode(),
        "now_ms": int(time.time() * 1000),
        "expected_seq": expected_seq,
    }
    return [fill(argument, values) for argument in call.args]


class Appender:
    """A writer on one way to the server; each call is in the record with what came of it."""

    def __init__(
        self,
        http: HttpClient,
        database: str,
        call: CallConfig,
        hashing: HashConfig,
        variables: Mapping[str, Json],
        record: Recorder,
    ) -> None:
        self._http, self._database, self._call = http, database, call
        self._hashing, self._variables, self._record = hashing, variables, record

    async def append(self, event: Sent, expected_seq: int = 0) -> Phase:
        """One reducer call, recorded; what came of it."""
        ours = hash_of(event.payload, self._hashing, stream=event.stream)
        args = append_args(self._call, self._hashing, self._variables, event, expected_seq)
        begun = self._record.op(
            "lab", "append", "invoke", stream=event.stream, key=event.key, idem_key=event.idem_key, hash=ours
        )
        phase: Phase = "ok"
        status: int | None = None
        error: str | None = None
        try:
            await self._http.call(self._database, self._call.reducer, args)
        except HttpRefused as refused:
            phase, status, error = "fail", refused.status, refused.text
        except Unreachable as silent:
            phase, error = "info", str(silent)
        self._record.op(
            "lab",
            "append",
            phase,
            Published("") if phase == "ok" else None,
            op=begun.index,
            stream=event.stream,
            key=event.key,
            idem_key=event.idem_key,
            hash=ours,
            status=status,
            error=error,
        )
        return phase
