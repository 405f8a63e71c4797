"""findings.md: what a subject's developers are handed."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from harness.checkers import REGISTRY
from harness.checkers.base import judge
from harness.checkers.contract import ContractBroken
from harness.checkers.replicas import DuplicateApply
from harness.checkers.writes import LostWrite
from harness.evidence.exchanges import Exchange
from harness.evidence.findings import IN_FULL, LAST_FRAMES, MAX_FRAMES, SAYS, GateReport, report
from harness.evidence.frames import Frame
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


def page(history: History, *exchanges: Exchange, log: str = "", frames: Sequence[Frame] = ()) -> str:
    checks = tuple(judge(checker, history) for checker in (LostWrite(), ContractBroken(), DuplicateApply()))
    gate = GateReport(replace(RESULT, checks=checks), history, exchanges, frames, (CLAUSE,), lambda surface, at: log)
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


def frame(op: int, contents: str = "", connection: str = "c1", **fields: object) -> Frame:
    whole = Frame(op * 10, op, "desktop", "to_client", "TransactionUpdate", 812, "text", connection, contents)
    return replace(whole, **fields)


def applied_twice() -> tuple[History, int]:
    """A duplicate apply of k-1 on c1, and the record of the message that carried it."""
    script = Script()
    script.bootstrap("s")
    script.row("deliver", "s", 1, "k-1", process="middlebox", connection="c1")
    carrier = script.put("frame", process="middlebox", connection="c1")
    script.row("deliver", "s", 2, "k-2", process="middlebox", connection="c1")
    script.put("frame", process="middlebox", connection="c1")
    for _ in range(2):
        script.row("apply", "s", 1, "k-1", connection="c1")
    return script.history(), carrier


def crossed_in(said: str) -> list[str]:
    """The lines of the first block of frames."""
    _, found, block = said.partition("Frames at the proxy (frames.jsonl):\n\n```\n")
    return block.partition("\n```")[0].splitlines() if found else []


def test_the_frames_of_an_event_are_those_that_delivered_it_whatever_was_kept_of_them() -> None:
    history, carrier = applied_twice()
    packed = frame(carrier, form="none", note="it cannot be read: brotli is not read")
    (line,) = crossed_in(page(history, frames=[packed, frame(carrier + 2, '{"signoff_key":"k-2"}')]))
    assert f"op {carrier}  TransactionUpdate (812 bytes of text)" in line
    assert "desktop to_client on c1" in line
    assert "[it cannot be read: brotli is not read]" in line


def test_and_those_with_its_nonce_in_them_shown_around_it() -> None:
    history, _ = applied_twice()
    long = "x" * 900 + r"{\"signoff_key\":\"k-1\"}" + "y" * 900
    injected = frame(99, long, connection="c2", injected=True)
    (line,) = crossed_in(page(history, frames=[injected, frame(98, r"{\"signoff_key\":\"k-10\"}")]))
    assert r"signoff_key\":\"k-1\"}yyy" in line
    assert "…xxx" in line
    assert line.endswith("yyy…")
    assert "injected by the harness" in line


def test_of_many_frames_those_of_the_findings_own_connection_come_first() -> None:
    history, _ = applied_twice()
    others = [frame(100 + number, '"k-1"', connection="c2") for number in range(MAX_FRAMES)]
    lines = crossed_in(page(history, frames=[*others, frame(999, '"k-1"')]))
    assert len(lines) == MAX_FRAMES
    assert "op 999 " in lines[-1], "and in the order of time"


def test_a_finding_about_no_event_is_told_with_the_last_frames_of_its_connection() -> None:
    script = Script()
    for _ in range(9):
        script.put("settle")
    script.put("request", "fail", connection="c1", data=pack(Contract("a clause", "401", "200")))
    frames = [frame(number) for number in range(8)] + [frame(8, connection="c2"), frame(20)]
    lines = crossed_in(page(script.history(), frames=frames))
    assert len(lines) == LAST_FRAMES
    assert [f"op {number} " in line for number, line in zip((5, 6, 7), lines, strict=True)] == [True] * 3
    assert "Frames at the proxy" not in page(lost(1), frames=frames), "neither its event nor any connection"


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
