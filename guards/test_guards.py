"""The static half of a signoff: what must be gone from the subject's source, and what its documents must say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from guards import exceptions
from guards.config import GuardsConfig, load, rules_of
from guards.documents.check import check
from guards.evidence import record_documents, record_exceptions, record_scan
from guards.hits import GUARDS, Report
from guards.rule import Rule
from guards.sarif import sarif
from guards.scan import Request, scan
from guards.tree import list_tree
from harness.checkers.contract import ContractBroken
from harness.errors import ConfigError, SubjectError
from harness.gate import Sabotage, gate
from harness.process import work_folder
from harness.scenario import Scenario
from harness.staging import AbsentSurface
from harness.verdict import Verdict

TIMEOUT_S = 120  # for a large tree on one core
MAX_COPIED_BYTES = 1_000_000_000  # of a tree that a sabotage spoils a copy of
SECOND_ENGINE_IN = "release"  # the profile in which semgrep is asked too
PLANTED = "signoff_planted.ts"
EXPIRED = """[[exception]]
id = "EX-planted"
surface = "runtime"
rule = "phoenix-frame"
paths = ["apps/runtime/planted.rs"]
created = 2020-01-01
expires = 2020-01-10
blocker = "planted"
owner = "planted"
deletion_issue = "planted"
blast_radius = "planted"
rollback = "planted"
"""


Book = Sequence[exceptions.Exception_]


@dataclass(frozen=True)
class _Tree:
    """The subject's tree, and what guards.toml says of it."""

    root: Path
    config: GuardsConfig
    rules: tuple[Rule, ...]
    folder: Path
    semgrep: bool = False

    @classmethod
    def of(cls, scene: Scenario) -> _Tree:
        given = scene.config.subject.guards
        path = scene.config.folder / given if given is not None else None
        config = load(path)
        folder, second = path.parent if path else scene.config.root, scene.chosen.profile == SECOND_ENGINE_IN
        return cls(scene.config.root, config, rules_of(config, path), folder, second)

    def scan(self) -> tuple[Report, Book, list[tuple[str, str]]]:
        """The report with live exceptions applied, all exceptions, and their faults. One process: the gates of a run
        play beside each other."""
        report = scan(Request([self.root], self.config, self.rules, jobs=1, semgrep=self.semgrep))
        book = exceptions.load(self.folder / self.config.exceptions)
        hits, faults = exceptions.applied(report.hits, book, _today(), {rule.id for rule in self.rules})
        return msgspec.structs.replace(report, hits=hits), book, faults

    def copied(self, folder: Path) -> _Tree:
        """The same tree somewhere else, to be spoilt there."""
        copied = 0
        for name in list_tree([self.root]).files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (self.root / name).is_file():
                shutil.copyfile(self.root / name, target)
                copied += target.stat().st_size
            if copied > MAX_COPIED_BYTES:
                raise SubjectError(
                    f"the tree has more than {MAX_COPIED_BYTES // 1_000_000} MB: too large to spoil a copy"
                )
        return _Tree(folder, self.config, self.rules, self.folder, self.semgrep)

    def retained_folder(self) -> str:
        """Where a planted file is in retained code."""
        return next((one for one in self.config.retained if not any(mark in one for mark in "*?[")), "")


def _today() -> date:
    return datetime.now(UTC).date()


def _scanned(scene: Scenario, guard: str) -> None:
    """One guard of the scan, its findings kept beside its history."""
    tree = _Tree.of(scene)
    report, book, _ = tree.scan()
    own = msgspec.structs.replace(report, hits=tuple(hit for hit in report.hits if hit.guard == guard))
    scene.keep("findings.json", msgspec.json.format(msgspec.json.encode(own), indent=1))
    log = sarif(own, tree.rules, version=version("signoff"), category=f"guards/{guard}")
    scene.keep("guards.sarif", json.dumps(log, indent=1).encode())
    record_scan(scene.record, report, tree.rules, guard, book)


def _planted(guard: str, text: str) -> Sabotage:
    """A file with a symbol in a copy of the very tree that was judged."""

    async def play(scene: Scenario) -> None:
        tree = _Tree.of(scene)
        folder = work_folder()
        try:
            spoilt = tree.copied(folder)
            where = folder / spoilt.retained_folder()
            (where if where.is_dir() else folder).joinpath(PLANTED).write_text(text)
            report, _, _ = spoilt.scan()
            scene.record.op("lab", "fault_on", fault=f"planted {PLANTED}")
            record_scan(scene.record, report, tree.rules, guard)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return Sabotage("planted", "I18", play)


@gate(
    "guards/legacy-symbols",
    checkers=[ContractBroken()],
    floors={"request": 100},
    sabotages=[_planted("legacy-symbols", 'const head = "phx_";\nexport const frame = `${head}join`;\n')],
    on=["source"],
    timeout_s=TIMEOUT_S,
)
async def test_legacy_symbols(scene: Scenario) -> None:
    """No retired route, frame or lane in the subject's source, in whatever pieces."""
    _scanned(scene, "legacy-symbols")


@gate(
    "guards/feature-flags",
    checkers=[ContractBroken()],
    floors={"request": 30},
    sabotages=[_planted("feature-flags", "export const useLegacySocket = true;\n")],
    on=["source"],
    timeout_s=TIMEOUT_S,
)
async def test_feature_flags(scene: Scenario) -> None:
    """No toggle that can lead traffic back to a retired lane."""
    _scanned(scene, "feature-flags")


@gate(
    "guards/naming",
    checkers=[ContractBroken()],
    floors={"request": 30},
    sabotages=[_planted("naming", "export const convexUrl = process.env.CONVEX_URL;\n")],
    on=["source"],
    timeout_s=TIMEOUT_S,
)
async def test_naming(scene: Scenario) -> None:
    """No name of a system or an alias that is gone."""
    _scanned(scene, "naming")


async def _expired(scene: Scenario) -> None:
    """One more exception, long expired and of no use."""
    tree = _Tree.of(scene)
    report, _, _ = tree.scan()
    folder = work_folder()
    try:
        path = folder / "exceptions.toml"
        path.write_text(EXPIRED)
        book = exceptions.load(path)
        _, faults = exceptions.applied(report.hits, book, _today(), {rule.id for rule in tree.rules})
        scene.record.op("lab", "fault_on", fault="an expired exception")
        record_exceptions(scene.record, len(book), faults)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@gate(
    "guards/exceptions",
    checkers=[ContractBroken()],
    floors={"request": 4},
    sabotages=[Sabotage("expired", "I18", _expired)],
    on=["source"],
    timeout_s=TIMEOUT_S,
)
async def test_exceptions(scene: Scenario) -> None:
    """Every exception is complete, live, in use and bounded; and none lets a finding of a guard stand."""
    tree = _Tree.of(scene)
    report, book, faults = tree.scan()
    record_exceptions(scene.record, len(book), faults)
    for guard in GUARDS:
        uncovered = report.verdict(guard) is Verdict.FAIL
        scene.record.expect("exceptions", f"findings of {guard} that no live exception covers", False, uncovered)


async def _broken_document(scene: Scenario) -> None:
    """A link to nowhere and a route of nobody, in a copy of a document that must be there."""
    tree = _Tree.of(scene)
    if tree.config.documents is None or not tree.config.documents.required:
        raise SubjectError("no document is required")
    folder = work_folder()
    try:
        spoilt = tree.copied(folder)
        with (folder / tree.config.documents.required[0]).open("a") as file:
            file.write("\n\n[planted](signoff-planted.md)\n")
        scene.record.op("lab", "fault_on", fault="a link to nowhere")
        record_documents(scene.record, check(folder, tree.config.documents, list_tree([folder]).files, spoilt.folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@gate(
    "guards/docs",
    checkers=[ContractBroken()],
    floors={"request": 6},
    sabotages=[Sabotage("broken-document", "I18", _broken_document)],
    on=["source"],
    timeout_s=TIMEOUT_S,
)
async def test_docs(scene: Scenario) -> None:
    """The documents agree with the contract, with each other and with what there is."""
    tree = _Tree.of(scene)
    if tree.config.documents is None:
        raise AbsentSurface("guards.toml has no [documents]: which documents must there be?")
    for path in tree.config.documents.required:
        if not path.endswith(".md"):
            raise ConfigError(f"documents.required: {path} is no Markdown document", where=str(tree.folder))
    record_documents(scene.record, check(tree.root, tree.config.documents, list_tree([tree.root]).files, tree.folder))
