"""The front end of every language that ast-grep parses: what stands there, and what the code puts together.

A symbol that stands in the text is always seen, whatever the parser makes of the file; syntax says what it is
(comment, string, code) and adds what only folding can find.

    look("rust", 'let j = concat!("phx_", "join");', rules, {}).sightings[0].how
    'folded'
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property

from ast_grep_py import SgNode, SgRoot

from guards.rule import Match, Rule
from guards.sighting import SCOPE_CHARS, How, Lines, Look, Role, Sighting, Spans
from guards.sources.calls import REPLACING
from guards.sources.definitions import Definitions, mentions, renames_of
from guards.sources.folding import Folder
from guards.sources.grammars import GRAMMARS, Grammar
from guards.sources.matching import RuleSet
from guards.sources.nodes import Span, named_in, of_kinds, span_of, unquoted
from guards.sources.pieces import MIN_PIECE_CHARS, squeezed
from guards.sources.text import CHANGES, put_together
from guards.sources.values import Values, unescaped

ATTRIBUTE_CHARS = 120  # before a function: where Rust and Java say that it is a test
DOC_CHARS = 20  # before a literal: where Elixir says that it documents
_DOC = re.compile(r"@(?:module|type|short)?doc\s*(?:~[sS])?$")
_WORD = re.compile(r"\w+")
_HOLES = re.compile(r"[{}$#%()\x00]")
_PLACES = re.compile(r"%[-+ #.\d]*[a-zA-Z@]|\$\w+")
_PREFIX = re.compile(r"[a-zA-Z@]{1,3}(?=[\"'])|~[a-zA-Z]+")  # of a literal of another kind
_REPLACING = re.compile(REPLACING, re.IGNORECASE)
_TEST_CALL = re.compile(r"\s*(?:it|test|describe|context|specify|property)\b")
_TEST_MARK = re.compile(r"#\[[^\]]*test|@Test|@ParameterizedTest")


def look(
    language: str, text: str, rules: Sequence[Rule], outside: Mapping[str, Values], *, shares: bool = False
) -> Look:
    """What one file shows. `outside` are constants that it may have from other files; with `shares` it is asked for
    its own, too."""
    return _File(language, text, RuleSet.of(rules, language), outside, shares=shares).look()


def _parts(text: str) -> frozenset[bytes]:
    """The texts of a literal between what is filled in, in every way that it can be read."""
    prefix = _PREFIX.match(text)
    inner = unquoted(text[prefix.end() :] if prefix else text)
    parts = _HOLES.split(inner)
    if "\\" in inner:
        parts += _HOLES.split(unescaped(inner))
    if "%" in inner or "$" in inner:
        parts += _PLACES.split(inner)
    if text.startswith("~"):  # a sigil, of words perhaps
        parts += inner.split()
    return frozenset(part.encode() for part in parts)


def _is_glue(text: str) -> bool:
    return not squeezed(text.encode())


class _File:
    def __init__(
        self, language: str, text: str, rules: RuleSet, outside: Mapping[str, Values], *, shares: bool
    ) -> None:
        self._grammar: Grammar = GRAMMARS[language]
        self._root = SgRoot(text, language).root()
        self._rules, self._lines, self._outside, self._shares = rules, Lines.of(text), outside, shares
        self._strings = of_kinds(self._root, self._grammar.strings)
        self._texts = [node.text() for node in self._strings]
        self._parts = {text: _parts(text) for text in {*self._texts}}
        self._makeable = self._made()

    def look(self) -> Look:
        plain = [(match, match.start) for match in self._rules.matches(self._lines.text)]
        sightings = [self._sighting(match, at, self._role(at), "literal") for match, at in plain]
        if self._makeable:
            sightings += self._folded(sorted((at, at + match.end - match.start) for match, at in plain))
        if self._grammar.embeds:
            sightings += self._embedded({(one.line, one.rule) for one in sightings})
        broken = next(iter(of_kinds(self._root, ("ERROR",))), None)
        problem = f"line {self._lines.place(broken.range().start.index)[0]} cannot be parsed" if broken else ""
        return Look(tuple(sightings), self._constants() if self._shares else {}, problem)

    def _made(self) -> frozenset[int]:
        """What the literals of this file, and the constants that it has from others, can make."""
        pieces = self._rules.pieces
        outside = (value.encode() for values in self._outside.values() for value in values)
        parts = frozenset().union(*self._parts.values(), outside)
        return pieces.made_of(parts) | (pieces.worded_in(parts) if _REPLACING.search(self._lines.text) else frozenset())

    def _constants(self) -> dict[str, Values]:
        """What others may use: names that stand for a piece of a symbol."""
        own = self._pieces[0].names.constants()
        pieces = {name: tuple(filter(self._rules.is_piece, values)) for name, values in own.items()}
        return {name: values for name, values in pieces.items() if values}

    def _literals(self, worth: Container[str]) -> list[SgNode]:
        """Those whose text is among these."""
        return [node for node, text in zip(self._strings, self._texts, strict=True) if text in worth]

    @cached_property
    def _in_makeable(self) -> frozenset[str]:
        """The texts of literals with which a symbol that this file can make may be made."""
        places, makeable = self._rules.pieces.places, self._makeable
        return frozenset(
            text
            for text, parts in self._parts.items()
            if any(number in makeable for part in parts for number, _, _ in places(part))
        )

    def _is_in_any(self, text: str) -> bool:
        """Whether any symbol may be made with it, here or elsewhere, or it may join what makes one."""
        return any(0 < len(part) < MIN_PIECE_CHARS or self._rules.is_piece(part.decode()) for part in self._parts[text])

    @cached_property
    def _pieces(self) -> tuple[Folder, frozenset[str]]:
        """The definitions that are about symbols: around a literal that may make one, around what only joins, or around
        a name of a piece; and these names."""
        about = {*filter(self._is_in_any, self._parts)} if self._shares else self._in_makeable
        glue = self._literals({*filter(_is_glue, self._parts)})
        literals = [*self._literals(about), *(one for one in glue if not self._is_joined(one))]
        spots = [span_of(node)[0] for node in literals]
        definitions, text = Definitions(self._root, self._grammar), self._lines.text
        names, fresh = frozenset[str](), frozenset(self._outside)
        while True:
            spots += mentions(text, fresh)
            names |= fresh
            renames = list(renames_of(text)) if names or self._shares else []
            folder = Folder(self._grammar, definitions.read(spots), renames, self._outside)
            fresh = frozenset(filter(lambda name: self._is_piece_name(folder, name), folder.names)) - names
            if not fresh:
                return folder, names

    def _is_piece_name(self, folder: Folder, name: str) -> bool:
        """Whether it stands for a piece of a symbol, or for a list."""
        return any(map(self._rules.is_piece, folder.names.named(name))) or folder.is_list_name(name)

    def _is_joined(self, node: SgNode) -> bool:
        around = node.parent()
        return around is not None and around.kind() in self._grammar.joins

    @cached_property
    def _comments(self) -> Spans:
        return Spans(map(span_of, of_kinds(self._root, self._grammar.comments)))

    @cached_property
    def _string_spans(self) -> Spans:
        return Spans(map(span_of, self._strings))

    @cached_property
    def _functions(self) -> list[Span]:
        return [span_of(node) for node in of_kinds(self._root, self._grammar.functions)]

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
        folder, _ = self._pieces
        for node in self._seeds():
            whole = folder.whole(node)
            span = span_of(whole)
            at = bisect.bisect_left(taken, (span[0], 0))
            if (
                span in found
                or self._comments.around(span[0]) is not None
                or (at < len(taken) and taken[at][1] <= span[1])
            ):
                continue
            name = folder.name(whole)
            if name and not folder.names.is_outside(name):
                continue  # its definition is in this file, and is seen there
            values, before = folder.standing(whole)
            for match in self._rules.folded(values):
                if not any(match.symbol in value for value in before):
                    found[span] = self._sighting(match, span[0], "string", "constant" if name else "folded")
                    break
        return list(found.values())

    def _embedded(self, seen: set[tuple[int, str]]) -> Iterator[Sighting]:
        """What literals of a script within make together."""
        for match, at in put_together(self._lines.text, self._rules, CHANGES):
            place = self._lines.place(at)[0], match.rule.id
            if place not in seen and self._comments.around(at) is None:
                seen.add(place)
                yield self._sighting(match, at, "string", "folded")

    def _seeds(self) -> list[SgNode]:
        """Literals that symbols may be made with, and where the names stand that may stand for such: in templates too,
        and in expressions without a single literal."""
        _, names = self._pieces
        if not names:
            return self._literals(self._in_makeable)
        naming = {text for text in self._parts if not names.isdisjoint(_WORD.findall(text))}
        return [*self._literals(self._in_makeable | naming), *named_in(self._root, self._grammar, names)]

    def _sighting(self, match: Match, offset: int, role: Role, how: How) -> Sighting:
        line, column = self._lines.place(offset)
        value = match.symbol if how != "literal" else ""
        scope = self._scope(offset) if role != "comment" else ""
        return Sighting(match.rule.id, match.symbol, role, line, column, how, self._lines.line(line), value, scope)

    def _scope(self, offset: int) -> str:
        """The innermost test around this place: its text, with what is said right before it."""
        text = self._lines.text
        around = sorted((end - start, start, end) for start, end in self._functions if start <= offset < end)
        for _, start, end in around:
            first = max(text.rfind("}", 0, start) + 1, start - ATTRIBUTE_CHARS, 0)
            body = text.find("{", start, end)
            mark = _TEST_MARK.search(text, first, body if body >= 0 else end)
            if mark or _TEST_CALL.match(text, start):
                return text[min(start, mark.start() if mark else start) : end][:SCOPE_CHARS]
        return text[around[0][1] : around[0][2]][:SCOPE_CHARS] if around else ""
