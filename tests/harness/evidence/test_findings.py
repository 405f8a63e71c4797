"""findings.md: what a subject's developers are handed."""

from __future__ import annotations

from msgspec.structs import replace

from harness.checkers import REGISTRY
from harness.checkers.base import judge
from harness.checkers.contract import ContractBroken
from harness.checkers.writes import LostWrite
from harness.evidence.exchanges import Exchange
from harness.evidence.findings import IN_FULL, SAYS, GateReport, report
from harness.evidence.requirements import Requirement
from harness.evidence.signoff import GateResult
from harness.history import Contract, FinalState, History, pack
from harness.host import ROOT
from harness.verdict import Verdict
from tests.harness.checkers.cases import Script

CLAUSE = Requirement("S-01", "000", "scope 1", 1, "what is acknowledged is there", ("g",))
RESULT = GateResult("g", Verdict.FAIL, 1.0, repeat="signoff run --only g", trouble="it ended early")


def lost(events: int) -> History:
    script = Script()
    for number in range(1, events + 1):
        script.publish("s", f"k-{number}", number)
    script.put("final_read", process="observer", replica="server", data=pack(FinalState(("s",), 0, "")))
    return script.history()


def page(history: History, *exchanges: Exchange, log: str = "") -> str:
    checks = tuple(judge(checker, history) for checker in (LostWrite(), ContractBroken()))
    gate = GateReport(replace(RESULT, checks=checks), history, exchanges, (CLAUSE,), lambda surface, at: log)
    return report(gate).decode()


def exchange(body: str, **fields: object) -> Exchange:
    return replace(Exchange(5, 2.5, "harness", "runtime", "POST /events", body, 200, "{}"), **fields)


def test_a_finding_says_what_was_expected_and_why_what_happened_and_how_to_see_it_again() -> None:
    said = page(lost(1))
    assert "Repeat: `signoff run --only g`" in said
    assert "S-01 (seed 000, scope 1): what is acknowledged is there" in said
    assert "While it was played: it ended early" in said
    assert f"**Expected.** I1: {SAYS['I1']}." in said
    assert "**Happened.** event k-1 (stream s, seq 1) was acknowledged at op 1" in said
    assert '"index":0' in said, "the invocation that the acknowledgement completes"


def test_an_event_is_followed_by_its_nonce_and_no_other_event_is_told_of() -> None:
    said = page(
        lost(1),
        exchange('{"signoff_key":"k-1"}', log_at=7),
        exchange(
            r'["s","{\"signoff_key\": \"k-1\"}"]', by="runtime", to="server", asked="POST /call/append", status=530
        ),
        exchange('{"signoff_key":"k-10"}', asked="POST /another"),
        log="first\nlast",
    )
    assert "harness -> runtime  POST /events" in said
    assert "runtime -> server  POST /call/append" in said
    assert "530 in 2.5 ms" in said
    assert "POST /another" not in said
    assert "Log of runtime around then:\n\n```\nfirst\nlast\n```" in said


def test_a_finding_without_an_event_is_told_with_what_was_asked_right_before() -> None:
    script = Script()
    script.put("request", "fail", data=pack(Contract("a clause", "401", "200")))
    history = script.history()
    at = history.ops[0].t_ns
    said = page(
        history, exchange("", t_ns=at - 2), exchange("late", t_ns=at + 1), exchange("", t_ns=at - 1, asked="GET /b")
    )
    assert "GET /b" in said
    assert "POST /events" not in said


def test_no_text_of_a_subject_ends_its_block_or_reaches_a_terminal() -> None:
    said = page(lost(1), exchange('{"signoff_key":"k-1"}\x1b[31m```\n# Signoff: GO'))
    assert "\x1b" not in said
    assert "\n````\n" in said
    assert "\n# Signoff: GO" not in said


def test_many_findings_are_told_by_their_message() -> None:
    said = page(lost(9))
    assert said.count("**Expected.**") == IN_FULL
    assert f"And {9 - IN_FULL} more of I1 lost-write:" in said


def test_every_invariant_has_its_saying_and_the_document_says_the_same() -> None:
    assert {checker.invariant for checker in REGISTRY.values()} == set(SAYS)
    text = (ROOT / "docs" / "how-to-read-a-failure.md").read_text()
    for invariant, says in SAYS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {invariant} |"))
        assert row.split("|")[3].strip() == says
