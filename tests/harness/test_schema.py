"""The generated documents are fresh, and the schema tells a signoff from what is none."""

from __future__ import annotations

import copy
import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from harness import schema
from harness.checkers.base import CheckResult, Finding
from harness.errors import HarnessError
from harness.evidence.bundle import pretty
from harness.evidence.judgement import Falsification
from harness.evidence.requirements import load
from harness.evidence.signoff import (
    NOT_ESTABLISHED,
    SCHEMA_VERSION,
    GateResult,
    LabSeen,
    ModuleSeen,
    ProgramSeen,
    Selection,
    Signoff,
    SubjectSeen,
    SurfaceSeen,
    TreeState,
    classes_of,
    invariants_of,
    requirements_of,
)
from harness.host import ROOT
from harness.meanings import MEANING
from harness.verdict import Overall, Verdict

VALIDATOR = Draft202012Validator(schema.schema())


@pytest.fixture
def written() -> Any:
    """signoff.json with something of everything, through its bytes."""
    found = Finding("I1", "event k-1 is absent", (4, 63))
    check = CheckResult("lost-write", "I1", Verdict.FAIL, 30, (found,), 1, params={"streams": ["s"], "limit": 3})
    proof = Falsification("judge", "lost-write", "drop", "I1", "red")
    gate = GateResult("runtime/publish-real", Verdict.FAIL, 1.5, ("S-01",), {"publish": 30}, {"publish": 30},
                      (check,), (proof,), ("I1 lost-write",), {"lab": 700.5}, repeat="signoff run")  # fmt: skip
    program = ProgramSeen("1.2.0", "ab" * 32, "build")
    signoff = Signoff(
        schema_version=SCHEMA_VERSION,
        run_id="20261120T210604Z-fa1fbc-1",
        started_at="2026-11-20T21:06:03Z",
        finished_at="2026-11-20T21:06:30Z",
        release="",
        profile="smoke",
        seed=1,
        verdict=Overall.NO_GO,
        exit_code=1,
        selection=Selection(only=("runtime/",)),
        subject=SubjectSeen("s", TreeState("", True), (SurfaceSeen("runtime", ("run", "it")),)),
        lab=LabSeen("build", program, program, ModuleSeen("ab" * 32, "cd" * 32)),
        gates=(gate,),
        requirements=requirements_of(load(ROOT / "gates"), (gate,)),
        invariants_map=invariants_of((gate,)),
        evidence_classes=classes_of((gate,)),
        not_established=NOT_ESTABLISHED,
    )
    return json.loads(pretty(signoff))


def test_the_committed_schema_is_fresh() -> None:
    assert schema.SCHEMA_PATH.read_bytes() == schema.generate(), "run python -m harness.schema"


def test_the_schema_is_one_and_names_itself() -> None:
    Draft202012Validator.check_schema(schema.schema())
    head = json.loads(schema.generate())
    assert head["$id"].startswith("urn:")
    assert head["title"] and head["description"] and head["$schema"] == schema.DIALECT


def test_a_signoff_validates(written: Any) -> None:
    VALIDATOR.validate(written)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verdict", "MAYBE"),
        ("seed", "1"),
        ("profile", "quick"),
        ("gates", [{"id": "runtime/publish-real"}]),
        ("gates", {}),
        ("stranger", 1),
        ("lab", {"provider": "build"}),
    ],
)
def test_a_broken_signoff_does_not(written: Any, key: str, value: object) -> None:
    broken = {**copy.deepcopy(written), key: value}
    with pytest.raises(ValidationError):
        VALIDATOR.validate(broken)


@pytest.mark.parametrize("key", ["schema_version", "verdict", "gates", "subject", "not_established"])
def test_a_signoff_that_lacks_a_key_does_not(written: Any, key: str) -> None:
    del written[key]
    with pytest.raises(ValidationError):
        VALIDATOR.validate(written)


def test_the_key_tables_are_fresh() -> None:
    text = schema.CONFIGURATION_PATH.read_text()
    assert text == schema.with_tables(text), "run python -m harness.schema"


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(HarnessError):
        schema.with_tables("# no markers")


def test_every_key_of_every_table_is_told() -> None:
    """A key without a meaning is an error; a meaning without a key is stale."""
    told = schema.key_tables()
    for keys in MEANING.values():
        for key, meaning in keys.items():
            assert f"| `{key}` |" in told, key
            assert meaning in told, key


def test_the_schema_for_editors_is_fresh_and_one() -> None:
    assert schema.EDITOR_SCHEMA_PATH.read_bytes() == schema.generate_editor_schema(), "run python -m harness.schema"
    Draft202012Validator.check_schema(schema.editor_schema())


def test_the_schema_for_editors_tells_what_each_key_is_for() -> None:
    found = schema.editor_schema()
    tables = {name: part for name, part in found["$defs"].items() if "properties" in part}
    assert len(tables) > 10
    for name, part in tables.items():
        for key, field in part["properties"].items():
            assert field.get("description") or "$ref" in str(field), f"{name}.{key}"


def test_the_schema_for_editors_takes_the_reference_subject_and_no_other_key() -> None:
    validator = Draft202012Validator(schema.editor_schema())
    subject = tomllib.loads((ROOT / "fixtures" / "reference" / "signoff.toml").read_text())
    validator.validate(subject)
    with pytest.raises(ValidationError):
        validator.validate({**subject, "contol": {}})
