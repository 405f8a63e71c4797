"""The front end of everything that no parser here reads: lines, their comments, and what their literals make together.

look("toml", 'path = "/api/v1/sync/token"  # retired', rules).sightings[0].role
'string'
"""

from __future__ import annotations

import bisect
import html
import re
from collections.abc import Callable, Iterator, Sequence

from guards.rule import Match, Rule
from guards.sighting import Lines, Look, Role, Sighting, Spans
from guards.sources.matching import RuleSet
from guards.sources.values import filled, unescaped

# How comments look, by language; "text" is any file of another name.
_COMMENTS: dict[str, str] = {
    "toml": r"^[ \t]*#.*|(?<=[\"'\]\d \t])#[^\"'\n]*$",
    "proto": r"(?<![:\"'\w])//.*|/\*.*?\*/",  # no address in a literal
    "text": r"^[ \t]*(?:#|//|--|;;|<!--|/\*|\*[ /]).*|(?<=\s)(?:#|//) .*",
}
_COMMENT_FLAGS = re.MULTILINE
_BLOCK = re.compile(r"/\*.*?\*/|<!--.*?-->", re.DOTALL)
# Two literals with nothing but an operator of concatenation between them, in whatever language; a line that goes on.
_SEAM = re.compile(
    r"([\"'`])\s*(?:\+|\.\.?|<>|&|\|\||~|\\)?\s*([\"'`])|(?<=[^\s\\])\\\r?\n[ \t]*"
)  # fmt: skip
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`")
_ESCAPED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\\(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n])*'")
_REFERENCE = re.compile(r"&(?:#\d+|#[xX][0-9A-Fa-f]+|\w+);")
_ASSIGNED = re.compile(r"(?m)(?:^|[\s({,;$@])(\w+)[\"']?\s*(?::?\??=|:)\s*([\"'`]?)([^\"'`\s;,]+)\2[;,)]*\s*$")
_OPERATORS = r"(?:\+|\.\.?|<>|&|\|\|)"  # of concatenation

Cuts = list[tuple[int, int]]  # (offset in the new text, how much is to be added for one in the old)
Change = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def look(language: str, text: str, rules: Sequence[Rule]) -> Look:
    """What one file shows, by its lines."""
    of_language, lines = RuleSet.of(rules, language), Lines.of(text)
    comments = _spans(re.compile(_COMMENTS.get(language, _COMMENTS["text"]), _COMMENT_FLAGS), text)
    if language != "toml":
        comments += _spans(_BLOCK, text)
    commented, strings = Spans(comments), Spans(_spans(_QUOTED, text))
    found: list[Sighting] = []
    plain: set[tuple[int, str]] = set()
    for match in of_language.matches(text):
        role: Role = "comment" if match.start in commented else "string" if match.start in strings else "code"
        line, column = lines.place(match.start)
        plain.add((line, match.rule.id))
        found.append(Sighting(match.rule.id, match.symbol, role, line, column, "literal", lines.line(line)))
    changes = [*_named(text, of_language), *CHANGES, *((_FILLED, _ROW) if language == "text" else ())]
    for match, at in put_together(text, of_language, changes):
        line, column = lines.place(at)
        if (line, match.rule.id) not in plain and at not in commented:
            plain.add((line, match.rule.id))
            source = lines.line(line)
            found.append(Sighting(match.rule.id, match.symbol, "string", line, column, "folded", source, match.symbol))
    return Look(tuple(found))


def put_together(text: str, rules: RuleSet, changes: Sequence[Change]) -> Iterator[tuple[Match, int]]:
    """What stands in a text once these changes are made, and where in the old text."""
    new, maps = text, []
    for pattern, becomes in changes:
        changed, cuts = rewritten(new, pattern, becomes)
        if cuts:
            new = changed
            maps.append(cuts)
    if not maps:
        return
    for match in rules.folded((new,)):
        at = match.start
        for cuts in reversed(maps):
            at = _before_cuts(at, cuts)
        yield match, at


def joined(text: str) -> tuple[str, Cuts]:
    """The text without the seams between its literals."""
    return rewritten(text, _SEAM, lambda _: "")


def rewritten(text: str, pattern: re.Pattern[str], becomes: Callable[[re.Match[str]], str]) -> tuple[str, Cuts]:
    """The text with every match changed, and how to find a place of it in the old one."""
    parts: list[str] = []
    cuts: Cuts = []
    at = length = 0
    for match in pattern.finditer(text):
        new = becomes(match)
        if new == match.group():
            continue
        parts += [text[at : match.start()], new]
        length += match.start() - at + len(new)
        at = match.end()
        cuts.append((length, at - length))
    return "".join([*parts, text[at:]]), cuts


def _plain(match: re.Match[str]) -> str:
    return match.group() if match.group().startswith("'") else unescaped(match.group())


# Escapes in literals, character references, and literals in a row.
CHANGES: tuple[Change, ...] = (
    (_ESCAPED, _plain),
    (_REFERENCE, lambda match: html.unescape(match.group())),
    (_SEAM, lambda _: ""),
)
_INNER = re.compile(r"\"([^\"\n]*)\"")
# A template and the literals that fill it: `Sprintf("/api/%s", "a")`.
_FILLED: Change = (
    re.compile(r"\"([^\"\n]*(?:%[sv]|\{\d*\})[^\"\n]*)\"((?:\s*,\s*\"[^\"\n]*\")+)"),
    lambda match: f'"{filled(match[1], [(one,) for one in _INNER.findall(match[2])], lambda _: ())[0]}"',
)
# Literals between commas: in a language that is not known they may be what a function puts together.
_ROW: Change = (re.compile(r"[\"'`]\s*,\s*[\"'`]"), lambda _: "")


def _named(text: str, rules: RuleSet) -> list[Change]:
    """Names that stand for a piece of a symbol, put in where they are used: in a literal, or beside an operator."""
    pieces = {
        name: value
        for name, _, value in _ASSIGNED.findall(text)
        if rules.is_piece(value) and not any(rules.matches(value))
    }
    if not pieces:
        return []
    names = "|".join(map(re.escape, pieces))
    added = re.compile(rf"[$@]?\b({names})\b(?=\s*{_OPERATORS}\s*[\"'`$@\w])|(?<=[+.>&|] )[$@]?({names})\b")
    inside = re.compile(rf"\$\(({names})\)|[$#]?\{{\s*[$@]*({names})\s*\}}|\$({names})\b")
    return [
        (added, lambda match: f'"{pieces[match[1] or match[2]]}"'),
        (inside, lambda match: pieces[match[1] or match[2] or match[3]]),
    ]


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


def _before_cuts(offset: int, cuts: Cuts) -> int:
    at = bisect.bisect_right(cuts, (offset, 1 << 60)) - 1
    return offset + (cuts[at][1] if at >= 0 else 0)
