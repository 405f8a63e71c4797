"""The committed manifest is the one that the code gives, and it fits the clauses."""

from __future__ import annotations

from harness import manifest
from harness.checkers import build
from harness.evidence.requirements import load
from harness.host import ROOT


def test_the_committed_manifest_is_fresh() -> None:
    committed = (ROOT / "gates" / "manifest.json").read_bytes()
    assert committed == manifest.generate(), "run python -m harness.manifest"


def test_the_committed_defects_are_fresh() -> None:
    committed = (ROOT / "gates" / "defects.json").read_bytes()
    assert committed == manifest.generate_defects(), "run python -m harness.manifest"


def test_every_gate_of_a_clause_is_built_or_named_as_not_built() -> None:
    expected = load(ROOT / "gates")
    built = {spec.id for spec in expected.manifest}
    assert built | set(expected.not_built) == set(expected.gates)
    assert not built & set(expected.not_built), "an entry of not_built.toml whose gate exists"


def test_every_checker_can_be_built_from_its_description() -> None:
    for spec in load(ROOT / "gates").manifest:
        for part in spec.checkers:
            assert build(part.checker, part.params).invariant == part.invariant


def test_every_gate_has_floors_and_judges_its_record_and_its_paths() -> None:
    for spec in load(ROOT / "gates").manifest:
        names = {part.checker: part.params for part in spec.checkers}
        assert names["idle-run"]["floors"], spec.id
        assert "record-broken" in names, spec.id
        assert ("unproxied-path" in names) is ("lab" in spec.on), spec.id
        assert (spec.on == ("source",)) is spec.id.startswith("guards/"), spec.id
