"""The log is SARIF 2.1.0, and what GitHub's code scanning asks of it beyond that."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from guards.hits import Report
from guards.report import workflow_commands
from guards.rule import RULES, load
from guards.sarif import MAX_RESULTS, fingerprint, sarif
from tests.guards.test_hits import HIT, report
from tests.guards.test_report import COMMENT, FAULT

RULES_OF_OURS = load(RULES)
KNOWN = msgspec.structs.replace(HIT, line=5, blocks=False, covered="exception EX-1 until 2026-12-01")
FOLDED = msgspec.structs.replace(HIT, line=6, how="folded", value="ConvexClient")
ODD = msgspec.structs.replace(HIT, path="src/a b/c:d\n#%.ts")


def run_of(log: dict[str, Any]) -> dict[str, Any]:
    (run,) = log["runs"]
    return dict(run)


def made(told: Report, **words: Any) -> dict[str, Any]:
    """The run, after what the standard demands was checked."""
    log = json.loads(json.dumps(sarif(told, RULES_OF_OURS, version="0.1.0", **words)))
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    run = run_of(log)
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["help"]["text"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert not urlsplit(uri).scheme and not uri.startswith("/") and " " not in uri
        assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert place["region"]["startLine"] >= 1
        assert place["region"].get("startColumn", 1) >= 1
    marks = [result["partialFingerprints"]["signoffHit/v1"] for result in run["results"]]
    assert len(set(marks)) == len(marks)
    assert run["columnKind"] in ("unicodeCodePoints", "utf16CodeUnits")
    return run


def test_a_clean_tree_is_a_log_without_results() -> None:
    run = made(report())
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [f"{r.guard}/{r.id}" for r in RULES_OF_OURS]


def test_hits_and_faults_are_results_with_their_place() -> None:
    run = made(report(hits=(HIT, FOLDED), faults=(FAULT,)))
    fault, hit, folded = run["results"]
    assert hit["ruleId"] == "naming/convex-naming"
    region = hit["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 9, "endColumn": 15, "snippet": {"text": "x = Convex"}}
    assert "put together: ConvexClient" in folded["message"]["text"]
    assert "endColumn" not in folded["locations"][0]["physicalLocation"]["region"]
    assert fault["ruleId"] == "docs/link"
    assert fault["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}


def test_what_does_not_block_is_left_out_unless_asked_for() -> None:
    assert [result["level"] for result in made(report(hits=(COMMENT, HIT)))["results"]] == ["error"]
    assert [one["level"] for one in made(report(hits=(COMMENT, HIT)), every=True)["results"]] == ["error", "note"]


def test_what_is_covered_is_suppressed() -> None:
    (result,) = made(report(hits=(KNOWN,)))["results"]
    assert result["suppressions"] == [{"kind": "external", "status": "accepted", "justification": KNOWN.covered}]


def test_paths_are_relative_to_the_repository_and_can_be_read_back() -> None:
    (result,) = made(report(hits=(ODD,), prefix="apps/x y/"))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri) == "apps/x y/" + ODD.path


def test_a_fingerprint_stays_when_lines_are_added_above() -> None:
    assert fingerprint(HIT) == fingerprint(msgspec.structs.replace(HIT, line=99, column=1))
    assert fingerprint(HIT) != fingerprint(msgspec.structs.replace(HIT, path="src/b.ts"))


def test_the_same_line_twice_has_two_marks() -> None:
    first, second = made(report(hits=(HIT, msgspec.structs.replace(HIT, line=8))))["results"]
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_what_kept_it_from_a_verdict_is_a_notification() -> None:
    (invocation,) = made(report(problems=(("", "a worker died"),)))["invocations"]
    assert not invocation["executionSuccessful"]
    (note,) = invocation["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"]) == ("error", "a worker died")


def test_what_is_too_much_is_said_and_the_worst_is_kept() -> None:
    many = tuple(msgspec.structs.replace(KNOWN, line=n) for n in range(1, MAX_RESULTS + 3))
    told = report(hits=(*many, HIT))
    run = made(told)
    assert len(run["results"]) == MAX_RESULTS
    assert run["results"][0]["level"] == "error" and "suppressions" not in run["results"][0]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("3 further results")
    assert run["invocations"][0]["executionSuccessful"]
    assert len(workflow_commands(told)) == 1


def test_the_category_is_the_uploads_own() -> None:
    assert made(report(), category="guards/naming")["automationDetails"] == {"id": "guards/naming/"}
