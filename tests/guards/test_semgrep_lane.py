"""semgrep as a second engine: what it sees, and that its silence counts only when it looked at everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guards import canaries, semgrep_lane
from guards.config import GuardsConfig
from guards.hits import GUARDS, Report
from guards.rule import RULES, Rule, load
from guards.scan import Request, scan
from guards.semgrep_lane import LANGUAGES, Second, Spotted
from guards.tree import Skipped
from harness.tool import Completed
from tests.guards.repository import write

RULES_OF_OURS = load(RULES)
OWN = Rule.model_validate({**RULES_OF_OURS[0].model_dump(), "id": "own-name", "symbols": ["old_name"]})
FILES = {
    "src/macro.rs": "fn f() {\n    frames! { on phx_join => drop() }\n    old_name();\n}\n",
    "src/a b\n.ts": 'const head = "phx_";\n// phx_reply\nsend(`${head}join`);\n',
    "src/half.ts": 'send("phx_" + "join");\nfunction ((( {\n',
    "src/view.tsx": 'export const View = () => <Send on={"phx_" + "leave"} />;\n',
    "src/clean.swift": 'let event = "phx_" + "joined"\n',
}
KINDS = {"rs": "rust", "ts": "typescript", "tsx": "tsx", "swift": "swift"}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Second:
    """One run of the real engine."""
    root = write(tmp_path_factory.mktemp("tree"), FILES)
    files = [(name, KINDS[name.rsplit(".", 1)[1]]) for name in FILES]
    return semgrep_lane.look([*files, ("gone.ts", "typescript")], root, (*RULES_OF_OURS, OWN), jobs=1)


def test_it_sees_tokens_in_macros_and_literals_that_it_folds(second: Second) -> None:
    found = {(one.path, one.line, one.rules[0]) for one in second.spotted}
    assert found == {
        ("src/macro.rs", 2, "phoenix-frame"),
        ("src/macro.rs", 3, "own-name"),
        ("src/a b\n.ts", 3, "phoenix-frame"),
        ("src/view.tsx", 1, "phoenix-frame-family"),
    }
    (template,) = [one for one in second.spotted if one.path == "src/a b\n.ts"]
    assert (template.column, template.last, "{head}join" in template.text) == (6, 3, True)


def test_all_of_its_canaries_are_right(second: Second) -> None:
    assert [one for one in second.canaries if not one.right] == []
    assert len(second.canaries) == 2 * len(RULES_OF_OURS) * len(LANGUAGES)


def test_it_looked_at_everything_and_says_what_it_could_not_parse(second: Second) -> None:
    assert second.problems == []
    assert second.version
    assert set(second.skipped) == {
        Skipped("src/half.ts", "not seen whole by semgrep", "Syntax error", undecided=True),
        Skipped("gone.ts", "gone during the scan"),
    }


def answer(**changes: Any) -> str:
    """What semgrep prints when it found nothing."""
    names = [f"canary-{language}.{suffix}" for language, (suffix, _) in LANGUAGES.items()]
    whole = {"version": "1", "results": [], "errors": [], "paths": {"scanned": names}, "skipped_rules": []}
    return json.dumps({**whole, **changes})


def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Completed) -> Second:
    monkeypatch.setattr("harness.tool.run", lambda *_, **__: said)
    return semgrep_lane.look([], tmp_path, RULES_OF_OURS, jobs=1)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Completed(127, "", "semgrep: not found"), "semgrep ended with 127 and left no report: semgrep: not found"),
        (Completed(1, "", ""), "semgrep ended with 1 and left no report: it said nothing"),
        (Completed(0, '{"results": []}', ""), "semgrep ended with 0 and left no report: it said nothing"),
        (Completed(0, answer(skipped_rules=["rust.x"]), ""), "semgrep skipped a rule: rust.x"),
        (Completed(0, answer(paths={"scanned": []}), ""), "semgrep did not scan canary-swift.swift"),
        (Completed(0, answer(errors=[{"type": "Timeout", "message": "too\nlong"}]), ""), "semgrep, Timeout: too long"),
        (Completed(0, answer(errors=[{"type": ["Rule parse error", []], "message": "m"}]), ""),
         "semgrep, Rule parse error: m"),
    ],
)  # fmt: skip
def test_without_all_of_its_work_nothing_is_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Completed, problem: str
) -> None:
    assert problem in asked(monkeypatch, tmp_path, said).problems


@pytest.mark.parametrize(
    ("scanned", "errors", "skipped"),
    [
        (["0.ts"], [], []),
        ([], [], [("it did not scan it", True)]),
        (["0.ts"], [{"type": ["PartialParsing", []], "path": "0.ts"}], [("PartialParsing", False)]),
        (["0.ts"], [{"type": "Timeout", "path": "./0.ts"}], [("Timeout", True)]),
    ],
)
def test_a_file_that_it_did_not_see_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scanned: list[str], errors: Any, skipped: list[tuple[str, bool]]
) -> None:
    names = json.loads(answer())["paths"]["scanned"]
    said = answer(paths={"scanned": [*names, *scanned]}, errors=errors)
    monkeypatch.setattr("harness.tool.run", lambda *_, **__: Completed(0, said, ""))
    second = semgrep_lane.look([("a.ts", "typescript")], write(tmp_path, {"a.ts": ""}), RULES_OF_OURS, jobs=1)
    assert [(one.detail, one.undecided) for one in second.skipped] == skipped
    assert second.problems == []


def test_the_exit_code_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, tmp_path, Completed(2, answer(), "")).problems == []


def test_canaries_that_are_missed_and_wrongly_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (semgrep_lane.FOLDER / "rust.rs").read_text().splitlines()
    good = lines.index("// ok: phoenix-frame") + 2
    place = {"line": good, "col": 1, "offset": 0}
    hit = {"path": "canary-rust.rs", "start": place, "end": place, "extra": {"metadata": {"rules": ["phoenix-frame"]}}}
    wrong = asked(monkeypatch, tmp_path, Completed(0, answer(results=[hit]), "")).canaries
    details = [one.detail for one in wrong if one.name == "semgrep/rust/phoenix-frame"]
    assert details == [f"line {good - 2} is known bad, and was not found", f"line {good} is known good, and was found"]


def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: Second) -> Report:
    """A scan with this for semgrep's part."""
    seen: Callable[..., Second] = lambda *_: second  # noqa: E731
    monkeypatch.setattr(semgrep_lane, "look", seen)
    monkeypatch.setattr(canaries, "names", list)
    source = 'const EVENT = "phx_" + "join";\nsend(EVENT);\nother();\n'
    tree = write(tmp_path, {"src/a.ts": source})
    return scan(Request([tree], GuardsConfig(), RULES_OF_OURS, jobs=1, semgrep=True))


def spotted(line: int, text: str, rule: str = "phoenix-frame", last: int = 0) -> Spotted:
    return Spotted("src/a.ts", (rule,), line, last or line, 1, text)


@pytest.mark.parametrize(
    "known",
    [
        spotted(1, '"phx_" + "join"'),
        spotted(1, "x", last=3),
        spotted(2, "EVENT"),
        Spotted("src/a.ts", ("phoenix-frame-family", "phoenix-frame"), 1, 1, 1, '"phx_" + "join"'),
    ],
    ids=str,
)
def test_what_ours_saw_is_one_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Spotted) -> None:
    report = scanned(tmp_path, monkeypatch, Second([known], version="1.2.3"))
    assert [(hit.line, hit.engine) for hit in report.hits] == [(1, "")]
    assert report.engines[-1] == "semgrep 1.2.3"


@pytest.mark.parametrize("more", [spotted(3, '"phx_reply"'), spotted(3, "other", rule="convex-naming")], ids=str)
def test_what_it_alone_saw_is_a_hit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: Spotted) -> None:
    hit = scanned(tmp_path, monkeypatch, Second([more])).hits[-1]
    assert (hit.line, hit.rule, hit.cls, hit.blocks, hit.engine) == (3, more.rules[0], "string", True, "semgrep")


def test_its_problems_are_those_of_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skipped = Skipped("src/a.ts", "not seen whole by semgrep", "Timeout", undecided=True)
    report = scanned(tmp_path, monkeypatch, Second(problems=["semgrep skipped a rule: x"], skipped=[skipped]))
    assert [problem for _, problem in report.problems] == [
        "semgrep skipped a rule: x",
        "src/a.ts: not seen whole by semgrep: Timeout",
    ]
    assert {report.verdict(guard).value for guard in GUARDS if guard != "legacy-symbols"} == {"UNKNOWN"}
