"""What the guards of a signoff record: documented answers, and the exceptions that a gate rests on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from guards import exceptions
from guards.config import GuardsConfig
from guards.evidence import record_scan
from guards.rule import RULES, load
from guards.scan import Request, scan
from harness.errors import SubjectError
from harness.evidence.judgement import exceptions_of
from harness.evidence.recorder import Recorder
from harness.history import Contract, History, unpack

RULES_OF_OURS = load(RULES)
TODAY = date(2026, 11, 21)
BOOK = """[[exception]]
id = "EX-1"
surface = "web"
rule = "phoenix-frame"
paths = ["apps/web/a.ts"]
created = 2026-11-20
expires = 2026-11-30
blocker = "b"
owner = "ada"
deletion_issue = "OPS-17"
blast_radius = "r"
rollback = "r"
"""


def recorded(tmp_path: Path, guard: str, **changes: object) -> History:
    tree = tmp_path / "tree"
    (tree / "apps" / "web").mkdir(parents=True)
    (tree / "apps" / "web" / "a.ts").write_text("send('phx_' + 'join');\n")
    (tmp_path / "exceptions.toml").write_text(BOOK)
    config = GuardsConfig.model_validate({"version": 1, **changes})
    report = scan(Request([tree], config, RULES_OF_OURS, jobs=1))
    book = exceptions.load(tmp_path / "exceptions.toml")
    hits, _ = exceptions.applied(report.hits, book, TODAY, {rule.id for rule in RULES_OF_OURS})
    with Recorder(tmp_path / "history.jsonl", "s") as record:
        record_scan(record, msgspec.structs.replace(report, hits=hits), RULES_OF_OURS, guard, book)
        return record.history()


def test_a_gate_says_on_which_exceptions_it_rests(tmp_path: Path) -> None:
    history = recorded(tmp_path, "legacy-symbols")
    assert all(op.phase == "ok" for op in history.of("request"))
    told = ("EX-1 of ada until 2026-11-30: 1 of phoenix-frame in web, to be deleted by OPS-17",)
    assert exceptions_of(history) == told


def test_another_gate_does_not(tmp_path: Path) -> None:
    history = recorded(tmp_path, "naming")
    assert exceptions_of(history) == ()
    clauses = [unpack(op, Contract).clause for op in history.of("request")]
    assert any(clause.startswith("convex-naming: blocking sightings in 1 files") for clause in clauses)
    assert sum("known-bad" in clause for clause in clauses) >= 17


def test_what_keeps_it_from_knowing_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="the floor is 99"):
        recorded(tmp_path, "naming", floor=99)
