"""A scan from end to end, on little trees: whatever is odd about a tree is a clear line and the right verdict."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from guards import canaries, scanner
from guards import scan as scanning
from guards.cache import Cache
from guards.classes import Places
from guards.config import GuardsConfig
from guards.hits import GUARDS, CanaryResult, Report
from guards.rule import RULES, Rule, load
from guards.scan import Request, scan
from guards.scanner import MAX_FILE_BYTES, MAX_SEARCHED_BYTES
from tests.guards.repository import git, repository, write

RULES_OF_OURS = load(RULES)
FRAME = 'const frame = "phx_" + "join";\n'
CLEAN = "const frame = 'subscribe';\n"


@pytest.fixture(autouse=True)
def few_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them have their own test; here they cost time only."""
    monkeypatch.setattr(canaries, "names", lambda: ["python/frame", "rust/route"])


def scanned(folder: Path, config: GuardsConfig | None = None, **changes: Any) -> Report:
    return scan(Request([folder], config or GuardsConfig(), RULES_OF_OURS, **{"jobs": 1, **changes}))


def verdict(report: Report) -> str:
    return "/".join(sorted({report.verdict(guard).value for guard in GUARDS}))


def lines(report: Report) -> str:
    return "\n".join(problem for _, problem in report.problems)


def test_a_clean_tree_passes(tmp_path: Path) -> None:
    report = scanned(write(tmp_path, {"src/a.ts": CLEAN}))
    assert verdict(report) == "PASS"
    assert (report.visited, report.bytes, report.hits, report.problems) == (1, len(CLEAN), (), ())


def test_a_hit_says_where_and_what(tmp_path: Path) -> None:
    report = scanned(write(tmp_path, {"src/a b\n.ts": "\n" + FRAME}))
    (hit,) = report.hits
    assert (hit.path, hit.line, hit.column, hit.symbol, hit.cls, hit.how, hit.blocks) == (
        "src/a b\n.ts", 2, 15, "phx_join", "string", "folded", True,
    )  # fmt: skip
    assert (hit.guard, hit.rule, hit.source) == ("legacy-symbols", "phoenix-frame", FRAME.strip())
    assert report.verdict("legacy-symbols").value == "FAIL"
    assert report.verdict("naming").value == "PASS"


def test_a_symbol_of_two_files(tmp_path: Path) -> None:
    files = {"src/ends.ts": 'export const HEAD = "phx_";\n',
             "src/send.ts": 'import { HEAD } from "./ends";\nsend(HEAD + "join");\n'}  # fmt: skip
    (hit,) = scanned(write(tmp_path, files)).hits
    assert (hit.path, hit.line, hit.symbol) == ("src/send.ts", 2, "phx_join")


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_known_from_before_gives_the_same(tmp_path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "FILES_A_BATCH", 2)
    files = {f"src/{n}.ts": FRAME if n % 3 == 0 else f"{CLEAN}// {n}" for n in range(12)}
    tree = write(tmp_path / "tree", files)
    first, second = (scanned(tree, cache=tmp_path / "cache", jobs=jobs) for _ in range(2))
    assert (first.from_cache, second.from_cache) == (0, 12)
    assert [hit.path for hit in second.hits] == [f"src/{n}.ts" for n in (0, 3, 6, 9)]
    assert first.hits == second.hits
    write(tree, {"src/0.ts": CLEAN})
    third = scanned(tree, cache=tmp_path / "cache", jobs=jobs)
    assert len(third.hits) == 3


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    request = Request([write(tmp_path, {"a": "", "b": ""})], GuardsConfig(), RULES_OF_OURS, jobs=1)
    scan(request, told=lambda done, of: told.append((done, of)))
    assert told[-1] == (2, 2)


def test_an_unwritable_cache_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    report = scanned(write(tmp_path / "tree", {"a.ts": CLEAN}), cache=tmp_path / "file")
    assert verdict(report) == "PASS"
    assert "the cache cannot be written" in report.notes[0]


def test_an_empty_tree_is_not_clean(tmp_path: Path) -> None:
    report = scanned(tmp_path)
    assert verdict(report) == "UNKNOWN"
    assert "no file was visited" in lines(report)


def test_a_floor_that_is_not_reached(tmp_path: Path) -> None:
    report = scanned(write(tmp_path, {"a.ts": CLEAN, "sub/b.ts": CLEAN}), GuardsConfig(floor=3))
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == "2 files were visited, the floor is 3"
    part = scanned(tmp_path / "sub", GuardsConfig(floor=3), root=tmp_path)
    assert verdict(part) == "PASS", "a part of the tree has no floor"


def test_a_retained_path_that_does_not_exist(tmp_path: Path) -> None:
    write(tmp_path, {"src/a.ts": CLEAN, "apps/x/b.rs": ""})
    retained = ("src", "apps/*.rs", "services/runtime")
    report = scanned(tmp_path, GuardsConfig(retained=retained))
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == "retained path services/runtime does not exist: a path that is not there is not clean"


def test_outside_of_retained_paths_nothing_blocks(tmp_path: Path) -> None:
    report = scanned(write(tmp_path, {"src/a.ts": CLEAN, "old/b.ts": FRAME}), GuardsConfig(retained=("src",)))
    assert verdict(report) == "PASS"
    assert [(hit.path, hit.blocks) for hit in report.hits] == [("old/b.ts", False)]


def test_policy_says_which_classes_block(tmp_path: Path) -> None:
    tree = write(tmp_path, {"src/a.ts": FRAME, "lists/b.ts": FRAME})
    report = scanned(tree, GuardsConfig(places=Places(absences=("lists/*",))))
    assert [(hit.path, hit.cls, hit.blocks) for hit in report.hits] == [
        ("lists/b.ts", "absence-test", False),
        ("src/a.ts", "string", True),
    ]
    assert verdict(scanned(tree, GuardsConfig(blocks=("code",)))) == "PASS"


def test_an_engine_that_breaks_on_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scanner.look

    class Panic(BaseException):
        """What a library in another language raises is no Exception."""

    def breaking(language: str, text: str, *rest: Any) -> Any:
        if "break here" in text:
            raise Panic("index out of bounds")
        return real(language, text, *rest)

    monkeypatch.setattr(scanner, "look", breaking)
    report = scanned(write(tmp_path, {"good.ts": CLEAN, "bad.ts": FRAME + "// break here\n"}))
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == "bad.ts: engine crashed: Panic: index out of bounds"


def test_an_engine_that_breaks_on_a_second_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scanner.look

    def breaking(*arguments: Any, shares: bool = False) -> Any:
        if shares:
            raise RecursionError("too deep")
        return real(*arguments)

    monkeypatch.setattr(scanner, "look", breaking)
    files = {"src/ends.ts": 'export const HEAD = "phx_";\n',
             "src/send.ts": 'import { HEAD } from "./ends";\nsend(HEAD + "join");\n'}  # fmt: skip
    report = scanned(write(tmp_path, files))
    assert verdict(report) == "UNKNOWN"
    assert "engine crashed: RecursionError: too deep" in lines(report)


def test_a_worker_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent, real = os.getpid(), scanner.look

    def dying(language: str, text: str, *rest: Any) -> Any:
        if os.getpid() != parent and "die here" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(language, text, *rest)

    monkeypatch.setattr(scanning, "FILES_A_BATCH", 1)
    monkeypatch.setattr(scanner, "look", dying)
    report = scanned(write(tmp_path, {"a.ts": CLEAN, "b.ts": FRAME + "// die here\n"}), jobs=2)
    assert "UNKNOWN" in verdict(report)
    assert "a worker of the scan died, so files were not seen" in lines(report)


def test_a_file_that_goes_during_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.ts": CLEAN, "b.ts": FRAME, "c.ts": CLEAN, "d.ts": CLEAN})
    real = scanning.list_tree

    def listed(*arguments: Any) -> Any:
        listing = real(*arguments)
        (tmp_path / "b.ts").unlink()
        (tmp_path / "c.ts").unlink()
        (tmp_path / "c.ts").mkdir()
        (tmp_path / "d.ts").unlink()
        os.mkfifo(tmp_path / "d.ts")
        return listing

    monkeypatch.setattr(scanning, "list_tree", listed)
    report = scanned(tmp_path)
    assert verdict(report) == "PASS"
    assert [(one.path, one.reason) for one in report.skipped] == [
        ("b.ts", "gone during the scan"),
        ("c.ts", "not a file"),
        ("d.ts", "not a file"),
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = os.open

    def refusing(path: Any, *rest: Any, **more: Any) -> Any:
        if str(path).endswith("shut.ts"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refusing)
    report = scanned(write(tmp_path, {"a.ts": CLEAN, "shut.ts": CLEAN}))
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == "shut.ts: unreadable: Permission denied"


def test_a_file_of_200_megabytes(tmp_path: Path) -> None:
    write(tmp_path, {"a.ts": CLEAN})
    for name, start in {"text.log": b"x\n" * 8_192, "disk.img": b"\0"}.items():
        with (tmp_path / name).open("wb") as file:
            file.write(start)
            file.truncate(200_000_000)
    report = scanned(tmp_path)
    assert verdict(report) == "UNKNOWN"
    limit = MAX_SEARCHED_BYTES // 1_000_000
    assert lines(report) == f"text.log: too large: more than {limit} MB"
    assert ("disk.img", "binary") in [(one.path, one.reason) for one in report.skipped]


def test_a_file_that_is_too_large_to_be_parsed(tmp_path: Path) -> None:
    padding = "// padding of a line\n" * (MAX_FILE_BYTES // 20)
    report = scanned(write(tmp_path, {"large.ts": padding, "a.ts": CLEAN}))
    assert verdict(report) == "PASS", "it promises nothing"
    report = scanned(write(tmp_path, {"large.ts": padding + FRAME}))
    assert verdict(report) == "UNKNOWN"
    assert "8 MB that promise a symbol" in lines(report)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    report = scanned(write(tmp_path, {"latin.ts": b"// \xe9t\xe9\n" + FRAME.encode(), "raw.bin": b"phx_join\0"}))
    assert [(hit.path, hit.line) for hit in report.hits] == [("latin.ts", 2)]
    assert [(one.path, one.reason) for one in report.skipped] == [("latin.ts", "no UTF-8"), ("raw.bin", "binary")]


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    Path(f"{tmp_path}/a\udcff.ts").write_text(FRAME)
    report = scanned(tmp_path)
    assert [hit.path for hit in report.hits] == ["a\\xff.ts"]
    assert msgspec.json.encode(report)


def test_syntax_that_cannot_be_parsed_is_said(tmp_path: Path) -> None:
    report = scanned(write(tmp_path, {"a.ts": FRAME + "export function (((\n"}))
    assert [(one.path, one.reason, one.undecided) for one in report.skipped] == [("a.ts", "not parsed whole", False)]
    assert verdict(report) == "FAIL/PASS"


def test_what_is_not_scanned_is_reported(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"b.ts": FRAME})
    tree = repository(tmp_path / "tree", {"a.ts": CLEAN, ".gitignore": "build/\n"})
    write(tree, {"build/c.ts": FRAME})
    os.mkfifo(tree / "pipe")
    (tree / "link.ts").symlink_to(outside / "b.ts")
    (tree / "loop").symlink_to("loop")
    git(tree, "add", "--all")
    report = scanned(tree)
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == f"link.ts: symlink that leaves the tree: to {outside}/b.ts"
    assert {one.path: one.reason for one in report.skipped} == {
        "build/": "ignored by git",
        "link.ts": "symlink that leaves the tree",
        "loop": "symlink to nowhere",
    }


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ([CanaryResult("rust/route", "route", True, False, "a: known bad, and no route was found in it")],
         "canary rust/route: a: known bad, and no route was found in it\n3 canaries were not judged"),
        ([], "4 canaries were not judged"),
    ],
)  # fmt: skip
def test_canaries_decide_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: list[CanaryResult], line: str
) -> None:
    results = iter([result])
    monkeypatch.setattr(canaries, "check", lambda *_: next(results, []))
    report = scanned(write(tmp_path, {"a.ts": CLEAN}))
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == line


def test_rules_of_a_subject_do_not_judge_our_canaries(tmp_path: Path) -> None:
    """A name that is good for us may be bad for them."""
    own = Rule.model_validate({**RULES_OF_OURS[0].model_dump(), "id": "own", "symbols": ["phx_joined"]})
    tree = write(tmp_path, {"a.ts": "const x = 'phx_joined';\n"})
    report = scan(Request([tree], GuardsConfig(), (*RULES_OF_OURS, own), jobs=1))
    assert [hit.rule for hit in report.hits] == ["own"]
    assert not report.problems


def test_too_many_users_of_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_SECOND_LOOKS", 0)
    files: Mapping[str, str] = {
        "src/ends.ts": 'export const HEAD = "phx_";\n',
        "src/send.ts": 'import { HEAD } from "./ends";\nsend(HEAD + "join");\n',
    }
    report = scanned(write(tmp_path, files))
    assert verdict(report) == "UNKNOWN"
    assert "too many to follow" in lines(report)


def test_a_broken_cache_costs_time_only(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"a.ts": FRAME})
    scanned(tree, cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"\xff" + kept.read_bytes()[1:])
    assert isinstance(Cache.open(tmp_path / "cache", kept.stem), Cache)
    report = scanned(tree, cache=tmp_path / "cache")
    assert (len(report.hits), report.from_cache) == (1, 0)


def test_what_cannot_be_scanned_can_be_excused_while_it_is_there(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"a.ts": CLEAN})
    (tree / "out").symlink_to(tmp_path)
    config = GuardsConfig(unscanned=("ou*",))
    report = scanned(tree, config)
    assert verdict(report) == "PASS"
    assert [one.path for one in report.skipped] == ["out"]
    (tree / "out").unlink()
    report = scanned(tree, config)
    assert verdict(report) == "UNKNOWN"
    assert lines(report) == "unscanned = 'ou*' excuses nothing any more: delete it"


@pytest.mark.parametrize("name", ["a.py", "a.ts"])
def test_half_a_character_in_a_constant(tmp_path: Path, name: str) -> None:
    """It has no bytes, so that nothing could search, keep or print it."""
    source = 'HEAD = "\\ud800 phx_"\nsend(HEAD + "join")\n'
    report = scanned(write(tmp_path / "tree", {name: source}), cache=tmp_path / "cache")
    assert not report.problems
    assert [(hit.line, hit.symbol) for hit in report.hits] == [(2, "phx_join")]
    assert msgspec.json.encode(report)
