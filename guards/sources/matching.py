"""Rules against the text of one file: plain matches, and texts that hold a piece of a symbol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from guards.rule import Match, Rule

MIN_PIECE_CHARS = 3  # shorter constants are everywhere, and a symbol cut that small has a longer piece beside it


class RuleSet:
    """The rules that concern one language, and what their symbols can be made of."""

    def __init__(self, rules: Sequence[Rule], language: str) -> None:
        self.rules = tuple(rule for rule in rules if not rule.languages or language in rule.languages)

    def matches(self, text: str) -> Iterator[Match]:
        """Every match of every rule."""
        if self._any.search(text):
            for rule in self.rules:
                yield from rule.matches(text)

    @cached_property
    def _any(self) -> re.Pattern[str]:
        """What every text with a match has in it: most texts are done with one search."""
        loose = (re.escape(literal).replace("_", r"[_\-]?") for literal in self._literals)
        return re.compile("|".join(loose) or r"(?!)", re.IGNORECASE)

    def folded(self, values: Iterable[str]) -> Iterator[Match]:
        """Matches in texts that were put together: of rules that need no line around them."""
        for value in values:
            for match in self.matches(value):
                if not match.rule.near and not match.rule.not_near:
                    yield match

    @cached_property
    def _literals(self) -> tuple[str, ...]:
        return tuple({literal.lower() for rule in self.rules for literal in rule.literals})

    def is_piece(self, value: str) -> bool:
        """Whether a symbol can be made with this text: it holds one, is inside of one, or ends or begins one."""
        text = value.lower()
        if len(text) < MIN_PIECE_CHARS:
            return False
        return any(
            text in literal
            or literal in text
            or any(
                text.endswith(literal[:n]) or text.startswith(literal[-n:])
                for n in range(MIN_PIECE_CHARS, len(literal))
            )
            for literal in self._literals
        )
