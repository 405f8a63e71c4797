"""The checkers: pure functions `History -> CheckResult`, one for each named invariant.

Owns the registry, so that a committed manifest and an offline verifier name the same checker with the
same parameters; leaves the judging to the modules, and the table of invariants to the design
(section 5). Modules: writes I1, replicas I2 I3, cursors I4, hashes I5, order I6, stale I7, tokens I8,
retries I9, presence I10, convergence I11, windows I12, coverage I13, metrics I14, record I15, paths I16,
legacy I17, contract I18.

    checker = build("token-misuse", {"leeway_s": 60})
    told = describe(checker)  # {"checker": "token-misuse", "invariant": "I8", "params": {...}}
    build(told["checker"], told["params"]) == checker  # also when it went through JSON
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import msgspec

from harness.checkers.base import Checker
from harness.checkers.contract import ContractBroken
from harness.checkers.convergence import NoConvergence
from harness.checkers.coverage import IdleRun
from harness.checkers.cursors import CursorAhead
from harness.checkers.hashes import HashMismatch
from harness.checkers.legacy import LegacyLane
from harness.checkers.metrics import MetricsLie
from harness.checkers.order import InconsistentOffset
from harness.checkers.paths import UnproxiedPath
from harness.checkers.presence import PresenceDrift
from harness.checkers.record import RecordBroken
from harness.checkers.replicas import DuplicateApply, GapOrReorder
from harness.checkers.retries import RetryStorm
from harness.checkers.stale import StaleCursorIgnored
from harness.checkers.tokens import TokenMisuse
from harness.checkers.windows import FaultWithoutEffect
from harness.checkers.writes import LostWrite
from harness.errors import EvidenceError

_ALL: tuple[type[Checker], ...] = (
    LostWrite,
    DuplicateApply,
    GapOrReorder,
    CursorAhead,
    HashMismatch,
    InconsistentOffset,
    StaleCursorIgnored,
    TokenMisuse,
    RetryStorm,
    PresenceDrift,
    NoConvergence,
    FaultWithoutEffect,
    IdleRun,
    MetricsLie,
    RecordBroken,
    UnproxiedPath,
    LegacyLane,
    ContractBroken,
)

REGISTRY: Mapping[str, type[Checker]] = {checker.name: checker for checker in _ALL}
"""Checker name -> class, in the order of the invariants."""


class Described(TypedDict):
    """A checker as it stands in a manifest: JSON's own types only."""

    checker: str
    invariant: str
    params: dict[str, object]


def build(name: str, params: Mapping[str, object]) -> Checker:
    """The checker of this name with these parameters (those left out have their defaults);
    EvidenceError names the checker or the parameter that is not known, or is of a wrong type."""
    kind = REGISTRY.get(name)
    if kind is None:
        raise EvidenceError(f"unknown checker {name!r}", hint=f"known ones: {', '.join(REGISTRY)}")
    try:
        return msgspec.convert(dict(params), kind)
    except msgspec.ValidationError as error:
        raise EvidenceError(f"checker {name}: {error}", hint=f"parameters: {_parameters(kind)}") from error


def describe(checker: Checker) -> Described:
    """Name, invariant and all parameters, defaults included: a default that changes is then seen."""
    params: dict[str, object] = {
        field: msgspec.to_builtins(_plain(getattr(checker, field))) for field in checker.__struct_fields__
    }
    return Described(checker=checker.name, invariant=checker.invariant, params=params)


def _plain(value: object) -> object:
    """Tuples as lists, as JSON would give them back."""
    return list(value) if isinstance(value, tuple) else value


def _parameters(kind: type[Checker]) -> str:
    return ", ".join(kind.__struct_fields__) or "none"
