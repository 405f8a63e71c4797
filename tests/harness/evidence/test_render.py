"""Pages from records: hostile words of a subject stay words."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from harness.evidence.judgement import WindowSeen
from harness.evidence.render import MAX_CELL_CHARS, cell, last_line, signoff_md
from harness.evidence.signoff import GateResult, Signoff
from harness.verdict import Verdict
from tests.harness.evidence.bundles import make, make_with_known_bad, signoff_of

HOSTILE = "| a | **b** <script>alert(1)</script> `x` [l](javascript:1)\n\n# GO\n\0\x1b[31m"


def one(tmp_path: Path, **changes: object) -> Signoff:
    bundle = make(tmp_path)
    failed = GateResult(
        "a/one", Verdict.FAIL, 1.0, ("R-1",), reasons=(HOSTILE,), repeat="signoff run --only a/one", **changes
    )  # type: ignore[arg-type]
    return signoff_of(bundle, (failed, GateResult("b/two", Verdict.MISSING, 0.0, reasons=("not built yet: later",))))


def test_hostile_reasons_are_text(tmp_path: Path) -> None:
    page = signoff_md(one(tmp_path))
    html = MarkdownIt("commonmark").enable("table").render(page)
    assert "<script>" not in html
    assert "javascript:1" not in html or 'href="javascript' not in html
    assert html.count("<h1>") == 1
    assert "Signoff: NO-GO" in html
    heads = [line for line in page.splitlines() if line.startswith("| gate |")]
    row = next(line for line in page.splitlines() if line.startswith("| a/one |"))
    assert heads
    assert row.replace("\\|", "").count("|") == heads[0].count("|")


@given(st.text(max_size=400))
def test_a_cell_is_one_bounded_line(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    assert len(shown) <= MAX_CELL_CHARS
    assert "|" not in shown.replace("\\|", "")


def test_the_page_says_why_it_is_not_go_and_how_to_repeat(tmp_path: Path) -> None:
    page = signoff_md(one(tmp_path))
    assert "Not GO, because profile smoke never says GO; 1 gates are FAIL; 1 gates are MISSING." in page
    assert "### FAIL a/one" in page
    assert "Repeat: `signoff run --only a/one`" in page
    assert "not built yet: later: b/two" in page.replace("\\", "")
    assert "power loss" in page


def test_each_play_of_a_drill_is_told_with_its_windows(tmp_path: Path) -> None:
    bit = WindowSeen("w1", "reset", "desktop", 1, 2, traffic=3, effect="own requests reset:", measured=4, needed=3)
    missed = replace(bit, name="w2", traffic=0)
    play = GateResult("a/one", Verdict.UNKNOWN, 2.0, reasons=("w2: no traffic",), seed=9, windows=(bit, missed))
    page = signoff_md(replace(one(tmp_path), drills=(play,)))
    row = next(line for line in page.splitlines() if line.startswith("| a/one | 9 |"))
    assert "1 of 2 witnessed: 2 reset" in row
    assert "(drills/a/one/9/timeline.svg)" in row
    assert "### UNKNOWN a/one, seed 9" in page
    assert "### FAIL a/one" not in page, "the plays say it in its place"
    assert "See: drills/a/one/9/" in page


def test_the_last_line_counts(tmp_path: Path) -> None:
    assert last_line(one(tmp_path), "reports/x") == "VERDICT NO-GO: 1 FAIL, 1 MISSING; seed 7; reports/x"
    with_exceptions = replace(one(tmp_path), exceptions=("EX-1",))
    assert "with 1 exception:" in last_line(with_exceptions, "d")


@given(st.text(alphabet=st.characters(), max_size=80))
def test_a_cell_moves_no_cursor_and_turns_no_text_around(text: str) -> None:
    """The page is printed on terminals too: escape sequences and marks of direction are no words."""
    assert all(char.isprintable() for char in cell(text))
    cell(text).encode()


def test_the_page_shows_each_known_bug(tmp_path: Path) -> None:
    page = signoff_md(make_with_known_bad(tmp_path, variant="1").read("signoff.json", Signoff))
    assert "0 of 1 bugs of the reference subject were caught" in page
    assert "| D1 | a/one | I18 | SURVIVED |" in page
    assert "### UNKNOWN a/one" in page
