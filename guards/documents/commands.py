"""Code blocks that are marked as commands: a shell could read them.

list(command_faults(document, ("sh", "bash", "console")))
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ast_grep_py import SgRoot

from guards.documents.document import Code, Document
from guards.documents.faults import Fault
from guards.sources.nodes import of_kinds

# <name> and [options] are how documents write what the reader fills in; a shell would take < for a redirection.
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w .:-]*>|\[[\w=. -]+\]|\.\.\.|…")
_PROMPT = re.compile(r"^\s*[$#%>]\s+")


def command_faults(document: Document, languages: Collection[str]) -> Iterator[Fault]:
    """Blocks that do not parse, and empty ones."""
    for code in commands_of(document, languages):
        text = shell_text(code)
        if not text.strip():
            yield Fault("command", document.path, code.line, "a block that is marked as commands holds none")
            continue
        broken = of_kinds(SgRoot(text, "bash").root(), ("ERROR",))
        if broken:
            at = broken[0].range().start.line
            line = text.splitlines()[at].strip() if at < len(text.splitlines()) else ""
            message = f"no shell can read this command: {line}"
            yield Fault(
                "command", document.path, code.line + 1 + at, message, "write it as it is typed, or mark it as text"
            )


def commands_of(document: Document, languages: Collection[str]) -> list[Code]:
    return [code for code in document.codes if code.language in languages]


def shell_text(code: Code) -> str:
    """The commands alone: of a console block the lines with a prompt; what the reader fills in is one word."""
    lines = code.text.splitlines()
    if code.language == "console" or any(_PROMPT.match(line) and line.lstrip()[0] in "$%" for line in lines):
        lines = [_PROMPT.sub("", line) if _PROMPT.match(line) else "" for line in lines]
    return _PLACEHOLDER.sub("placeholder", "\n".join(lines))
