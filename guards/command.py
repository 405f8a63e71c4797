"""What `signoff guards` does, once its words are parsed. Returns exit codes; raises SignoffError for the rest."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from guards import baseline, exceptions
from guards.config import find, load, rules_of
from guards.hits import Fault, Report
from guards.progress import Ticker
from guards.report import for_people, workflow_commands
from guards.rule import Rule
from guards.sarif import sarif
from guards.scan import Request, scan
from guards.tree import list_tree, repository_of
from harness.errors import UserError
from harness.history import Record
from harness.lab.components import cache_root
from harness.process import WORK_PREFIX
from harness.verdict import Exit, Verdict, merge

SCHEMA_VERSION = 1  # of what --json prints


@dataclass(frozen=True)
class Asked:
    paths: list[Path]
    config: Path | None = None
    baseline: str = ""
    sarif: Path | None = None
    as_json: bool = False
    annotate: bool = False
    explain: bool = False
    every: bool = False
    cached: bool = True
    jobs: int = 0
    semgrep: bool = False


class Told(Record, frozen=True):
    """What --json prints."""

    schema_version: int
    verdicts: dict[str, Verdict]
    exit_code: int
    report: Report


def guards_command(asked: Asked) -> int:
    """Scan, tell, and decide: 0 clean, 1 something blocks, 3 not decided."""
    if asked.as_json and asked.explain:
        raise UserError("--explain prints text, and --json asks for JSON only", hint="give one of them")
    paths = asked.paths or [Path()]
    first = paths[0].resolve()
    path = asked.config or find(first if first.is_dir() else first.parent)
    config, folder = load(path), path.resolve().parent if path else None
    rules = rules_of(config, path)
    root = folder if folder and first.is_relative_to(folder) else repository_of(first) if first.exists() else None
    cache = cache_root() / "guards" if asked.cached else None
    request = Request(paths, config, rules, cache, asked.jobs, root, asked.semgrep)
    with Ticker(sys.stderr) as told:
        report = scan(request, told)
        if asked.baseline:
            report = _against(report, request, asked.baseline)
    report = _excepted(report, (folder or Path(report.root)) / config.exceptions, rules)
    report = _documented(report, request, folder)
    _tell(asked, report, rules)
    return _exit_code(report)


def _tell(asked: Asked, report: Report, rules: tuple[Rule, ...]) -> None:
    if asked.sarif is not None:
        log = sarif(report, rules, version=version("signoff"), every=asked.every)
        _write(asked.sarif, json.dumps(log, indent=1).encode())
    if asked.as_json:
        verdicts = {guard: report.verdict(guard) for guard in report.guards}
        told = Told(SCHEMA_VERSION, verdicts, _exit_code(report), report)
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")
    else:
        print(for_people(report, rules, every=asked.every), end="")
    if asked.annotate:  # a runner reads them from both streams
        for line in workflow_commands(report):
            print(line, file=sys.stderr if asked.as_json else sys.stdout)
    if asked.explain:
        for stub in exceptions.stubs(report.hits, _today()):
            print(f"\n{stub}", end="")


def _exit_code(report: Report) -> int:
    verdict = merge(report.verdict(guard) for guard in report.guards)
    return {Verdict.PASS: Exit.OK, Verdict.FAIL: Exit.GATE_FAILED}.get(verdict, Exit.UNDECIDED)


def _against(report: Report, request: Request, revision: str) -> Report:
    """The report with what the revision had already marked as known."""
    if not report.git:
        raise UserError("a baseline needs a git repository", where=report.root)
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX) as work:
        commit = baseline.checkout(Path(report.root), revision, Path(work))
        tree = Path(work) / report.prefix
        if not tree.is_dir():
            return report  # all of it is new
        config = request.config.model_copy(update={"retained": ()})
        before = scan(replace(request, paths=[tree], root=tree, config=config))
    return msgspec.structs.replace(report, hits=baseline.covered(report.hits, before.hits, commit))


def _excepted(report: Report, path: Path, rules: tuple[Rule, ...]) -> Report:
    """The report with what live exceptions cover, and the faults of the exceptions."""
    book = exceptions.load(path)
    hits, faulty = exceptions.applied(report.hits, book, _today(), {rule.id for rule in rules})
    name = os.path.relpath(path, report.root)
    lines = path.read_text(encoding="utf-8").splitlines() if book else []
    faults = [
        Fault("exceptions", "compliance", name, _line_of(f'"{who}"', lines), f"exception {who}: {what}")
        for who, what in faulty
    ]
    return _with(report, "exceptions", faults, hits=hits)


def _line_of(text: str, lines: list[str]) -> int:
    return next((number for number, line in enumerate(lines, 1) if text in line), 0)


def _documented(report: Report, request: Request, folder: Path | None) -> Report:
    """The report with the faults of the documents, which are judged when the whole tree is."""
    root, config = Path(report.root), request.config.documents
    if config is None or all(path.resolve() != root for path in request.paths):
        return report
    from guards.documents.check import check

    judged = check(root, config, list_tree([root]).files, folder)
    faults = [Fault("docs", one.check, one.path, one.line, one.message, one.instead) for one in judged.faults]
    return _with(report, "docs", faults)


def _with(report: Report, guard: str, faults: list[Fault], **changes: object) -> Report:
    guards, every = (*report.guards, guard), (*report.faults, *faults)
    return msgspec.structs.replace(report, guards=guards, faults=every, **changes)


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _today() -> date:
    return datetime.now(UTC).date()
