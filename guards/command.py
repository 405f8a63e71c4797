"""What `signoff guards` does, once its words are parsed. Returns exit codes; raises SignoffError for the rest."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from guards import baseline, exceptions
from guards.config import find, load, rules_of
from guards.hits import GUARDS, Report
from guards.report import for_people, workflow_commands
from guards.sarif import sarif
from guards.scan import Request, scan
from harness.errors import UserError
from harness.lab.components import cache_root
from harness.process import WORK_PREFIX
from harness.verdict import Exit, Verdict


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


def guards_command(asked: Asked) -> int:
    """Scan, tell, and decide: 0 clean, 1 something blocks, 3 not decided."""
    paths = asked.paths or [Path()]
    path = asked.config or find((paths[0] if paths[0].is_dir() else paths[0].parent).resolve())
    config = load(path)
    rules = rules_of(config, path)
    request = Request(paths, config, rules, cache_root() / "guards" if asked.cached else None, asked.jobs)
    report = scan(request)
    if asked.baseline:
        report = _against(report, request, asked.baseline)
    folder = path.parent if path else Path(report.root)
    book = exceptions.load(folder / config.exceptions)
    hits, faults = exceptions.applied(report.hits, book, _today(), {rule.id for rule in rules})
    report = msgspec.structs.replace(report, hits=hits)
    if asked.sarif is not None:
        _write(asked.sarif, json.dumps(sarif(report, rules, version=version("signoff")), indent=1).encode())
    if asked.as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    else:
        print(for_people(report, rules, every=asked.every), end="")
        for name, what in faults:
            print(f"  exception {name}: {what}")
        print(f"{'FAIL' if faults else 'PASS':8}guards/exceptions      {len(faults)} faults")
    if asked.annotate:
        print("\n".join(workflow_commands(report)))
    if asked.explain:
        print(
            "\n".join(
                exceptions.stub(hit, _today()) for hit in {hit.rule: hit for hit in report.hits if hit.blocks}.values()
            )
        )
    return _exit_code(report, bool(faults))


def _exit_code(report: Report, faulty: bool) -> int:
    verdicts = {report.verdict(guard) for guard in GUARDS}
    if faulty or Verdict.FAIL in verdicts:
        return Exit.GATE_FAILED
    return Exit.UNDECIDED if verdicts != {Verdict.PASS} else Exit.OK


def _against(report: Report, request: Request, revision: str) -> Report:
    """The report with what the revision had already marked as known."""
    if not report.git:
        raise UserError("a baseline needs a git repository", where=report.root)
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX) as work:
        folder = Path(work) / "tree"
        commit = baseline.checkout(Path(report.root), revision, folder)
        before = scan(replace(request, paths=[folder], config=request.config.model_copy(update={"retained": ()})))
    return msgspec.structs.replace(report, hits=baseline.covered(report.hits, before.hits, commit))


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _today() -> date:
    return datetime.now(UTC).date()
