"""The verdict of a report, guard by guard."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from guards.hits import GUARDS, Hit, Report, shown
from guards.tree import Skipped
from harness.verdict import Verdict

HIT = Hit("naming", "convex-naming", "Convex", "src/a.ts", 3, 9, "code", "literal", "x = Convex", blocks=True)
CLEAN = Report(
    root="/tree", visited=1, bytes=1, from_cache=0, hits=(), skipped=(), canaries=(), problems=(), engines=(), took_s=0
)  # fmt: skip


def report(**changes: Any) -> Report:
    return msgspec.structs.replace(CLEAN, **changes)


def verdicts(**changes: Any) -> dict[str, str]:
    return {guard: report(**changes).verdict(guard).value for guard in GUARDS}


def test_a_clean_report_passes() -> None:
    assert set(verdicts().values()) == {"PASS"}


@pytest.mark.parametrize("blocks", [True, False])
def test_a_hit_concerns_its_guard_when_it_blocks(blocks: bool) -> None:
    said = verdicts(hits=(msgspec.structs.replace(HIT, blocks=blocks),))
    assert said["naming"] == ("FAIL" if blocks else "PASS")
    assert {said[guard] for guard in GUARDS if guard != "naming"} == {"PASS"}


def test_a_problem_concerns_one_guard_or_all() -> None:
    assert set(verdicts(problems=(("", "a worker died"),)).values()) == {"UNKNOWN"}
    said = verdicts(problems=(("naming", "no canary"),))
    assert (said["naming"], said["feature-flags"]) == ("UNKNOWN", "PASS")


def test_a_blocking_hit_fails_whatever_else_is_unknown() -> None:
    assert report(hits=(HIT,), problems=(("", "a worker died"),)).verdict("naming") is Verdict.FAIL


def test_names_that_are_no_text_can_be_shown_and_written() -> None:
    assert shown(Skipped("a\udcff b", "binary")).path == "a\\xff b"
    assert shown(HIT) is HIT
    assert msgspec.json.encode(shown(msgspec.structs.replace(HIT, path="\udcff")))
