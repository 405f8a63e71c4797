"""SARIF 2.1.0 as GitHub's code scanning takes it: every result with a file, a region and a stable fingerprint.

sarif(report, rules, version="0.1.0")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from blake3 import blake3

from guards.hits import Fault, Hit, Report
from guards.rule import Rule

MAX_RESULTS = 5_000  # GitHub refuses files of more than 10 MB gzipped and shows the first 5,000 results of a run
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
Json = dict[str, Any]


def sarif(
    report: Report, rules: Sequence[Rule], *, version: str, category: str = "signoff-guards", every: bool = False
) -> Json:
    """The log as a value. What an exception or a baseline covers is suppressed; what does not block in any case is left
    out, or with `every` a note."""
    hits = sorted((hit for hit in report.hits if every or hit.blocks or hit.covered), key=lambda hit: not hit.blocks)
    faulty = sorted({(fault.guard, fault.rule) for fault in report.faults})
    described = [*map(_rule, rules), *(_fault_rule(guard, rule) for guard, rule in faulty)]
    index = {rule["id"]: number for number, rule in enumerate(described)}
    results = [*map(_fault, report.faults), *map(_hit, hits)]
    notes = [_note(problem) for _, problem in report.problems]
    if len(results) > MAX_RESULTS:
        notes.append(_note(f"{len(results) - MAX_RESULTS} further results are left out; the JSON report has all"))
    run = {
        "tool": {"driver": {"name": "signoff", "version": version, "rules": described}},
        "automationDetails": {"id": f"{category}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the root of the repository"}}},
        "invocations": [{"executionSuccessful": not report.problems, "toolExecutionNotifications": notes}],
        "results": _placed(results[:MAX_RESULTS], index, report.prefix),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> Json:
    return {
        "id": f"{rule.guard}/{rule.id}",
        "shortDescription": {"text": rule.reason},
        "fullDescription": {"text": f"{rule.reason}. Instead: {rule.replacement}. Source: {rule.source}"},
        "help": {"text": f"Use {rule.replacement}. Owner: {rule.owner}."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": [rule.guard, rule.kind], "owner": rule.owner},
    }


def _fault_rule(guard: str, rule: str) -> Json:
    text = f"{guard}: {rule} does not comply"
    return {
        "id": f"{guard}/{rule}",
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": "See docs/guards.md."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": [guard]},
    }


def _note(text: str) -> Json:
    return {"level": "error", "message": {"text": text}}


def _hit(hit: Hit) -> Json:
    made = f" (put together: {hit.value})" if hit.how != "literal" else ""
    region: Json = {"startLine": hit.line, "startColumn": hit.column}
    if hit.how == "literal" and "\n" not in hit.symbol:
        region["endColumn"] = hit.column + len(hit.symbol)
    found: Json = {
        "ruleId": f"{hit.guard}/{hit.rule}",
        "level": "error" if hit.blocks or hit.covered else "note",
        "message": {"text": f"{hit.symbol}{made} in {hit.cls}"},
        "locations": [_location(hit.path, region | {"snippet": {"text": hit.source}})],
        "partialFingerprints": {"signoffHit/v1": fingerprint(hit)},
    }
    if hit.covered:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": hit.covered}]
    return found


def _fault(fault: Fault) -> Json:
    mark = blake3("\0".join((fault.guard, fault.rule, fault.path, fault.message)).encode()).hexdigest(16)
    return {
        "ruleId": f"{fault.guard}/{fault.rule}",
        "level": "error",
        "message": {"text": fault.message + (f" (instead: {fault.instead})" if fault.instead else "")},
        "locations": [_location(fault.path, {"startLine": max(1, fault.line)})],
        "partialFingerprints": {"signoffHit/v1": mark},
    }


def _location(path: str, region: Json) -> Json:
    return {"physicalLocation": {"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"}, "region": region}}


def _placed(results: Sequence[Json], index: dict[str, int], prefix: str) -> list[Json]:
    """With the number of its rule, its path from the repository's root, and marks that no two results share."""
    seen: Counter[str] = Counter()
    for result in results:
        result["ruleIndex"] = index[result["ruleId"]]
        artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
        artifact["uri"] = quote(prefix + artifact["uri"])
        mark = result["partialFingerprints"]["signoffHit/v1"]
        seen[mark] += 1
        result["partialFingerprints"]["signoffHit/v1"] = f"{mark}:{seen[mark]}"
    return list(results)


def fingerprint(hit: Hit) -> str:
    """The same for the same finding after lines were added above it."""
    return blake3("\0".join((hit.rule, hit.path, hit.symbol.lower(), hit.source)).encode()).hexdigest(16)
