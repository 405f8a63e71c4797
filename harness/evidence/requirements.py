"""What a signoff is judged against: the clauses of gates/requirements.toml, the gates that decide them,
gates/not_built.toml, the only gates that may be MISSING without exit 3, and gates/defects.json, the known bugs that
gates must see.

    expected = load(root / "gates")
    expected.gates        # every gate id that some clause names
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from harness.errors import EvidenceError, HarnessError
from harness.evidence.defects import Defect
from harness.evidence.judgement import GateSpec
from harness.history import Record


class Requirement(Record, frozen=True):
    """One clause of a seed document. `wave` is the wave of work in which it is due."""

    id: str
    seed: str
    clause: str
    wave: int
    text: str
    gates: tuple[str, ...]


class Expected(Record, frozen=True):
    """The whole matrix. `not_built` maps a gate to the reason why it is not there yet."""

    requirements: tuple[Requirement, ...]
    not_built: dict[str, str]
    manifest: tuple[GateSpec, ...]
    defects: tuple[Defect, ...] = ()

    @property
    def gates(self) -> tuple[str, ...]:
        """Every gate that a clause names, once, in the order of the clauses."""
        return tuple(dict.fromkeys(gate for requirement in self.requirements for gate in requirement.gates))

    def clauses_of(self, gate: str) -> tuple[Requirement, ...]:
        return tuple(requirement for requirement in self.requirements if gate in requirement.gates)

    def of_gate(self, gate: str) -> tuple[str, ...]:
        return tuple(requirement.id for requirement in self.clauses_of(gate))


class _RequirementsFile(msgspec.Struct, forbid_unknown_fields=True):
    requirement: tuple[Requirement, ...]


class _NotBuiltFile(msgspec.Struct, forbid_unknown_fields=True):
    not_built: dict[str, str]


def load(folder: Path) -> Expected:
    """From the four files of `gates/`. HarnessError when they contradict each other."""
    try:
        requirements = msgspec.convert(tomllib.loads((folder / "requirements.toml").read_text()), _RequirementsFile)
        missing = msgspec.convert(tomllib.loads((folder / "not_built.toml").read_text()), _NotBuiltFile)
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=tuple[GateSpec, ...])
        defects = msgspec.json.decode((folder / "defects.json").read_bytes(), type=tuple[Defect, ...])
    except (OSError, tomllib.TOMLDecodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise EvidenceError(f"cannot read what a signoff is judged against: {error}", where=str(folder)) from error
    expected = Expected(requirements.requirement, missing.not_built, manifest, defects)
    unknown = sorted(set(expected.not_built) - set(expected.gates))
    if unknown:
        raise HarnessError(f"not_built.toml names gates that no clause names: {unknown}")
    strangers = sorted({defect.gate for defect in defects} - {spec.id for spec in manifest})
    if strangers or not defects:
        raise HarnessError(f"defects.json names no known bug, or gates that are not in the manifest: {strangers}")
    return expected
