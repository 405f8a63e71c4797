"""What the guards of a signoff record, so that their verdict can be judged again from the history alone.

Every rule, every canary and every document's check is one documented answer (I18): what must be, and what was found.
What keeps a guard from knowing is no answer, and raises.

    record_scan(scene.record, report, rules, "legacy-symbols")
"""

from __future__ import annotations

from collections.abc import Sequence

from guards.documents.faults import Judged
from guards.exceptions import Exception_
from guards.hits import Report
from guards.rule import Rule
from harness.errors import SubjectError
from harness.evidence.judgement import EXCEPTION
from harness.evidence.recorder import Recorder

MAX_RECORDED_HITS = 200  # of one guard; findings.json has all


def record_scan(
    record: Recorder, report: Report, rules: Sequence[Rule], guard: str, book: Sequence[Exception_] = ()
) -> None:
    """One guard of a scan, with the exceptions that it rests on. SubjectError says what keeps it from a verdict."""
    own = [rule for rule in rules if rule.guard == guard]
    kinds = {rule.kind for rule in own}
    for canary in report.canaries:
        if canary.kind in kinds and canary.right:
            what = "is found" if canary.bad else "is left alone"
            record.expect("canary", f"known-{'bad' if canary.bad else 'good'} {canary.name}", what, what)
    hits = [hit for hit in report.hits if hit.guard == guard and hit.blocks]
    for rule in own:
        count = sum(hit.rule == rule.id for hit in hits)
        record.expect("scan", f"{rule.id}: blocking sightings in {report.visited} files", 0, count)
    for hit in hits[:MAX_RECORDED_HITS]:
        found = f"{hit.symbol} in {hit.cls}: {hit.source}"
        record.expect("scan", f"{hit.path}:{hit.line}:{hit.column} ({hit.rule})", "absent", found)
    for one in book:
        count = sum(hit.guard == guard and hit.covered == one.cover for hit in report.hits)
        if count:
            what = f"{one.id} of {one.owner} until {one.expires}: {count} of {one.rule} in {one.surface}"
            record.expect(EXCEPTION, f"{what}, to be deleted by {one.deletion_issue}", "covered", "covered")
    problems = [problem for of, problem in report.problems if of in ("", guard)]
    if problems:
        raise SubjectError(f"the scan cannot decide: {'; '.join(problems[:5])}")


def record_documents(record: Recorder, judged: Judged) -> None:
    """What the documents say beside what there is."""
    for check, count in sorted(judged.counts.items()):
        wrong = sum(fault.check == check for fault in judged.faults)
        record.expect("documents", f"{check}: faults among {count} that were judged", 0, wrong)
    for fault in judged.faults[:MAX_RECORDED_HITS]:
        record.expect("documents", f"{fault.path}:{fault.line} ({fault.check})", "as there is", fault.message)


def record_exceptions(record: Recorder, count: int, faults: Sequence[tuple[str, str]]) -> None:
    """The exceptions that there are, and what does not comply."""
    record.expect("exceptions", f"faults of {count} exceptions", 0, len(faults))
    for name, what in faults[:MAX_RECORDED_HITS]:
        record.expect("exceptions", f"exception {name}", "complies", what)
