"""What is wrong with a document, as a value."""

from __future__ import annotations

from typing import Literal

from harness.history import Record

Check = Literal[
    "required", "link", "anchor", "route", "variable", "command", "archive", "historical", "decision", "runbook"
]


class Fault(Record, frozen=True):
    """`line` counts from 1; 0 when it concerns the whole file. `instead` says what to do."""

    check: Check
    path: str
    line: int
    message: str
    instead: str = ""


class Judged(Record, frozen=True):
    """How much each check had to judge, so that a check of nothing is seen."""

    counts: dict[Check, int]
    faults: tuple[Fault, ...]
