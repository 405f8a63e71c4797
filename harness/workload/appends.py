"""Appends: the harness's own writer, which calls the module's reducer past the subject's runtime.

Which failures are definite is the server's: a refusal with a status did not happen, no answer says nothing.

    appender = Appender(scene.lab.http, scene.lab.database, scene.config, scene.variables(), scene.record)
    await appender.append(event)          # "ok", "fail" or "info"
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.canonical import Json, canonical_json
from harness.config import CallConfig, Config
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import Phase, Published
from harness.surfaces.events import hash_of, recorded_hash_of, stored_form
from harness.template import fill
from harness.wire.http import HttpClient, HttpRefused, Unreachable
from harness.workload.traffic import Sent


def append_args(config: Config, variables: Mapping[str, Json], event: Sent, expected_seq: int = 0) -> list[Json]:
    """What the reducer `module.append` of signoff.toml is given for this event: its arguments may name {stream},
    {idem_key}, {hash}, {payload_json}, {now_ms}, and {expected_seq}, which is 0 when the writer expects nothing.
    SubjectError when there is no such reducer."""
    call, hashing = append_call(config), config.hash
    stored = stored_form(event.payload, config.module.tables.events.payload_path)
    known: dict[str, Json] = {"payload": event.payload, "stored": stored, "stream": event.stream}
    recorded = recorded_hash_of(hashing, **known, **({"seq": expected_seq} if expected_seq else {}))
    if not recorded:
        raise SubjectError(f"the hash of {event.idem_key} cannot be computed before its seq is known")
    values: dict[str, Json] = {
        **variables,
        "stream": event.stream,
        "idem_key": event.idem_key,
        "hash": hashing.prefix + recorded,
        "payload_json": canonical_json(stored).decode(),
        "now_ms": int(time.time() * 1000),
        "expected_seq": expected_seq,
    }
    return [fill(argument, values) for argument in call.args]


def append_call(config: Config) -> CallConfig:
    """The reducer through which the harness writes. SubjectError when signoff.toml names none: who could pass without
    it is not known."""
    if config.module.append is None:
        raise SubjectError("the harness cannot append", hint="add module.append to signoff.toml")
    return config.module.append


class Appender:
    """A writer on one way to the server; each call is in the record with what came of it."""

    def __init__(
        self,
        http: HttpClient,
        database: str,
        config: Config,
        variables: Mapping[str, Json],
        record: Recorder,
    ) -> None:
        self._http, self._database, self._config = http, database, config
        self._call, self._variables, self._record = append_call(config), variables, record

    async def append(self, event: Sent, expected_seq: int = 0) -> Phase:
        """One reducer call, recorded; what came of it."""
        ours = hash_of(event.payload)
        args = append_args(self._config, self._variables, event, expected_seq)
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
