"""Recall and precision over fixtures/corpora: each blocking hit of a `hit` tree is found where it stands and no other,
and its `clean` twin has none."""

from __future__ import annotations

import shutil
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guards import canaries
from guards.config import GuardsConfig
from guards.languages import LANGUAGES
from guards.rule import RULES, load
from guards.scan import Request, scan
from harness.host import ROOT

CORPORA = ROOT / "fixtures" / "corpora"
CASES: list[dict[str, Any]] = tomllib.loads((CORPORA / "corpus.toml").read_text())["case"]
RULES_OF_OURS = load(RULES)
LEAST_FILES = 200
Place = tuple[str, str, int]  # rule, file, line


@dataclass(frozen=True)
class Outcome:
    """One case: what was to be found in it, and what was, in both of its trees."""

    case: str
    expected: frozenset[Place]
    found: frozenset[Place]
    twin: frozenset[Place]


def _blocking(tree: Path) -> frozenset[Place]:
    report = scan(Request([tree], GuardsConfig(), RULES_OF_OURS, jobs=1))
    assert not report.problems
    return frozenset((hit.rule, hit.path, hit.line) for hit in report.hits if hit.blocks)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Outcome]]:
    """Every case by its language. The trees are copied out of this repository, where all of them are fixtures."""
    folder = tmp_path_factory.mktemp("corpora")
    shutil.copytree(CORPORA, folder, dirs_exist_ok=True)
    seen: dict[str, list[Outcome]] = defaultdict(list)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canaries, "names", list)  # they have their own test
        for case in CASES:
            tree = folder / case["language"] / case["name"]
            expected = frozenset((hit["rule"], hit["file"], hit["line"]) for hit in case["hits"])
            seen[case["language"]].append(
                Outcome(case["name"], expected, _blocking(tree / "hit"), _blocking(tree / "clean"))
            )
    return seen


@pytest.mark.parametrize("language", LANGUAGES)
def test_recall_and_precision_are_whole(
    outcomes: Mapping[str, Sequence[Outcome]], language: str, record_property: Any
) -> None:
    cases = outcomes[language]
    recall, precision = _measures(cases)
    record_property("recall", recall)
    record_property("precision", precision)
    problems = [f"{one.case}: missed {place}" for one in cases for place in sorted(one.expected - one.found)]
    problems += [f"{one.case}: wrongly hit {place}" for one in cases for place in sorted(one.found - one.expected)]
    problems += [f"{one.case}: its twin is hit {place}" for one in cases for place in sorted(one.twin)]
    assert not problems, "\n".join(problems)


def _measures(cases: Sequence[Outcome]) -> tuple[float, float]:
    """(recall, precision); a hit in a clean twin is a wrong one."""
    right = sum(len(one.expected & one.found) for one in cases)
    found = sum(len(one.found) + len(one.twin) for one in cases)
    return right / sum(len(one.expected) for one in cases), right / max(1, found)


def test_the_documents_tell_what_was_measured(outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    rows = []
    for language in LANGUAGES:
        cases, (recall, precision) = outcomes[language], _measures(outcomes[language])
        hits = sum(len(one.expected) for one in cases)
        rows.append(f"| {language} | {len(cases)} | {hits} | {recall:.0%} | {precision:.0%} |")
    table = "\n".join(["| language | cases | hits | recall | precision |", "|---|---|---|---|---|", *rows])
    assert table in (ROOT / "docs" / "guards.md").read_text(encoding="utf-8"), f"docs/guards.md must say:\n{table}"


def test_the_corpus_is_what_its_list_says() -> None:
    listed = {(case["language"], case["name"]) for case in CASES}
    there = {path.relative_to(CORPORA).parts[:2] for path in CORPORA.glob("*/*") if path.parent.name != "rules"}
    assert listed == there
    assert len(listed) == len(CASES)
    for language, name in listed:
        for twin in ("hit", "clean"):
            assert any(path.is_file() for path in (CORPORA / language / name / twin).rglob("*")), (language, name, twin)
    assert sum(path.is_file() for path in CORPORA.glob("*/*/*/**/*")) >= LEAST_FILES


def test_every_rule_is_in_the_corpus_in_several_languages() -> None:
    languages = defaultdict(set)
    for case in CASES:
        for hit in case["hits"]:
            languages[hit["rule"]].add(case["language"])
    assert {rule.id: len(languages[rule.id]) >= 3 for rule in RULES_OF_OURS} == {r.id: True for r in RULES_OF_OURS}
