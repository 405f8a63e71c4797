"""The front end of every language that ast-grep parses: what stands there, and what the code puts together.

A symbol that stands in the text is always seen, whatever the parser makes of the file; syntax says what it is
(comment, string, code) and adds what only folding can find.

    look("rust", 'let j = concat!("phx_", "join");', rules, {}).sightings[0].how
    'folded'
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from ast_grep_py import SgNode, SgRoot

from guards.rule import Match, Rule
from guards.sighting import SCOPE_CHARS, How, Lines, Look, Role, Sighting, Spans
from guards.sources.folding import Folder
from guards.sources.grammars import GRAMMARS, Grammar
from guards.sources.matching import RuleSet
from guards.sources.nodes import of_kinds, span_of, unquoted
from guards.sources.text import CHANGES, put_together
from guards.sources.values import Values

ATTRIBUTE_CHARS = 120  # before a function: where Rust and Java say that it is a test
DOC_CHARS = 20  # before a literal: where Elixir says that it documents
_DOC = re.compile(r"@(?:module|type|short)?doc\s*(?:~[sS])?$")
_HOLES = re.compile(r"[{}$#%()\x00]")
_TEST_CALL = re.compile(r"\s*(?:it|test|describe|context|specify|property)\b")
_TEST_MARK = re.compile(r"#\[[^\]]*test|@Test|@ParameterizedTest")


def look(language: str, text: str, rules: Sequence[Rule], outside: Mapping[str, Values]) -> Look:
    """What one file shows. `outside` are constants that it may have from other files."""
    return _File(language, text, RuleSet(rules, language), outside).look()


class _File:
    def __init__(self, language: str, text: str, rules: RuleSet, outside: Mapping[str, Values]) -> None:
        self._grammar: Grammar = GRAMMARS[language]
        self._root = SgRoot(text, language).root()
        self._rules, self._lines, self._outside = rules, Lines.of(text), outside
        self._folder = Folder(self._grammar, self._root, outside)
        self._comments = Spans(map(span_of, of_kinds(self._root, self._grammar.comments)))
        self._strings = of_kinds(self._root, self._grammar.strings)
        self._string_spans = Spans(map(span_of, self._strings))
        self._functions: list[tuple[int, int]] | None = None

    def look(self) -> Look:
        plain = [(match, match.start) for match in self._rules.matches(self._lines.text)]
        sightings = [self._sighting(match, at, self._role(at), "literal") for match, at in plain]
        taken = sorted((at, at + match.end - match.start) for match, at in plain)
        sightings += self._folded(taken)
        if self._grammar.embeds:
            sightings += self._embedded({(one.line, one.rule) for one in sightings})
        own = self._folder.names.constants()
        pieces = {name: tuple(filter(self._rules.is_piece, own[name])) for name in own.keys() & self._piece_names}
        broken = next(iter(of_kinds(self._root, ("ERROR",))), None)
        problem = f"line {self._lines.place(broken.range().start.index)[0]} cannot be parsed" if broken else ""
        return Look(tuple(sightings), pieces, problem)

    def _role(self, offset: int) -> Role:
        if self._comments.around(offset) is not None:
            return "comment"
        literal = self._string_spans.around(offset)
        if literal is not None:
            return "comment" if _DOC.search(self._lines.text, max(0, literal - DOC_CHARS), literal) else "string"
        return "code" if self._grammar.code else "string"

    def _folded(self, taken: list[tuple[int, int]]) -> list[Sighting]:
        """What expressions stand for and their text does not show."""
        found: dict[tuple[int, int], Sighting] = {}
        for node in [*filter(self._is_worth_it, self._strings), *self._naming_nodes()]:
            whole = self._folder.whole(node)
            span = span_of(whole)
            at = bisect.bisect_left(taken, (span[0], 0))
            if (
                span in found
                or self._comments.around(span[0]) is not None
                or (at < len(taken) and taken[at][1] <= span[1])
            ):
                continue
            name = self._folder.name(whole)
            if name and not self._folder.names.is_outside(name):
                continue  # its definition is in this file, and is seen there
            values, before = self._folder.standing(whole)
            for match in self._rules.folded(values):
                if not any(match.symbol in value for value in before):
                    found[span] = self._sighting(match, span[0], "string", "constant" if name else "folded")
                    break
        return list(found.values())

    def _is_worth_it(self, node: SgNode) -> bool:
        """Whether a symbol can be made with this literal."""
        text = node.text()
        if "\\" in text:
            return True  # an escape hides what it says
        inner = unquoted(text)
        if self._rules.is_scrap(inner) or any(map(self._rules.is_piece, _HOLES.split(inner))):
            return True
        return not self._piece_names.isdisjoint(re.findall(r"\w+", inner))  # named within a template

    def _embedded(self, seen: set[tuple[int, str]]) -> Iterator[Sighting]:
        """What literals of a script within make together."""
        for match, at in put_together(self._lines.text, self._rules, CHANGES):
            place = self._lines.place(at)[0], match.rule.id
            if place not in seen and self._comments.around(at) is None:
                seen.add(place)
                yield self._sighting(match, at, "string", "folded")

    @cached_property
    def _piece_names(self) -> frozenset[str]:
        """Names that stand for a piece of a symbol."""
        known = self._folder.names.constants() | dict(self._outside)
        return frozenset(name for name, values in known.items() if any(map(self._rules.is_piece, values)))

    def _naming_nodes(self) -> list[SgNode]:
        """Where they stand: here may be an expression without a single literal."""
        if not self._piece_names:
            return []
        return [node for node in of_kinds(self._root, self._grammar.names) if node.text() in self._piece_names]

    def _sighting(self, match: Match, offset: int, role: Role, how: How) -> Sighting:
        line, column = self._lines.place(offset)
        value = match.symbol if how != "literal" else ""
        scope = self._scope(offset) if role != "comment" else ""
        return Sighting(match.rule.id, match.symbol, role, line, column, how, self._lines.line(line), value, scope)

    def _scope(self, offset: int) -> str:
        """The innermost test around this place: its text, with what is said right before it."""
        if self._functions is None:
            nodes = of_kinds(self._root, self._grammar.functions)
            self._functions = [span_of(node) for node in nodes]
        text = self._lines.text
        around = sorted((end - start, start, end) for start, end in self._functions if start <= offset < end)
        for _, start, end in around:
            first = max(text.rfind("}", 0, start) + 1, start - ATTRIBUTE_CHARS, 0)
            body = text.find("{", start, end)
            mark = _TEST_MARK.search(text, first, body if body >= 0 else end)
            if mark or _TEST_CALL.match(text, start):
                return text[min(start, mark.start() if mark else start) : end][:SCOPE_CHARS]
        return text[around[0][1] : around[0][2]][:SCOPE_CHARS] if around else ""
