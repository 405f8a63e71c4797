"""SARIF 2.1.0 as GitHub's code scanning takes it: every result with a file, a region and a stable fingerprint.

sarif(report, rules, category="signoff-guards")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from blake3 import blake3

from guards.hits import Hit, Report
from guards.rule import Rule

MAX_RESULTS = 5_000  # GitHub refuses files of more than 10 MB gzipped and shows the first 5,000 results of a run
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: Report, rules: Sequence[Rule], *, version: str, category: str = "signoff-guards") -> dict[str, Any]:
    """The log as a value. What does not block is a note; what an exception or a baseline covers is suppressed."""
    index = {rule.id: number for number, rule in enumerate(rules)}
    hits = sorted(report.hits, key=lambda hit: not hit.blocks)
    driver = {"name": "signoff", "version": version, "informationUri": "https://pypi.org/project/signoff/",
              "rules": [_rule(rule) for rule in rules]}  # fmt: skip
    notes = [_note(problem) for _, problem in report.problems]
    if len(hits) > MAX_RESULTS:
        notes.append(_note(f"{len(hits) - MAX_RESULTS} further results are left out; the JSON report has all"))
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{category}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "the root of the scanned tree"}}},
        "invocations": [{"executionSuccessful": not report.problems, "toolExecutionNotifications": notes}],
        "results": [_result(hit, index[hit.rule]) for hit in hits[:MAX_RESULTS]],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": f"{rule.guard}/{rule.id}",
        "shortDescription": {"text": rule.reason},
        "fullDescription": {"text": f"{rule.reason}. Instead: {rule.replacement}. Source: {rule.source}"},
        "help": {"text": f"Use {rule.replacement}. Owner: {rule.owner}."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": [rule.guard, rule.kind], "owner": rule.owner},
    }


def _note(text: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": text}}


def _result(hit: Hit, index: int) -> dict[str, Any]:
    made = f" (put together: {hit.value})" if hit.how != "literal" else ""
    found: dict[str, Any] = {
        "ruleId": f"{hit.guard}/{hit.rule}",
        "ruleIndex": index,
        "level": "error" if hit.blocks else "note",
        "message": {"text": f"{hit.symbol}{made} in {hit.cls}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(hit.path), "uriBaseId": "ROOT"},
                    "region": {"startLine": hit.line, "startColumn": hit.column, "snippet": {"text": hit.source}},
                }
            }
        ],
        "partialFingerprints": {"signoffHit/v1": fingerprint(hit)},
    }
    if hit.covered:
        found["suppressions"] = [{"kind": "external", "justification": hit.covered}]
    return found


def fingerprint(hit: Hit) -> str:
    """The same for the same finding after lines were added above it."""
    return blake3("\0".join((hit.rule, hit.path, hit.symbol.lower(), hit.source)).encode()).hexdigest(16)
