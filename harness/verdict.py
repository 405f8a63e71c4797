"""Verdicts are values with one merge.

Worst first: FAIL > UNKNOWN > MISSING > PASS. The empty merge is UNKNOWN, because nothing that was
not looked at can be good. Owns the algebra and the exit codes; leaves the reasons to findings.

    >>> merge([Verdict.PASS, Verdict.MISSING])
    <Verdict.MISSING: 'MISSING'>
    >>> merge([])
    <Verdict.UNKNOWN: 'UNKNOWN'>
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, IntEnum


class Verdict(str, Enum):
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    MISSING = "MISSING"
    PASS = "PASS"


_WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.MISSING, Verdict.PASS)


class Overall(str, Enum):
    """What a whole signoff says."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


class Exit(IntEnum):
    """Exit codes are part of the interface: design, section 4."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    UNDECIDED = 3
    LAB = 4
    EVIDENCE = 5
    INTERNAL = 70
    INTERRUPTED = 130


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; UNKNOWN when there is none."""
    seen = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in seen), Verdict.UNKNOWN)
