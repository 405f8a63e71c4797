"""The front end of every language that ast-grep parses: what stands there, and what the code puts together.

A symbol that stands in the text is always seen, whatever the parser makes of the file; syntax says what it is
(comment, string, code) and adds what only folding can find.

    look("rust", 'let j = concat!("phx_", "join");', rules, {}).sightings[0].how
    'folded'
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence

from ast_grep_py import SgNode, SgRoot

from guards.rule import Match, Rule
from guards.sighting import How, Lines, Look, Role, Sighting
from guards.sources.folding import Folder, Values, of_kinds
from guards.sources.grammars import GRAMMARS, Grammar
from guards.sources.matching import RuleSet

SCOPE_CHARS = 4_000  # of a test's text that is kept for judging what it asserts
ATTRIBUTE_CHARS = 120  # before a function: where Rust and Java say that it is a test
_TEST_CALL = re.compile(r"\s*(?:it|test|describe|context|specify|property)\b")
_HOLES = re.compile(r"[{}$#%()\x00]")
_TEST_MARK = re.compile(r"#\[[^\]]*test|@Test|@ParameterizedTest")


def look(language: str, text: str, rules: Sequence[Rule], outside: Mapping[str, Values]) -> Look:
    """What one file shows. `outside` are constants that it may have from other files."""
    return _File(language, text, RuleSet(rules, language), outside).look()


class _Spans:
    """Stretches of a text that do not overlap, asked by offset."""

    def __init__(self, nodes: Sequence[SgNode]) -> None:
        self._spans = sorted((node.range().start.index, node.range().end.index) for node in nodes)

    def __contains__(self, offset: int) -> bool:
        at = bisect.bisect_right(self._spans, (offset, 1 << 60)) - 1
        return at >= 0 and offset < self._spans[at][1]


class _File:
    def __init__(self, language: str, text: str, rules: RuleSet, outside: Mapping[str, Values]) -> None:
        self._grammar: Grammar = GRAMMARS[language]
        self._root = SgRoot(text, language).root()
        self._rules, self._lines, self._outside = rules, Lines.of(text), outside
        self._folder = Folder(self._grammar, self._root, outside)
        self._comments = _Spans(of_kinds(self._root, self._grammar.comments))
        self._strings = of_kinds(self._root, self._grammar.strings)
        self._string_spans = _Spans(self._strings)
        self._functions: list[tuple[int, int]] | None = None

    def look(self) -> Look:
        plain = [(match, match.start) for match in self._rules.matches(self._lines.text)]
        sightings = [self._sighting(match, at, self._role(at), "literal") for match, at in plain]
        taken = sorted((at, at + match.end - match.start) for match, at in plain)
        sightings += self._folded(taken)
        pieces = {
            name: kept
            for name, values in self._folder.constants().items()
            if (kept := tuple(value for value in values if self._rules.is_piece(value)))
        }
        broken = next(iter(of_kinds(self._root, ("ERROR",))), None)
        problem = f"line {self._lines.place(broken.range().start.index)[0]} cannot be parsed" if broken else ""
        return Look(tuple(sightings), pieces, problem)

    def _role(self, offset: int) -> Role:
        if offset in self._comments:
            return "comment"
        if offset in self._string_spans:
            return "string"
        return "code" if self._grammar.code else "string"

    def _folded(self, taken: list[tuple[int, int]]) -> list[Sighting]:
        """What expressions stand for and their text does not show."""
        found: dict[tuple[int, int], Sighting] = {}
        for start, end, values, how in self._expressions():
            at = bisect.bisect_left(taken, (start, 0))
            if at < len(taken) and taken[at][1] <= end:
                continue
            for match in self._rules.folded(values):
                if (start, end) not in found:
                    found[(start, end)] = self._sighting(match, start, "string", how)
        return list(found.values())

    def _expressions(self) -> list[tuple[int, int, Values, How]]:
        grammar, folder = self._grammar, self._folder
        named = self._naming_nodes()
        found: dict[tuple[int, int], tuple[int, int, Values, How]] = {}
        for node in [*filter(self._is_worth_it, self._strings), *named]:
            whole = folder.whole(node)
            span = whole.range().start.index, whole.range().end.index
            if span in found or span[0] in self._comments:
                continue
            values = folder.values(whole)
            how: How = "constant" if whole.kind() in grammar.names or whole.kind() in grammar.members else "folded"
            if how == "constant" and not self._is_outside(whole):
                continue  # its definition is in this file, and is seen there
            found[span] = (*span, values, how)
        return list(found.values())

    def _is_worth_it(self, node: SgNode) -> bool:
        """Whether a symbol can be made with this literal."""
        text = node.text()
        if "\\" in text:
            return True  # an escape hides what it says
        inner = text.strip("\"'`")
        return self._rules.is_scrap(inner) or any(map(self._rules.is_piece, _HOLES.split(inner)))

    def _naming_nodes(self) -> list[SgNode]:
        """Names that stand for a piece of a symbol: here may be an expression without a single literal."""
        names = {
            name
            for name, values in (self._folder.constants() | dict(self._outside)).items()
            if any(map(self._rules.is_piece, values))
        }
        if not names:
            return []
        names = self._folder.aliases(names)
        return [node for node in of_kinds(self._root, self._grammar.names) if node.text() in names]

    def _is_outside(self, node: SgNode) -> bool:
        return self._folder.is_outside(re.findall(r"\w+", node.text())[-1:])

    def _sighting(self, match: Match, offset: int, role: Role, how: How) -> Sighting:
        line, column = self._lines.place(offset)
        value = match.symbol if how != "literal" else ""
        scope = self._scope(offset) if role != "comment" else ""
        return Sighting(match.rule.id, match.symbol, role, line, column, how, self._lines.line(line), value, scope)

    def _scope(self, offset: int) -> str:
        """The innermost test around this place: its text, with what is said right before it."""
        if self._functions is None:
            nodes = of_kinds(self._root, self._grammar.functions)
            self._functions = [(node.range().start.index, node.range().end.index) for node in nodes]
        text = self._lines.text
        around = sorted((end - start, start, end) for start, end in self._functions if start <= offset < end)
        for _, start, end in around:
            before = text[max(0, start - ATTRIBUTE_CHARS) : start]
            before = before[before.rfind("}") + 1 :]
            if _TEST_CALL.match(text, start) or _TEST_MARK.search(before + text[start : start + ATTRIBUTE_CHARS]):
                return text[start:end][:SCOPE_CHARS]
        return text[around[0][1] : around[0][2]][:SCOPE_CHARS] if around else ""
