"""What a scan says: hits with their class, what was not visited, and a verdict for each guard.

Report(...).verdict("legacy-symbols")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from guards.classes import Class
from guards.rule import Rule
from guards.sighting import How
from guards.tree import Skipped
from harness.history import Record
from harness.verdict import Verdict

_Named = TypeVar("_Named", "Hit", Skipped)

GUARDS = ("legacy-symbols", "feature-flags", "naming")


class Hit(Record, frozen=True):
    """A sighting with its class. `blocks` when policy blocks its class, the path is retained and no baseline or
    exception covers it; `covered` says which one does. `engine` names the only one that saw it, when not ours did."""

    guard: str
    rule: str
    symbol: str
    path: str
    line: int
    column: int
    cls: Class
    how: How
    source: str
    value: str = ""
    blocks: bool = False
    covered: str = ""
    engine: str = ""


class CanaryResult(Record, frozen=True):
    """One known-bad or known-good file: what was expected of it, and whether it came."""

    name: str
    kind: str
    bad: bool
    right: bool
    detail: str = ""


class Fault(Record, frozen=True):
    """What does not comply with a guard that reads no source: an exception, a document. `line` 0: the whole file."""

    guard: str
    rule: str
    path: str
    line: int
    message: str
    instead: str = ""


class Report(Record, frozen=True):
    """All of one scan. `problems` are what keeps a guard from a verdict, by guard ("" concerns all of them); `notes`
    are worth knowing and change nothing. `prefix` leads from the repository to `root`; `guards` are those that were
    judged."""

    root: str
    visited: int
    bytes: int
    from_cache: int
    hits: tuple[Hit, ...]
    skipped: tuple[Skipped, ...]
    canaries: tuple[CanaryResult, ...]
    problems: tuple[tuple[str, str], ...]
    engines: tuple[str, ...]
    took_s: float
    git: bool = False
    rules: int = 0
    prefix: str = ""
    notes: tuple[str, ...] = ()
    guards: tuple[str, ...] = GUARDS
    faults: tuple[Fault, ...] = ()

    def verdict(self, guard: str) -> Verdict:
        """FAIL with a blocking hit or a fault, UNKNOWN when something kept it from knowing, MISSING when it was not
        judged, else PASS."""
        if guard not in self.guards:
            return Verdict.MISSING
        if any(hit.blocks and hit.guard == guard for hit in self.hits):
            return Verdict.FAIL
        if any(fault.guard == guard for fault in self.faults):
            return Verdict.FAIL
        if any(of in ("", guard) for of, _ in self.problems):
            return Verdict.UNKNOWN
        return Verdict.PASS


def by_id(rules: Sequence[Rule]) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


def shown(one: _Named) -> _Named:
    """The same with its path as text: names of files are bytes, and need not be UTF-8."""
    path = one.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return one if path == one.path else msgspec.structs.replace(one, path=path)
