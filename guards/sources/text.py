"""The front end of everything that no parser here reads: lines, their comments, and literals that stand in a row.

look("toml", 'path = "/api/v1/sync/token"  # retired', rules).sightings[0].role
'string'
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence

from guards.rule import Rule
from guards.sighting import Lines, Look, Role, Sighting
from guards.sources.matching import RuleSet

# How comments look, by language; "text" is any file of another name.
_HASH = r"(?<![\w\"'&$\\])#.*"
_COMMENTS: dict[str, str] = {
    "toml": r"^[ \t]*#.*|(?<=[\"'\]\d \t])#[^\"'\n]*$",
    "proto": r"//.*|/\*.*?\*/",
    "text": r"^[ \t]*(?:#|//|--|;;|<!--|/\*|\*[ /]).*|(?<=\s)(?:#|//) .*",
}
_COMMENT_FLAGS = re.MULTILINE
_BLOCK = re.compile(r"/\*.*?\*/|<!--.*?-->", re.DOTALL)
# Two literals with nothing but an operator of concatenation between them, in whatever language.
_SEAM = re.compile(r"([\"'`])\s*(?:\+|\.\.?|<>|&|\|\||~|,|\\)?\s*(?:\+\s*)?([\"'`])")
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`")


def look(language: str, text: str, rules: Sequence[Rule]) -> Look:
    """What one file shows, by its lines."""
    of_language, lines = RuleSet(rules, language), Lines.of(text)
    comments = _spans(re.compile(_COMMENTS.get(language, _COMMENTS["text"]), _COMMENT_FLAGS), text)
    if language != "toml":
        comments = sorted(comments + _spans(_BLOCK, text))
    strings = _spans(_QUOTED, text)
    found: list[Sighting] = []
    plain: set[int] = set()
    for match in of_language.matches(text):
        role: Role = (
            "comment" if _inside(comments, match.start) else "string" if _inside(strings, match.start) else "code"
        )
        line, column = lines.place(match.start)
        plain.add(line)
        found.append(Sighting(match.rule.id, match.symbol, role, line, column, "literal", lines.line(line)))
    together, cuts = joined(text)
    for match in of_language.matches(together) if cuts else ():
        if match.rule.near or match.rule.not_near:
            continue
        at = _before_cuts(match.start, cuts)
        line, column = lines.place(at)
        if line not in plain and not _inside(comments, at):
            source = lines.line(line)
            found.append(Sighting(match.rule.id, match.symbol, "string", line, column, "folded", source, match.symbol))
    return Look(tuple(found))


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


def _inside(spans: list[tuple[int, int]], offset: int) -> bool:
    at = bisect.bisect_right(spans, (offset, 1 << 60)) - 1
    return at >= 0 and offset < spans[at][1]


def joined(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without the seams between its literals, and where how much was cut:
    (offset in the new text, cut so far)."""
    parts: list[str] = []
    cuts: list[tuple[int, int]] = []
    at = length = 0
    for match in _SEAM.finditer(text):
        parts.append(text[at : match.start()])
        length += match.start() - at
        at = match.end()
        cuts.append((length, at - length))
    return "".join([*parts, text[at:]]), cuts


def _before_cuts(offset: int, cuts: list[tuple[int, int]]) -> int:
    at = bisect.bisect_right(cuts, (offset, 1 << 60)) - 1
    return offset + (cuts[at][1] if at >= 0 else 0)
