"""Rules against the text of one file: plain matches, and texts that hold a piece of a symbol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache

from ahocorasick_rs import AhoCorasick

from guards.rule import Match, Rule
from guards.sources.pieces import MIN_PIECE_CHARS, Pieces


class RuleSet:
    """The rules that concern one language, and what their symbols can be made of."""

    def __init__(self, rules: Sequence[Rule], language: str) -> None:
        self.rules = tuple(rule for rule in rules if not rule.languages or language in rule.languages)

    @classmethod
    def of(cls, rules: Sequence[Rule], language: str) -> RuleSet:
        """The same one every time: what it knows of its symbols takes longer to work out than to read a file."""
        return _rule_set(tuple(rules), language)

    def matches(self, text: str) -> Iterator[Match]:
        """Every match of every rule."""
        if self._any.find_matches_as_indexes(_even(text)):
            for rule in self.rules:
                yield from rule.matches(text)

    @cached_property
    def _any(self) -> AhoCorasick:
        """What every text with a match has in it: most texts are done with one search."""
        return AhoCorasick(sorted(set(map(_even, self._literals))))

    def folded(self, values: Iterable[str]) -> Iterator[Match]:
        """Matches in texts that were put together: of rules that need no line around them."""
        for value in values:
            for match in self.matches(value):
                if not match.rule.near and not match.rule.not_near:
                    yield match

    @cached_property
    def _literals(self) -> tuple[str, ...]:
        return tuple(sorted({literal.lower() for rule in self.rules for literal in rule.literals}))

    @cached_property
    def pieces(self) -> Pieces:
        """What its symbols can be made of."""
        return Pieces([literal.encode() for literal in self._literals])

    @cached_property
    def _pieces(self) -> frozenset[str]:
        """Every stretch of every symbol that is long enough to be one."""
        return frozenset(
            literal[start:end]
            for literal in self._literals
            for start in range(len(literal))
            for end in range(start + MIN_PIECE_CHARS, len(literal) + 1)
        )

    @cached_property
    def _ends(self) -> tuple[frozenset[str], frozenset[str], tuple[int, ...]]:
        """(beginnings of symbols, their ends, the lengths that these have)."""
        lengths = tuple(range(MIN_PIECE_CHARS, max(map(len, self._literals), default=0) + 1))
        heads = frozenset(literal[:n] for literal in self._literals for n in lengths if n <= len(literal))
        tails = frozenset(literal[-n:] for literal in self._literals for n in lengths if n <= len(literal))
        return heads, tails, lengths

    def is_piece(self, value: str) -> bool:
        """Whether a symbol can be made with this text: it holds one, is inside of one, or ends or begins one."""
        text = value.lower()
        if text in self._pieces or any(literal in text for literal in self._literals):
            return True
        heads, tails, lengths = self._ends
        return any(text[-n:] in heads or text[:n] in tails for n in lengths if n <= len(text))


@lru_cache(maxsize=64)
def _rule_set(rules: tuple[Rule, ...], language: str) -> RuleSet:
    return RuleSet(rules, language)


def _even(text: str) -> str:
    """Without the marks and capitals in which names differ."""
    return text.lower().replace("_", "").replace("-", "")
