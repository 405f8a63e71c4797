"""A report for people: grouped by guard and rule, with the source line, then what was not looked at, and the verdicts.

print(for_people(report, rules))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from guards.hits import Fault, Hit, Report, by_id
from guards.rule import Rule
from harness.verdict import Verdict, merge

SHOWN_HITS = 50  # of one rule; JSON and SARIF have all
SHOWN_SKIPPED = 5  # of one reason
SHOWN_ANNOTATIONS = 10  # GitHub shows about ten of a kind and step

_CLASSES = {
    "code": "code", "string": "a string", "test": "a test", "documentation": "a document",
    "generated": "generated code", "comment": "a comment", "absence-test": "a test of its absence",
    "retirement-note": "a retirement note", "archived": "an archived document", "fixture": "a fixture",
}  # fmt: skip
_SCANNED = ("no UTF-8", "not parsed whole", "not seen whole by semgrep")
_MADE = {"literal": "", "folded": ", put together by the code", "constant": ", through a constant of another file"}


def for_people(report: Report, rules: Sequence[Rule], *, every: bool = False) -> str:
    """The text of `signoff guards`. With `every`, sightings that do not block are shown too."""
    return "\n".join(_lines(report, rules, every)) + "\n"


def _lines(report: Report, rules: Sequence[Rule], every: bool) -> Iterator[str]:
    named = by_id(rules)
    for guard in report.guards:
        hits = [hit for hit in report.hits if hit.guard == guard and (hit.blocks or every)]
        for rule, group in groupby(sorted(hits, key=lambda hit: hit.rule), key=lambda hit: hit.rule):
            yield from _rule(named[rule], list(group))
        yield from _faults([fault for fault in report.faults if fault.guard == guard], guard)
    yield from _skipped(report)
    yield from (f"note: {note}" for note in report.notes)
    for of, problem in report.problems:
        yield f"not decided, {of or 'all guards'}: {printable(problem)}"
    right = sum(canary.right for canary in report.canaries)
    known = f"{report.from_cache} unchanged since they were scanned"
    yield (
        f"{report.visited} files, {report.bytes / 1e6:.1f} MB in {report.took_s:.2f} s ({known}); "
        f"{report.rules} rules; {right} of {len(report.canaries)} canaries right; {', '.join(report.engines)}"
    )
    for guard in report.guards:
        yield _verdict(report, guard)
    yield _last(report)


def _rule(rule: Rule, hits: list[Hit]) -> Iterator[str]:
    yield f"{rule.guard}/{rule.id} ({rule.kind}; {rule.owner})"
    yield f"  why:     {rule.reason}"
    yield f"  instead: {rule.replacement}"
    for hit in hits[:SHOWN_HITS]:
        yield f"  {_place(hit)}: {printable(hit.symbol)} in {_CLASSES[hit.cls]}{_MADE[hit.how]}{_standing(hit)}"
        yield f"      {printable(hit.source)}"
    if len(hits) > SHOWN_HITS:
        yield f"  and {len(hits) - SHOWN_HITS} more: --json has all"
    yield ""


def _place(hit: Hit) -> str:
    return f"{printable(hit.path)}:{hit.line}:{hit.column}"


def _standing(hit: Hit) -> str:
    """Why it does not block, and who else saw it."""
    seen = f" (seen by {hit.engine} only)" if hit.engine else ""
    return seen if hit.blocks else f"{seen} [does not block{f': {hit.covered}' if hit.covered else ''}]"


def _faults(faults: Sequence[Fault], guard: str) -> Iterator[str]:
    if not faults:
        return
    yield f"{guard}"
    for fault in faults:
        place = f"{printable(fault.path)}{f':{fault.line}' if fault.line else ''}"
        yield f"  {place}: {printable(fault.message)}"
        if fault.instead:
            yield f"      instead: {printable(fault.instead)}"
    yield ""


def _skipped(report: Report) -> Iterator[str]:
    for reason, count in sorted(Counter(one.reason for one in report.skipped).items()):
        paths = [printable(one.path) for one in report.skipped if one.reason == reason]
        more = f" and {count - SHOWN_SKIPPED} more" if count > SHOWN_SKIPPED else ""
        how = "scanned all the same" if reason in _SCANNED else "not scanned"
        yield f"{how}, {reason}: {', '.join(paths[:SHOWN_SKIPPED])}{more}"


def _verdict(report: Report, guard: str) -> str:
    verdict = report.verdict(guard)
    hits = [hit for hit in report.hits if hit.guard == guard]
    covered = sum(bool(hit.covered) for hit in hits)
    classes = Counter(hit.cls for hit in hits if not hit.blocks and not hit.covered)
    blocking = sum(hit.blocks for hit in hits) + sum(fault.guard == guard for fault in report.faults)
    what = {Verdict.FAIL: f"{blocking} to mend", Verdict.PASS: "clean"}.get(verdict, "not decided")
    known = f"; {covered} known or excepted" if covered else ""
    noted = ", ".join(f"{count} {cls}" for cls, count in sorted(classes.items()))
    return f"{verdict.value:8}guards/{guard:16}{what}{known}{f'; does not block: {noted}' if noted else ''}"


def _last(report: Report) -> str:
    places = [hit.path for hit in report.hits if hit.blocks] + [fault.path for fault in report.faults]
    covered = sum(bool(hit.covered) for hit in report.hits)
    files = len(set(places))
    counts = [f"{len(places)} to mend in {files} file{'s' if files > 1 else ''}"] if places else []
    counts += [f"{len(report.problems)} not decided"] if report.problems else []
    counts += [f"{covered} known or excepted"] if covered else []
    verdict = merge(report.verdict(guard) for guard in report.guards)
    advice = "; mend it, or ask for an exception: signoff guards --explain" if places else ""
    said = ", ".join(counts)
    return f"VERDICT {verdict.value}{': ' if said else ''}{said}{advice}"


def printable(text: str) -> str:
    """Names of files may hold newlines and escapes of a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def workflow_commands(report: Report) -> list[str]:
    """Workflow commands of GitHub Actions: what blocks, then what keeps the guards from a verdict."""
    found = [
        _command(report.prefix + hit.path, hit.line, f"{hit.guard}/{hit.rule}", f"{hit.symbol}: {hit.source}")
        for hit in report.hits
        if hit.blocks
    ]
    found += [
        _command(report.prefix + fault.path, max(1, fault.line), f"{fault.guard}/{fault.rule}", fault.message)
        for fault in report.faults
    ]
    found += [f"::error title=not decided::{_escaped(problem, False)}" for _, problem in report.problems]
    if len(found) > SHOWN_ANNOTATIONS:
        rest = len(found) - SHOWN_ANNOTATIONS + 1
        found[SHOWN_ANNOTATIONS - 1 :] = [f"::error title=signoff guards::and {rest} more: see the log"]
    return found


def _command(path: str, line: int, title: str, message: str) -> str:
    return f"::error file={_escaped(path, True)},line={line},title={_escaped(title, True)}::{_escaped(message, False)}"


def _escaped(text: str, is_property: bool) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text
