"""The documents hold together: links lead somewhere, what is generated is fresh, counts and codes are as said."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.cli import app
from harness.config import Config
from harness.evidence.requirements import load as load_expected
from harness.host import ROOT
from harness.verdict import Exit
from tests.docs import commands

PARSER = MarkdownIt("commonmark").enable("table")
OUTSIDE = {"build", "target", "node_modules", "corpora", "canaries"}
INDEXES = (
    "README.md", "docs/README.md", "docs/adr/README.md", "fixtures/reference/README.md",
    "fixtures/reference/docs/README.md",
)  # fmt: skip


def documents() -> list[Path]:
    """Every Markdown file of the repository; of reports/ only the page that explains it."""
    found = [ROOT / "reports" / "README.md"]
    for path in ROOT.rglob("*.md"):
        parts = path.relative_to(ROOT).parts
        if parts[0] != "reports" and not any(part.startswith(".") or part in OUTSIDE for part in parts):
            found.append(path)
    return sorted(found)


def tokens(path: Path) -> Iterator[Token]:
    for token in PARSER.parse(path.read_text()):
        yield token
        yield from token.children or ()


def links(path: Path) -> list[str]:
    return [str(token.attrGet("href")) for token in tokens(path) if token.type == "link_open"]


def plain(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))


def anchors(path: Path) -> set[str]:
    """Anchors of the headings, as GitHub and GitLab make them."""
    parsed = PARSER.parse(path.read_text())
    titles = [plain(after) for token, after in pairwise(parsed) if token.type == "heading_open"]
    return {"".join(c for c in title.lower() if c.isalnum() or c in " -_").replace(" ", "-") for title in titles}


def fences(path: Path, language: str) -> list[str]:
    return [token.content for token in tokens(path) if token.type == "fence" and token.info.strip() == language]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def target(path: Path, link: str) -> tuple[Path, str]:
    """(file, anchor) of a link within the repository."""
    parts = urlsplit(link)
    return ((path.parent / unquote(parts.path)).resolve() if parts.path else path), parts.fragment


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_links_and_anchors_resolve(path: Path) -> None:
    problems = []
    for link in links(path):
        if urlsplit(link).scheme:
            continue
        file, anchor = target(path, link)
        if not file.exists():
            problems.append(f"{name_of(path)}: {link}: there is no such file")
        elif not file.is_relative_to(ROOT):
            problems.append(f"{name_of(path)}: {link}: leads out of the repository")
        elif anchor and anchor not in anchors(file):
            problems.append(f"{name_of(path)}: {link}: there is no such heading")
    assert not problems, "\n".join(problems)


def test_a_broken_link_and_a_broken_anchor_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# A title, with `code`\n\n[a](gone.md) [b](#a-title-with-code) [c](#other) `[d](no-link.md)`\n")
    assert links(path) == ["gone.md", "#a-title-with-code", "#other"]
    assert anchors(path) == {"a-title-with-code"}


def test_every_document_is_linked_from_an_index() -> None:
    linked = {target(ROOT / index, link)[0] for index in INDEXES for link in links(ROOT / index)}
    wanted = [*documents(), *(ROOT / "docs").rglob("*.json")]
    wanted = [path for path in wanted if "archive" not in path.parts]  # no active index points there
    missing = [name_of(path) for path in wanted if path not in linked and name_of(path) != "README.md"]
    assert not missing, f"no index links to {missing}"


def test_the_command_list_is_fresh() -> None:
    text = commands.README.read_text()
    assert text == commands.with_commands(text), "run python -m tests.docs.commands"


def signoff_lines() -> list[tuple[str, str]]:
    lines = [(path, line) for path in documents() for block in fences(path, "sh") for line in block.splitlines()]
    return [(name_of(path), line) for path, line in lines if line.startswith(".venv/bin/signoff ")]


@pytest.mark.parametrize(("where", "line"), signoff_lines())
def test_commands_in_documents_are_understood(where: str, line: str) -> None:
    """Parsed by the command line itself, and not run."""
    words = line.replace("<id>", "D01").split()[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"{where}: {line}"
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def test_modules_in_commands_exist() -> None:
    for path in documents():
        for block in fences(path, "sh"):
            for line in block.splitlines():
                words = line.split()
                if words[:2] == [".venv/bin/python", "-m"]:
                    assert (ROOT / words[2].replace(".", "/")).with_suffix(".py").is_file(), f"{name_of(path)}: {line}"
                elif words[:1] == [".venv/bin/python"]:
                    assert (ROOT / words[1]).is_file(), f"{name_of(path)}: {line}"


def test_the_index_of_decisions_is_complete() -> None:
    index = ROOT / "docs" / "adr" / "README.md"
    text = index.read_text()
    for path in sorted(index.parent.glob("0*.md")):
        lines = path.read_text().splitlines()
        title, status = lines[0].removeprefix("# "), lines[2].removeprefix("- Status: ")
        assert f"| [{title}]({path.name}) | {status} |" in text, f"{path.name} is not in the index as it stands"
        headings = [line for line in lines if line.startswith("## ")]
        assert headings == ["## Context", "## Decision", "## Consequences"], path.name
        assert lines[3].startswith("- Date: "), path.name


@pytest.mark.parametrize("page", ["README.md", "docs/exit-codes.md"])
def test_every_exit_code_is_explained(page: str) -> None:
    rows = [line.split("|")[1].strip() for line in (ROOT / page).read_text().splitlines() if line.startswith("| ")]
    assert {str(int(code)) for code in Exit} <= set(rows)


def test_the_readme_counts_gates_as_they_are() -> None:
    expected = load_expected(ROOT / "gates")
    missing = len(expected.not_built)
    said = f"{len(expected.gates) - missing} gates of the {len(expected.gates)} that the requirements name are built"
    text = (ROOT / "README.md").read_text()
    assert said in text
    assert f"The other {missing} " in text


def test_the_example_of_a_configuration_is_one() -> None:
    (example,) = [b for b in fences(ROOT / "docs" / "configuration.md", "toml") if b.startswith("version = 1")]
    config = Config.model_validate(tomllib.loads(example))
    assert config.runtime is not None
    assert config.control is None
    assert config.desktop is None
