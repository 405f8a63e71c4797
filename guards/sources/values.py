"""Texts that are not written as they are: escapes, templates with places, and every way to choose among alternatives.

filled("/api/%s/token", [("sync",)], lambda name: ())
('/api/sync/token',)
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence

HOLE = "\x00"  # a part that is not known
MAX_VALUES = 8  # of one expression: a name with more definitions than this is not followed further

Values = tuple[str, ...]

_PLACE = re.compile(
    r"\{\{|\}\}|\{(\w*)(?::[^{}]*)?\}|%(?:(\d+)\$|\((\w+)\))?[-+#0 ]*\d*(?:\.\d+)?[sdvq@]|\$\{?(\w+)\}?"
)
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f_]+)\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-7]{1,3})|N\{([^}]+)\}|\r?\n[ \t]*|(.))",
    re.DOTALL,
)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def unescaped(text: str) -> str:
    """The characters that escapes of the usual kinds stand for."""

    def plain(match: re.Match[str]) -> str:
        wide, four, two, octal, name, one = match.groups(default="")
        if digits := wide or four or two:
            return chr(min(int(digits.replace("_", "") or "0", 16), 0x10FFFF))
        if octal:
            return chr(int(octal, 8))
        if name:
            return _called(name) or match.group()
        return _PLAIN_ESCAPES.get(one, one)

    return characters(_ESCAPE.sub(plain, text))


def characters(text: str) -> str:
    """The text with escaped pairs as the characters that they are; half of a pair is none, and cannot be searched."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _called(name: str) -> str:
    """The character of this name, "" when there is none."""
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return ""


def product(parts: Sequence[Values], glue: str = "") -> Values:
    """Every text that these parts can make, at most MAX_VALUES."""
    return tuple(itertools.islice(map(glue.join, itertools.product(*parts)), MAX_VALUES))


def filled(template: str, arguments: Sequence[Values], named: Callable[[str], Values]) -> Values:
    """A format string with its places filled: by order, by number, or by name."""
    parts: list[Values] = []
    at = taken = 0
    for match in _PLACE.finditer(template):
        parts.append((template[at : match.start()],))
        at = match.end()
        whole, name = match.group(), next(filter(None, match.groups()), "")
        if whole in ("{{", "}}"):
            parts.append((whole[0],))
        elif name.isdigit():
            place = int(name) - (match.group(2) is not None)
            parts.append(arguments[place] if 0 <= place < len(arguments) else (HOLE,))
        elif name:
            parts.append(named(name) or (HOLE,))
        else:
            parts.append(arguments[taken] if taken < len(arguments) else (HOLE,))
            taken += 1
    parts.append((template[at:],))
    return product(parts)
