"""`{placeholders}` of signoff.toml, filled in when their values are known.

A text that is one placeholder and nothing else takes the value's own type, so that a payload stays an object;
inside a longer text the value is written as text. `{{` and `}}` are braces.

    >>> fill({"a": "{n}", "b": "x-{n}"}, {"n": 3})
    {'a': 3, 'b': 'x-3'}
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from harness.canonical import Json
from harness.errors import ConfigError

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-z_][a-z0-9_.]*)\}")
_WHOLE = re.compile(r"^\{([a-z_][a-z0-9_.]*)\}$")


def fill(value: Json, variables: Mapping[str, Json]) -> Json:
    """`value` with all placeholders filled in. ConfigError for one that is not known here."""
    if isinstance(value, dict):
        return {fill_text(key, variables): fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = _WHOLE.match(value)
    return _look_up(whole[1], variables) if whole else fill_text(value, variables)


def fill_text(text: str, variables: Mapping[str, Json]) -> str:
    """A text with its placeholders written in."""

    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return str(_look_up(match[1], variables))

    return _PLACEHOLDER.sub(replace, text)


def placeholders(value: Json) -> set[str]:
    """The names of all placeholders in a template."""
    if isinstance(value, dict):
        return set().union(*(placeholders(key) | placeholders(item) for key, item in value.items()))
    if isinstance(value, list):
        return set().union(*map(placeholders, value))
    return {match[1] for match in _PLACEHOLDER.finditer(value) if match[1]} if isinstance(value, str) else set()


def _look_up(name: str, variables: Mapping[str, Json]) -> Json:
    if name not in variables:
        guess = difflib.get_close_matches(name, variables, n=1)
        hint = f"did you mean {{{guess[0]}}}?" if guess else f"known here are {', '.join(sorted(variables))}"
        raise ConfigError(f"the placeholder {{{name}}} is not known here", hint=hint)
    return variables[name]
