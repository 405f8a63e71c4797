"""Known-bad and known-good files, scanned in every invocation by the same front ends as the tree.

One pair for each language and kind of rule (guards/canaries/<language>/<kind>.bad.* and .good.*). A bad one without
a blocking hit of its kind, or a good one with any, says that the guard cannot be believed.

    check(rules)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import get_args

from guards.classes import BLOCKING, START_BYTES, Places, classify
from guards.hits import CanaryResult
from guards.languages import LANGUAGES, look
from guards.prefilter import Prefilter, prefilter_of
from guards.rule import Kind, Rule

FOLDER = Path(__file__).with_name("canaries")
_KINDS: tuple[str, ...] = get_args(Kind)


def names() -> list[str]:
    """Every canary that there must be, as language/kind."""
    return [f"{language}/{kind}" for language in LANGUAGES for kind in _KINDS]


def check(rules: Sequence[Rule], chosen: Sequence[str], folder: Path = FOLDER) -> list[CanaryResult]:
    """What came of these canaries. One that is not there is missed."""
    prefilter = prefilter_of(tuple(rules))
    results = []
    for name in chosen:
        language, _, kind = name.partition("/")
        for bad in (True, False):
            files = sorted((folder / language).glob(f"{kind}.{'bad' if bad else 'good'}.*"))
            detail = _judge(files, language, kind, rules, prefilter, bad) if files else "there is no such canary"
            results.append(CanaryResult(name, kind, bad, not detail, detail))
    return results


def _judge(
    files: Sequence[Path], language: str, kind: str, rules: Sequence[Rule], prefilter: Prefilter, bad: bool
) -> str:
    """What is wrong with these, "" when nothing is."""
    kinds = {rule.id: rule.kind for rule in rules}
    for path in files:
        try:
            data = path.read_bytes()
            hits = _hits(path, data, language, rules, prefilter)
        except Exception as error:  # a front end that raises on a canary has no engine behind it
            return f"{path.name}: {type(error).__name__}: {error}"
        if bad and kind not in {kinds[rule] for rule in hits}:
            return f"{path.name}: known bad, and no {kind} was found in it"
        if not bad and hits:
            return f"{path.name}: known good, and {', '.join(sorted(hits))} was found in it"
    return ""


def _hits(path: Path, data: bytes, language: str, rules: Sequence[Rule], prefilter: Prefilter) -> set[str]:
    if not prefilter.look(data, language).candidate:
        return set()
    name = str(PurePosixPath("src") / path.name)
    return {
        one.rule
        for one in look(language, data.decode("utf-8"), rules, {}).sightings
        if classify(one, name, language, data[:START_BYTES], Places()) in BLOCKING
    }
