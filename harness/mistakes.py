"""What is wrong with a signoff.toml, in words: every problem with its line, and a suggestion where a known key is near.

Owns the wording; leaves what is right to harness.config. Pure.

    raise ConfigError(in_words(error, path, text, Config))
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from pydantic import BaseModel, ValidationError


def in_words(error: ValidationError, path: Path, text: str, root: type[BaseModel]) -> str:
    """All problems of a file, one line each. `root` is the model of the whole file."""
    lines = []
    for problem in error.errors():
        keys = tuple(str(part) for part in problem["loc"])
        dotted = ".".join(keys)
        where, said = f"{path}:{line_of(text, keys)}", problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = _known_keys(root, keys[:-1])
            guess = difflib.get_close_matches(keys[-1], known, n=1)
            advice = f"; did you mean {guess[0]!r}?" if guess else f"; known are {', '.join(known)}"
            lines.append(f"{where}: unknown key {dotted!r}{advice}")
        elif problem["type"] == "missing":
            lines.append(f"{where}: {dotted!r} is missing")
        elif isinstance(problem["input"], dict):
            lines.append(f"{where}: {dotted}: {said}")  # a whole table says nothing, and may hold a secret
        else:
            lines.append(f"{where}: {dotted}: {said}, got {problem['input']!r}")
    return "\n".join(lines)


def line_of(text: str, keys: tuple[str, ...]) -> int:
    """The line where this key, or the nearest table above it, stands: good enough to look there."""
    named = [key for key in keys if not key.isdigit()]
    lines = text.splitlines()
    table = 0
    for depth in range(len(named), 0, -1):
        header = re.compile(rf"^\s*\[\[?\s*{re.escape('.'.join(named[:depth]))}\s*\]\]?")
        found = next((number for number, line in enumerate(lines) if header.match(line)), None)
        if found is not None:
            table = found
            if depth == len(named):
                return table + 1  # the table itself is meant, and not a key of its name somewhere below
            break
    if named:
        assignment = re.compile(rf"^\s*(?:[\w.]+\.)?{re.escape(named[-1])}\s*=|[{{,]\s*{re.escape(named[-1])}\s*=")
        for number in range(table, len(lines)):
            if assignment.search(lines[number]):
                return number + 1
    return table + 1


def _known_keys(root: type[BaseModel], prefix: tuple[str, ...]) -> list[str]:
    """The keys that the model at this place knows."""
    model = root
    for key in prefix:
        if key.isdigit() or key not in model.model_fields:
            continue
        inner = _model_in(model.model_fields[key].annotation)
        if inner is None:
            return []
        model = inner
    return sorted(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
