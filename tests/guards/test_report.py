"""What people read, and what a runner shows beside the code."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from guards.classes import CLASSES
from guards.hits import CanaryResult, Fault, Hit
from guards.report import SHOWN_ANNOTATIONS, SHOWN_HITS, SHOWN_SKIPPED, for_people, printable, workflow_commands
from guards.rule import RULES, load
from guards.tree import Skipped
from tests.guards.test_hits import HIT, report

RULES_OF_OURS = load(RULES)
COMMENT = msgspec.structs.replace(HIT, line=9, cls="comment", blocks=False)
FAULT = Fault("docs", "link", "docs/a.md", 7, "b.md: there is no such file", "link to what there is")


def said(*, every: bool = False, **changes: Any) -> str:
    return for_people(report(**changes), RULES_OF_OURS, every=every)


def test_a_hit_says_where_what_why_and_what_instead() -> None:
    text = said(hits=(HIT,))
    assert text.startswith("naming/convex-naming (naming; owner:control)\n  why:     Convex is no part")
    assert "  instead: the name of what it does now" in text
    assert "  src/a.ts:3:9: Convex in code\n      x = Convex\n" in text


def test_the_last_lines_are_the_verdicts() -> None:
    lines = said(hits=(HIT, COMMENT), problems=(("naming", "canary x: missed"),)).splitlines()
    assert lines[-4:] == [
        "PASS    guards/legacy-symbols  clean",
        "PASS    guards/feature-flags   clean",
        "FAIL    guards/naming          1 to mend; does not block: 1 comment",
        "VERDICT FAIL: 1 to mend in 1 file, 1 not decided; mend it, or ask for an exception: signoff guards --explain",
    ]
    assert said().splitlines()[-1] == "VERDICT PASS"
    undecided = said(problems=(("", "no file was visited"),)).splitlines()
    assert undecided[-1] == "VERDICT UNKNOWN: 1 not decided"
    assert undecided[0] == "not decided, all guards: no file was visited"


def test_what_does_not_block_is_shown_when_it_is_asked_for() -> None:
    assert "a comment" not in said(hits=(COMMENT,))
    assert "src/a.ts:9:9: Convex in a comment [does not block]" in said(every=True, hits=(COMMENT,))
    known = msgspec.structs.replace(HIT, blocks=False, covered="known at 1234")
    assert "in code [does not block: known at 1234]" in said(every=True, hits=(known,))
    assert said(hits=(known,)).splitlines()[-1] == "VERDICT PASS: 1 known or excepted"


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_has_words(cls: Any) -> None:
    assert " in " in said(hits=(msgspec.structs.replace(HIT, cls=cls),))


def test_how_a_symbol_came_about_and_who_saw_it() -> None:
    folded = msgspec.structs.replace(HIT, how="folded", engine="semgrep")
    assert "Convex in code, put together by the code (seen by semgrep only)\n" in said(hits=(folded,))


def test_much_is_cut_and_says_so() -> None:
    hits = tuple(msgspec.structs.replace(HIT, line=n) for n in range(1, SHOWN_HITS + 4))
    assert "  and 3 more: --json has all" in said(hits=hits)
    skipped = tuple(Skipped(f"{n}.png", "binary") for n in range(SHOWN_SKIPPED + 2))
    assert "not scanned, binary: 0.png, 1.png, 2.png, 3.png, 4.png and 2 more" in said(skipped=skipped)
    assert "scanned all the same, no UTF-8: a.ts" in said(skipped=(Skipped("a.ts", "no UTF-8"),))


def test_faults_notes_and_canaries() -> None:
    canary = CanaryResult("rust/route", "route", True, False, "missed")
    text = said(guards=("docs",), faults=(FAULT,), notes=("the cache cannot be written",), canaries=(canary,))
    assert "docs\n  docs/a.md:7: b.md: there is no such file\n      instead: link to what there is\n" in text
    assert "note: the cache cannot be written" in text
    assert "0 of 1 canaries right" in text
    assert "FAIL    guards/docs            1 to mend" in text


def test_names_cannot_play_tricks_on_a_terminal() -> None:
    assert printable("a\x1b[2K\nb\u202e") == "a\\x1b[2K\\nb\\u202e"
    odd = msgspec.structs.replace(HIT, path="a\nFAKE PASS", source="\x1b[2Kx")
    assert "\nFAKE" not in said(hits=(odd,))
    assert "\x1b" not in said(hits=(odd,), problems=(("", "\x1b[1m"),))


def test_annotations_are_escaped_and_start_at_the_repository() -> None:
    odd: Hit = msgspec.structs.replace(HIT, path="src/a,b:c\n.ts", source="100%\nnext")
    hit, fault, problem = workflow_commands(
        report(hits=(odd, COMMENT), faults=(FAULT,), problems=(("", "a worker died"),), prefix="apps/")
    )
    assert hit == "::error file=apps/src/a%2Cb%3Ac%0A.ts,line=3,title=naming/convex-naming::Convex: 100%25%0Anext"
    assert fault == "::error file=apps/docs/a.md,line=7,title=docs/link::b.md: there is no such file"
    assert problem == "::error title=not decided::a worker died"


def test_annotations_are_as_many_as_are_shown() -> None:
    hits = tuple(msgspec.structs.replace(HIT, line=n) for n in range(1, 31))
    lines = workflow_commands(report(hits=hits))
    assert len(lines) == SHOWN_ANNOTATIONS
    assert lines[-1] == "::error title=signoff guards::and 21 more: see the log"
