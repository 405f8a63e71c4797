"""Writes a History while the run goes: stamps each Op on receipt, redacts it, and keeps the bytes as written.

Every line goes to the file at once, so that a crash leaves a readable prefix. Not for threads: one
recorder belongs to one event loop.

    with Recorder(path, "sync/runtime-to-desktop") as record:
        begun = record.op("runtime", "publish", "invoke", stream="s", key="k")
        record.op("runtime", "publish", op=begun.index, seq=1)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypedDict, Unpack

import msgspec

from harness.errors import EvidenceError
from harness.evidence.redact import Redactor
from harness.history import SCHEMA, Anchor, Contract, F, History, Op, Phase, Record, encode, pack

MAX_ERROR_CHARS = 500  # an HTML error page of a subject is no finding


class OpFields(TypedDict, total=False):
    """The optional fields of an Op, as harness.history has them."""

    incarnation: int
    op: int | None
    replica: str | None
    baseline: int | None
    stream: str | None
    seq: int | None
    key: str | None
    idem_key: str | None
    hash: str | None
    cursor: int | None
    connection: str | None
    identity: str | None
    attempt: int | None
    status: int | None
    fault: str | None
    marker: str | None
    error: str | None


def note_trouble(path: Path, trouble: str) -> None:
    """What went wrong while a history was made, as its last Op; it is closed by now. A history that cannot be read
    stays as it is: that decides too."""
    try:
        history = History.parse(path.read_bytes())
    except (OSError, EvidenceError):
        return
    if history.truncated:
        return
    op = Op(len(history.ops), time.monotonic_ns(), "gate", "trouble", "info", error=trouble)
    with path.open("ab") as file:
        file.write(encode(op) + b"\n")


class Recorder:
    def __init__(self, path: Path, scenario: str, redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()
        self.listeners: list[Callable[[Op], None]] = []  # told of each Op once it is written
        self.tally: Counter[tuple[str, Phase]] = Counter()
        self._file: BinaryIO | None = None
        self.begin(path, scenario)

    def begin(self, path: Path, scenario: str) -> None:
        """End the present history and begin another: the same scene goes on under sabotage."""
        self.close()
        self.path, self._count = path, 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise EvidenceError(f"the history cannot be written: {error.strerror}", where=str(path)) from error
        self._write(Anchor(SCHEMA, scenario, time.time_ns(), time.monotonic_ns()))

    def op(self, process: str, f: F, phase: Phase = "ok", data: Record | None = None, **fields: Unpack[OpFields]) -> Op:
        """Append one Op; what was appended."""
        if (error := fields.get("error")) is not None:
            # In this order: half a token would not be known as one.
            fields["error"] = self.redactor.clean(error)[:MAX_ERROR_CHARS]
        packed = pack(data) if data is not None else msgspec.UNSET
        entry = Op(self._count, time.monotonic_ns(), process, f, phase, data=packed, **fields)
        self._count += 1
        self._write(entry)
        self.tally[f, phase] += 1
        for listener in tuple(self.listeners):
            listener(entry)
        return entry

    def expect(self, process: str, clause: str, expected: object, observed: object, status: int | None = None) -> bool:
        """Record one documented answer beside what came, both as text (I18); whether they agree."""
        same = str(expected) == str(observed)
        data = Contract(clause, str(expected), str(observed))
        self.op(process, "request", "ok" if same else "fail", data, status=status)
        return same

    def _write(self, record: Record) -> None:
        line = encode(record)
        if self._file is None:
            return  # a late event of a child that is being stopped: the history is complete
        clean = self.redactor.clean(line.decode()).encode() + b"\n"
        try:
            written = self._file.write(clean)
        except OSError as error:
            raise EvidenceError(f"the history cannot be written: {error.strerror}", where=str(self.path)) from error
        if written != len(clean):
            raise EvidenceError("the history cannot be written: the disk is full", where=str(self.path))

    def history(self) -> History:
        """What is on disk now, read back: judged is what was written."""
        return History.parse(self.path.read_bytes())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
