"""The registry, the round trip through JSON, and what holds for all checkers."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given

import harness.checkers
from harness.checkers import REGISTRY, build, describe
from harness.checkers.base import judge
from harness.errors import EvidenceError
from harness.history import History
from harness.verdict import Verdict
from tests.harness.checkers.cases import FIXTURES, Script, default, load, quick, seeds, sizes
from tests.model import generate

NAMES = {
    "lost-write": "I1",
    "duplicate-apply": "I2",
    "gap-or-reorder": "I3",
    "cursor-ahead": "I4",
    "hash-mismatch": "I5",
    "inconsistent-offset": "I6",
    "stale-cursor-ignored": "I7",
    "token-misuse": "I8",
    "retry-storm": "I9",
    "presence-drift": "I10",
    "no-convergence": "I11",
    "fault-without-effect": "I12",
    "idle-run": "I13",
    "metrics-lie": "I14",
    "record-broken": "I15",
    "unproxied-path": "I16",
    "legacy-lane": "I17",
    "contract-broken": "I18",
}
IMPURE = {
    "asyncio",
    "socket",
    "subprocess",
    "time",
    "random",
    "os",
    "threading",
    "httpx",
    "httpx2",
    "requests",
    "urllib",
}
PARAMS: list[tuple[str, dict[str, object]]] = [
    ("token-misuse", {"leeway_s": 5, "revoked_window_s": 300.0}),
    ("idle-run", {"floors": {"publish": 3, "apply": 2}}),
    ("legacy-lane", {"gone_statuses": [404], "deliver_required": False}),
    ("presence-drift", {"needs_gone": False}),
    ("lost-write", {"observer": "truth"}),
    ("stale-cursor-ignored", {"expect": ["stale", "ahead"]}),
    ("retry-storm", {"cap_ms": 10_000, "factor": 1.5, "lanes": {"runtime": 4}}),
    ("no-convergence", {"bound_ms": 60_000}),
    ("metrics-lie", {"required": ["accepted"], "survive_restart": False}),
]


def test_names_and_invariants_are_those_of_the_design() -> None:
    assert {name: kind.invariant for name, kind in REGISTRY.items()} == NAMES


@pytest.mark.parametrize(("name", "params"), [*PARAMS, *((name, {}) for name in NAMES)])
def test_a_checker_survives_a_manifest(name: str, params: dict[str, object]) -> None:
    checker = build(name, params)
    told = json.loads(json.dumps(describe(checker)))
    assert told == describe(checker)
    assert (told["checker"], told["invariant"]) == (name, NAMES[name])
    assert build(told["checker"], told["params"]) == checker


@pytest.mark.parametrize(
    ("name", "params", "named"),
    [
        ("lost-writes", {}, "lost-writes"),
        ("token-misuse", {"leeway": 60}, "leeway"),
        ("token-misuse", {"leeway_s": "60"}, "leeway_s"),
        ("token-misuse", {"leeway_s": -1}, "leeway_s"),
        ("legacy-lane", {"gone_statuses": ["404"]}, "gone_statuses"),
        ("presence-drift", {"needs_gone": 1}, "needs_gone"),
        ("idle-run", {"floors": {"publish": 1.5}}, "floors"),
        ("record-broken", {"strict": True}, "strict"),
        ("stale-cursor-ignored", {"expect": ["late"]}, "expect"),
        ("metrics-lie", {"required": ["sent"]}, "required"),
    ],
)
def test_what_is_unknown_or_of_a_wrong_type_is_named(name: str, params: dict[str, object], named: str) -> None:
    with pytest.raises(EvidenceError, match=named):
        build(name, params)


def test_an_empty_history_shows_nothing() -> None:
    for name in REGISTRY:
        assert judge(default(name), Script().history()).verdict is Verdict.UNKNOWN, name


@quick
@given(seeds, sizes)
def test_a_correct_history_passes_everywhere_also_as_bytes(seed: int, size: int) -> None:
    history = generate(seed, size)
    again = History.parse(history.dump())
    assert again.ops == history.ops
    for name in REGISTRY:
        result = judge(default(name), again)
        assert result.verdict is Verdict.PASS, (name, result.reason, result.findings)


@quick
@given(seeds)
def test_no_mutant_makes_another_checker_raise(seed: int) -> None:
    history = generate(seed, 250)
    for mutating in REGISTRY:
        for mutation in default(mutating).mutations():
            mutant = mutation.mutate(history)
            for name in REGISTRY if mutant is not None else ():
                assert mutant is not None
                result = judge(default(name), mutant)
                assert "raised" not in result.reason, (mutation.name, name, result.reason)


@pytest.mark.parametrize("name", NAMES)
def test_each_has_two_mutations_and_hand_made_histories(name: str) -> None:
    files = {path.name for path in (FIXTURES / name).glob("*.jsonl")}
    cases = load(name)
    assert {case.file for case in cases} == files
    assert len(default(name).mutations()) >= 2
    assert sum(case.file.startswith("bad-") for case in cases) >= 2
    assert any(case.file.startswith("good-") for case in cases)
    assert all(case.why and (case.contains or case.file.startswith("good-") or "empty" in case.file) for case in cases)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_judges_are_pure() -> None:
    for path in Path(harness.checkers.__file__).parent.glob("*.py"):
        assert not IMPURE & set(imported(path)), path.name
