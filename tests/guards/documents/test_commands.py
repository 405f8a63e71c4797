import pytest

from guards.documents.commands import command_faults
from guards.documents.document import Document

SHELLS = ("sh", "bash", "console")


def faults(language: str, text: str) -> list[int]:
    return [f.line for f in command_faults(Document.parse("a.md", f"# A\n\n```{language}\n{text}\n```\n"), SHELLS)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "make test && ls -l | head -3"),
        ("bash", 'for f in *.md; do echo "$f"; done'),
        ("sh", "signoff drill <id> --seed <n> [--shrink]"),
        ("console", '$ make test\nall is well (not a command: "\n$ ls'),
        ("python", "this is ( no shell"),
        ("", "nor ( this"),
    ],
)
def test_commands_that_a_shell_can_read(language: str, text: str) -> None:
    assert faults(language, text) == []


def test_a_command_that_no_shell_can_read() -> None:
    assert len(faults("sh", "make test\nif then ( fi")) == 1


def test_a_block_without_a_command() -> None:
    assert faults("sh", "") == [3]
