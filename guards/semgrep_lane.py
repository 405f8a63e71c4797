"""A second engine over the same candidates: semgrep, for the languages that it knows well.

It is asked once, with copies under plain names, so that neither ignore files nor odd paths keep one from it, and with
canaries among them. What it says is read from its JSON alone: a crash and a finding have the same exit code.

    second = look([("src/main.rs", "rust")], Path("."), rules, jobs=1)
    second.spotted, second.problems
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec

from guards.hits import CanaryResult, by_id
from guards.rule import RULES, Rule, load
from guards.semgrep_rules import FOLDER, rules_for, text_of
from guards.sighting import MAX_LINE_CHARS
from guards.tree import Skipped
from harness import process, tool
from harness.canonical import UNREADABLE

# The scan command of our own environment's semgrep. Its console script also imports the commands for servers and
# accounts, which takes half a second.
ENGINE = (sys.executable, "-c", "from semgrep.commands.scan import scan; scan(prog_name='semgrep scan')")
TIMEOUT_S = 300  # 1,200 Rust files take it half a minute, and candidates are few
FILE_TIMEOUT_S = 30  # of one rule on one file
# By language: the suffix that semgrep knows it by, and the file of its canaries.
LANGUAGES = {
    "rust": ("rs", "rust.rs"),
    "typescript": ("ts", "typescript.js"),
    "tsx": ("tsx", "typescript.js"),
    "javascript": ("js", "typescript.js"),
    "swift": ("swift", "swift.swift"),
}
_EXPECTED = re.compile(r"// (ruleid|ok): (\S+)$")


@dataclass(frozen=True)
class Spotted:
    """What semgrep found from `line` to `last`, at a column from 1: a symbol of one of these rules, the likeliest
    first."""

    path: str
    rules: tuple[str, ...]
    line: int
    last: int
    column: int
    text: str


@dataclass
class Second:
    """What came of it. With a problem or a file skipped, nobody can say that there is nothing more."""

    spotted: list[Spotted] = field(default_factory=list)
    canaries: list[CanaryResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    version: str = ""


class _Place(msgspec.Struct):
    line: int
    col: int
    offset: int


class _Metadata(msgspec.Struct):
    rules: list[str]


class _Extra(msgspec.Struct):
    metadata: _Metadata


class _Result(msgspec.Struct):
    path: str
    start: _Place
    end: _Place
    extra: _Extra


class _Error(msgspec.Struct):
    type: Any
    message: str = ""
    path: str = ""


class _Paths(msgspec.Struct):
    scanned: list[str]


class _Output(msgspec.Struct):
    version: str
    results: list[_Result]
    errors: list[_Error]
    paths: _Paths
    skipped_rules: list[Any]


def look(files: Sequence[tuple[str, str]], root: Path, rules: Sequence[Rule], jobs: int) -> Second:
    """What semgrep sees in these files (name, language) below `root`."""
    second = Second()
    with tempfile.TemporaryDirectory(prefix=process.WORK_PREFIX) as work:
        names = _copied(files, root, Path(work), second)
        output = _asked(Path(work), _configs(Path(work), rules), jobs, second)
        if output is not None:
            second.version = output.version
            _checked(output, names, second)
            _read(output, names, Path(work), by_id(rules), second)
            second.canaries = list(_judged(output, by_id(rules)))
    return second


def _copied(files: Sequence[tuple[str, str]], root: Path, work: Path, second: Second) -> dict[str, str]:
    """The names of the copies, and what each is a copy of; of canaries by their own."""
    names = {f"canary-{language}.{suffix}": "" for language, (suffix, _) in LANGUAGES.items()}
    for language, (suffix, canary) in LANGUAGES.items():
        shutil.copyfile(FOLDER / canary, work / f"canary-{language}.{suffix}")
    for number, (path, language) in enumerate(files):
        name = f"{number}.{LANGUAGES[language][0]}"
        try:
            shutil.copyfile(root / path, work / name)
        except OSError:
            second.skipped.append(Skipped(path, "gone during the scan"))
        else:
            names[name] = path
    return names


def _configs(work: Path, rules: Sequence[Rule]) -> list[Path]:
    """Our rules as they are kept, and those of the subject made here."""
    ours = {rule.id for rule in load(RULES)}
    own = [rule for rule in rules if rule.id not in ours]
    configs = [FOLDER]
    for family, config in rules_for(own).items() if own else ():
        configs.append(work / f"own-{family}.yaml")
        configs[-1].write_text(text_of(config), encoding="utf-8")
    return configs


def _asked(work: Path, configs: Sequence[Path], jobs: int, second: Second) -> _Output | None:
    """Semgrep's report; None when there is none."""
    quiet = ["--metrics=off", "--disable-version-check", "--quiet"]
    all_of_it = ["--no-git-ignore", "--max-target-bytes=0", f"--timeout={FILE_TIMEOUT_S}", f"--jobs={jobs}"]
    argv = [*ENGINE, "--json", *quiet, *all_of_it, *(f"--config={config}" for config in configs), "."]
    done = tool.run(argv, timeout_s=TIMEOUT_S, cwd=work, env={"HOME": str(work)})
    try:
        return msgspec.json.decode(done.stdout, type=_Output)
    except UNREADABLE:
        said = " ".join(done.stderr.split()[-60:])
        second.problems.append(f"semgrep ended with {done.returncode} and left no report: {said or 'it said nothing'}")
        return None


def _checked(output: _Output, names: dict[str, str], second: Second) -> None:
    """What keeps its silence from meaning that there is nothing."""
    for error in output.errors:
        kind = str(error.type[0] if isinstance(error.type, list) else error.type)
        path = names.get(error.path.removeprefix("./"))
        if path:
            partly = kind == "PartialParsing"
            second.skipped.append(Skipped(path, "not seen whole by semgrep", kind, undecided=not partly))
        else:
            second.problems.append(f"semgrep, {kind}: {' '.join(error.message.split())[:MAX_LINE_CHARS]}")
    second.problems += [f"semgrep skipped a rule: {rule}" for rule in output.skipped_rules]
    scanned = {path.removeprefix("./") for path in output.paths.scanned}
    for name, path in names.items():
        if name not in scanned and path:
            second.skipped.append(Skipped(path, "not seen whole by semgrep", "it did not scan it", undecided=True))
        elif name not in scanned:
            second.problems.append(f"semgrep did not scan {name}")


def _read(output: _Output, names: dict[str, str], work: Path, rules: dict[str, Rule], second: Second) -> None:
    for result in output.results:
        name = result.path.removeprefix("./")
        if names.get(name):
            start, end = result.start, result.end
            text = (work / name).read_bytes()[start.offset : end.offset].decode("utf-8", "replace")
            likely = _likely([rules[one] for one in result.extra.metadata.rules], text)
            shown = " ".join(text.split())[-MAX_LINE_CHARS:]
            second.spotted.append(Spotted(names[name], likely, start.line, end.line, start.col, shown))


def _likely(rules: Sequence[Rule], text: str) -> tuple[str, ...]:
    """Rules by how much of what they look for stands in a text that folds to one of them."""

    def shared(rule: Rule) -> int:
        parts = (SequenceMatcher(None, text.lower(), one.lower(), autojunk=False) for one in rule.literals)
        return max(part.find_longest_match().size for part in parts)

    return tuple(rule.id for rule in sorted(rules, key=shared, reverse=True))


def _judged(output: _Output, rules: dict[str, Rule]) -> Iterator[CanaryResult]:
    """Whether each line of the canaries was found, or left alone, as the comment above it says."""
    found = {
        (result.path.removeprefix("./"), line, rule)
        for result in output.results
        for line in range(result.start.line, result.end.line + 1)
        for rule in result.extra.metadata.rules
    }
    for language, (suffix, canary) in LANGUAGES.items():
        for number, line in enumerate((FOLDER / canary).read_text(encoding="utf-8").splitlines(), 1):
            expected = _EXPECTED.match(line)
            if expected and expected[2] in rules:
                bad = expected[1] == "ruleid"
                right = ((f"canary-{language}.{suffix}", number + 1, expected[2]) in found) == bad
                what = f"line {number + 1} is known {'bad, and was not found' if bad else 'good, and was found'}"
                name = f"semgrep/{language}/{expected[2]}"
                yield CanaryResult(name, rules[expected[2]].kind, bad, right, "" if right else what)
