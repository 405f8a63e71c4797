"""The house is tidy: tests mirror the source, functions and modules keep their budgets, banned calls stay out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from harness.host import ROOT

FUNCTION_LINES = 70
MODULE_LINES = 400
STANDIN = "fixtures/subjects/openagents/standin"
SOURCES = ("harness", "gates", "chaos", "guards", "fixtures/reference/reference", STANDIN, "benchmarks")
BANNED_NAMES = {"utils.py", "helpers.py", "common.py"}
# (module, attribute): why not, and where all the same with a reason.
BANNED_CALLS = {
    ("time", "sleep"): {
        "harness/reaper.py": "polls /proc after its owner is gone",
        "harness/commands.py": "lab down waits with a limit",
        f"{STANDIN}/runtime.py": "pauses between tries",
        f"{STANDIN}/trapped_runtime.py": "pauses between tries",
    },
    ("asyncio", "sleep"): {
        "harness/wait.py": "the one place that waits",
        "harness/lab/account.py": "samples the kernel's table",
        "fixtures/reference/reference/runtime/publisher.py": "backoff",
        "fixtures/reference/reference/control/keeper.py": "the time between two looks at the grants",
        "fixtures/reference/reference/desktop/feed.py": "gives way to the reader between transactions",
        "fixtures/reference/reference/desktop/session.py": "backoff, and the time of a token's refresh",
        "benchmarks/end_to_end.py": "paced load",
    },
    ("os", "system"): {},
    ("shutil", "which"): {
        "harness/lab/providers.py": "the provider's programs on PATH",
        "harness/subject.py": "the subject's programs on PATH",
        "benchmarks/guards.py": "whether there is a ripgrep to compare with",
    },
}
# Modules whose test stands elsewhere, and why.
MIRRORED_ELSEWHERE = {
    "harness/cli.py": "tests/main_job",
    "harness/commands.py": "tests/main_job",
    "harness/runner.py": "tests/main_job",
    "harness/pytest_plugin.py": "tests/main_job",
}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_module_of_the_harness_has_its_test() -> None:
    problems = []
    for path in sources("harness"):
        name = name_of(path)
        if path.name == "__init__.py" or name in MIRRORED_ELSEWHERE:
            continue
        mirror = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
        if not mirror.is_file():
            problems.append(f"{name}:1: no {name_of(mirror)}")
    assert not problems, "\n".join(problems)


def test_exceptions_of_the_mirror_are_needed() -> None:
    for name, place in MIRRORED_ELSEWHERE.items():
        assert (ROOT / name).is_file(), name
        assert (ROOT / place).exists(), place


def test_every_test_module_mirrors_a_source() -> None:
    problems = []
    for path in sources("tests/harness"):
        if not path.name.startswith("test_") or path.name == "test_init.py":
            continue
        source = ROOT / path.relative_to(ROOT / "tests").with_name(path.name.removeprefix("test_"))
        if not source.is_file():
            problems.append(f"{name_of(path)}:1: there is no {name_of(source)}")
    assert not problems, "\n".join(problems)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_budgets() -> None:
    problems = []
    for path in sources(*SOURCES):
        text = path.read_text()
        if len(text.splitlines()) > MODULE_LINES:
            problems.append(f"{name_of(path)}:1: {len(text.splitlines())} lines, at most {MODULE_LINES}")
        if path.name in BANNED_NAMES:
            problems.append(f"{name_of(path)}:1: a module is called after what it is about")
        for node in functions(ast.parse(text)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                problems.append(
                    f"{name_of(path)}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"
                )
    assert not problems, "\n".join(problems)


def test_public_things_say_what_they_are() -> None:
    problems = [
        f"{name_of(path)}:1: no module docstring"
        for path in sources(*SOURCES)
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert not problems, "\n".join(problems)


def banned_in(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            call = (node.func.value.id, node.func.attr)
            if call in BANNED_CALLS:
                yield node.lineno, call


def test_banned_calls_stay_out_and_exceptions_are_needed() -> None:
    problems, used = [], set()
    for path in sources(*SOURCES, "tests"):
        for line, call in banned_in(path):
            if name_of(path) in BANNED_CALLS[call]:
                used.add((name_of(path), call))
            else:
                problems.append(
                    f"{name_of(path)}:{line}: {call[0]}.{call[1]}: wait for a condition with a limit instead"
                )
    allowed = {(name, call) for call, names in BANNED_CALLS.items() for name in names if (ROOT / name).exists()}
    problems += [
        f"{name}:1: the exception for {call[0]}.{call[1]} is not needed any more" for name, call in allowed - used
    ]
    assert not problems, "\n".join(sorted(problems))


def test_no_query_names_a_table_of_the_subject() -> None:
    """signoff.toml names them: another subject has others. Those that begin with st_ are the server's own."""
    query = re.compile(r"SELECT .+ FROM (?!st_)\w")
    problems = [
        f"{name_of(path)}:{node.lineno}: {node.value}"
        for path in sources("harness", "gates", "chaos", "guards", "benchmarks")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and query.match(node.value)
    ]
    assert not problems, "\n".join(problems)


def test_no_test_is_skipped() -> None:
    marks = ("pytest.mark.skip", "pytest.skip(", "pytest.importorskip", "pytest.mark.xfail")
    problems = [
        f"{name_of(path)}: {mark}"
        for path in sources("tests", "gates")
        for mark in marks
        if mark in path.read_text() and path.name not in {"test_tidy.py", "test_broken_harness.py"}
    ]
    assert not problems, "\n".join(problems)
