"""Appends: recorded with what they asked, and a failure is as definite as the server made it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from harness.config import Config
from harness.evidence.recorder import Recorder
from harness.history import Op
from harness.wire.http import HttpRefused, Unreachable
from harness.workload.appends import Appender
from harness.workload.traffic import Traffic

CONFIG = Config.model_validate(
    {
        "version": 1,
        "subject": {"name": "s"},
        "hash": {"prefix": "sha256:"},
        "module": {
            "wasm": "m.wasm",
            "append": {
                "reducer": "append",
                "args": ["{stream}", "{idem_key}", "{hash}", "{payload_json}", "{expected_seq}"],
            },
        },
    }
)


class Server:
    """A server's answer to a call, for this pure part."""

    def __init__(self, answer: Exception | None) -> None:
        self.answer, self.calls = answer, list[tuple[str, str, Sequence[object]]]()

    async def call(self, database: str, reducer: str, args: Sequence[object]) -> None:
        self.calls.append((database, reducer, args))
        if self.answer is not None:
            raise self.answer


def appended(answer: Exception | None, tmp_path: Path) -> tuple[str, Server, Sequence[Op]]:
    server, record = Server(answer), Recorder(tmp_path / "history.jsonl", "s")
    appender = Appender(server, "db", CONFIG, {}, record)  # type: ignore[arg-type]
    phase = asyncio.run(appender.append(Traffic(Random(1), "n").event("s"), expected_seq=7))
    return phase, server, record.history().ops


@pytest.mark.parametrize(
    ("answer", "phase"),
    [(None, "ok"), (HttpRefused("call", 530, "sequence_conflict"), "fail"), (Unreachable("no answer"), "info")],
)
def test_what_came_of_it(answer: Exception | None, phase: str, tmp_path: Path) -> None:
    said, server, (begun, done) = appended(answer, tmp_path)
    assert said == done.phase == phase
    assert (begun.phase, done.op, done.key, begun.stream) == ("invoke", begun.index, begun.key, "s")
    assert (done.status, done.error) == {
        "ok": (None, None),
        "fail": (530, "sequence_conflict"),
        "info": (None, "no answer"),
    }[phase]
    ((database, reducer, args),) = server.calls
    assert (database, reducer) == ("db", "append")
    assert args[2] == f"sha256:{begun.hash}"
    assert json.loads(str(args[3]))["signoff_key"] == begun.key
    assert args[4] == 7
