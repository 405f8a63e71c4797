"""A report for people: grouped by guard and rule, with the source line, and at the end what was not looked at.

print(for_people(report, rules))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from guards.hits import GUARDS, Hit, Report, by_id
from guards.rule import Rule
from harness.verdict import Verdict

SHOWN_HITS = 50  # of one rule; JSON and SARIF have all
SHOWN_SKIPPED = 8  # of one reason


def for_people(report: Report, rules: Sequence[Rule], *, every: bool = False) -> str:
    """The text of `signoff guards`. With `every`, sightings that do not block are shown too."""
    return "\n".join(_lines(report, rules, every)) + "\n"


def _lines(report: Report, rules: Sequence[Rule], every: bool) -> Iterator[str]:
    named = by_id(rules)
    for guard in GUARDS:
        hits = [hit for hit in report.hits if hit.guard == guard and (hit.blocks or every)]
        for rule, group in groupby(sorted(hits, key=lambda hit: hit.rule), key=lambda hit: hit.rule):
            yield from _rule(named[rule], list(group))
    yield from _skipped(report)
    for of, problem in report.problems:
        yield f"UNKNOWN {of or 'all guards'}: {problem}"
    wrong = sum(not canary.right for canary in report.canaries)
    yield (
        f"{report.visited} files, {report.bytes / 1e6:.1f} MB in {report.took_s:.2f} s ({report.from_cache} known from "
        f"before); {report.rules} rules; {len(report.canaries) - wrong} of {len(report.canaries)} canaries right"
    )
    for guard in GUARDS:
        yield _verdict(report, guard)


def _rule(rule: Rule, hits: list[Hit]) -> Iterator[str]:
    yield f"{rule.guard}/{rule.id} ({rule.kind}; {rule.owner})"
    yield f"  why:     {rule.reason}"
    yield f"  instead: {rule.replacement}"
    for hit in hits[:SHOWN_HITS]:
        mark = "blocks" if hit.blocks else "known" if hit.covered else "noted"
        made = f", made of {hit.how} text" if hit.how != "literal" else ""
        yield f"  {printable(hit.path)}:{hit.line}:{hit.column}: {hit.symbol}  [{hit.cls}, {mark}{made}{_by(hit)}]"
        yield f"      {printable(hit.source)}"
    if len(hits) > SHOWN_HITS:
        yield f"  and {len(hits) - SHOWN_HITS} more: --json has all"
    yield ""


def _by(hit: Hit) -> str:
    return f", {hit.covered}" if hit.covered else ""


def _skipped(report: Report) -> Iterator[str]:
    for reason, count in sorted(Counter(one.reason for one in report.skipped).items()):
        paths = [printable(one.path) for one in report.skipped if one.reason == reason]
        more = f" and {count - SHOWN_SKIPPED} more" if count > SHOWN_SKIPPED else ""
        yield f"not scanned, {reason}: {', '.join(paths[:SHOWN_SKIPPED])}{more}"


def _verdict(report: Report, guard: str) -> str:
    verdict = report.verdict(guard)
    classes = Counter(hit.cls for hit in report.hits if hit.guard == guard and not hit.blocks)
    blocking = sum(hit.blocks for hit in report.hits if hit.guard == guard)
    noted = ", ".join(f"{count} {cls}" for cls, count in sorted(classes.items()))
    what = f"{blocking} blocking" if verdict is Verdict.FAIL else "clean" if verdict is Verdict.PASS else "not decided"
    return f"{verdict.value:8}guards/{guard:16}{what}{f'; does not block: {noted}' if noted else ''}"


def printable(text: str) -> str:
    """Names of files may hold newlines and escapes of a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def workflow_commands(report: Report) -> list[str]:
    """Workflow commands of GitHub Actions, one for each blocking hit; about ten of a kind are shown there."""
    return [
        f"::error file={_escaped(hit.path, True)},line={hit.line},col={hit.column},"
        f"title={_escaped(f'{hit.guard}/{hit.rule}', True)}::{_escaped(f'{hit.symbol}: {hit.source}', False)}"
        for hit in report.hits
        if hit.blocks
    ]


def _escaped(text: str, is_property: bool) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text
