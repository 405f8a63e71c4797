"""The front end of documents: prose, code blocks, and retirement notes, by a CommonMark parser.

A retirement note is marked: a section whose heading says Retired, Retirement or Removed, a quotation that begins with
one of these words, or what stands between `<!-- retirement-note -->` and `<!-- /retirement-note -->`.

    look("## Retired routes\\n\\n`/api/v1/sync/token`\\n", rules).sightings[0].role
    'note'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from guards.rule import Rule
from guards.sighting import How, Lines, Look, Role, Sighting
from guards.sources.matching import RuleSet
from guards.sources.text import CHANGES, Change, put_together

_NOTE = re.compile(r"\W*(?:[\w-]+\W+){0,3}?(?:retired|retirement|removed)\b", re.IGNORECASE)
_MARK: Change = (re.compile(r"\\([!-/:-@\[-`{-~])"), lambda match: match[1])  # a mark of punctuation that is escaped
_OPEN, _CLOSE = "<!-- retirement-note -->", "<!-- /retirement-note -->"


def look(text: str, rules: Sequence[Rule]) -> Look:
    """What one document shows."""
    tokens = MarkdownIt("commonmark").parse(text)
    notes, comments = notes_of(tokens), _comments(tokens)
    lines, found = Lines.of(text), []
    rule_set = RuleSet.of(rules, "markdown")
    plain = [(match, match.start) for match in rule_set.matches(text)]
    seen = {(lines.place(at)[0], match.rule.id) for match, at in plain}
    folded = put_together(text, rule_set, [*CHANGES, _MARK])
    both = [*plain, *((match, at) for match, at in folded if (lines.place(at)[0], match.rule.id) not in seen)]
    for number, (match, at) in enumerate(both):
        line, column = lines.place(at)
        role: Role = "note" if line in notes else "comment" if line in comments else "prose"
        how: How = "literal" if number < len(plain) else "folded"
        value = "" if how == "literal" else match.symbol
        found.append(Sighting(match.rule.id, match.symbol, role, line, column, how, lines.line(line), value))
    return Look(tuple(found))


def notes_of(tokens: Sequence[Token]) -> set[int]:
    """The lines (from 1) that stand in a marked retirement note."""
    lines: set[int] = set()
    last = max((token.map[1] for token in tokens if token.map), default=0)
    opened = 0  # where a marked stretch began
    sections: list[tuple[int, int]] = []  # (level, first line) of sections that are notes
    for at, token in enumerate(tokens):
        start = token.map[0] + 1 if token.map else 0
        if token.type == "heading_open":
            level = int(token.tag[1])
            while sections and sections[-1][0] >= level:
                lines.update(range(sections.pop()[1], start))
            if _NOTE.match(tokens[at + 1].content):
                sections.append((level, start))
        elif token.type == "blockquote_open" and token.map and _NOTE.match(_first_words(tokens, at)):
            lines.update(range(start, token.map[1] + 1))
        elif token.type == "html_block" and _OPEN in token.content:
            opened = opened or start
        if token.type == "html_block" and _CLOSE in token.content and opened and token.map:
            lines.update(range(opened, token.map[1] + 1))
            opened = 0
    for _, first in sections:
        lines.update(range(first, last + 1))
    return lines


def _first_words(tokens: Sequence[Token], at: int) -> str:
    return next((token.content for token in tokens[at + 1 :] if token.type == "inline"), "")


def _comments(tokens: Sequence[Token]) -> set[int]:
    """The lines of HTML comments."""
    return {
        line
        for token in tokens
        if token.type == "html_block" and token.content.lstrip().startswith("<!--") and token.map
        for line in range(token.map[0] + 1, token.map[1] + 1)
    }
