"""Which names a file defines and what it adds to them, by its syntax tree: declarations, assignments, keys of objects,
members of enums, attributes of modules, and calls that make a text longer.

    [one.name for one in Definitions(SgRoot('const A: &str = "phx_";', "rust").root(), GRAMMARS["rust"]).read([17])]
    ['A']
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ast_grep_py import SgNode

from guards.sources.grammars import Grammar
from guards.sources.nodes import BETWEEN, Span, names_in, of_kinds, span_of

# Another name for one: `a as b` of an import or an export, `{a: b} =` of what is taken apart.
_RENAMED = re.compile(r"\b(\w+)\s+as\s+(\w+)|[{,]\s*(\w+)\s*:\s*(\w+)\s*(?=[,}][^;\n]*=)")
_ADDING = ("push", "append")
_GROWING = re.compile(r"\b(\w+)\s*\.\s*(?:push_str|append|push)\s*\(")  # a call that adds to a name
_SIGNS = ("=", ":=", ":")  # of a definition: the first that a node has
_TAKEN_APART = frozenset(
    {"object_pattern", "array_pattern", "tuple_pattern", "struct_pattern", "pattern_list", "tuple"}
)
_ROWS = frozenset({"array", "tuple_expression", "expression_list", "tuple", "list"})
_ENTRIES = frozenset({"enum_entry", "enum_constant"})  # of enums that give their members a text
_ASSIGNED = frozenset({"directly_assignable_expression"})


@dataclass(frozen=True)
class Definition:
    """`node` is what the name stands for, or what is added to it; `place` where that stands."""

    name: str
    node: SgNode
    place: Span
    grows: bool = False


class Definitions:
    """The definitions of one file, each read when somebody asks for its place: a file has hundreds, and few of them are
    about a symbol."""

    def __init__(self, root: SgNode, grammar: Grammar) -> None:
        text = root.text()
        calls = grammar.calls if any(word in text for word in _ADDING) and _GROWING.search(text) else ()
        self._grammar = grammar
        self._nodes = of_kinds(root, {*grammar.definitions, *grammar.growths, *calls})
        self._spans = [span_of(node) for node in self._nodes]
        self._read: dict[int, list[Definition]] = {}

    def read(self, spots: Iterable[int]) -> list[Definition]:
        """Those around these places, and all that were read before, in the order of the text."""
        ordered = sorted(spots)
        for at, span in enumerate(self._spans):
            if at not in self._read and _is_around(span, ordered):
                self._read[at] = list(_read(self._nodes[at], self._grammar))
        return [one for at in sorted(self._read) for one in self._read[at]]


def mentions(text: str, names: Collection[str]) -> Iterator[int]:
    """Where these names stand."""
    if names:
        words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")
        yield from (match.start() for match in words.finditer(text))


def _is_around(span: Span, spots: list[int]) -> bool:
    at = bisect.bisect_left(spots, span[0])
    return at < len(spots) and spots[at] < span[1]


def renames_of(text: str) -> Iterator[tuple[str, str]]:
    """(name, what else it is called)"""
    for one, other, key, local in _RENAMED.findall(text):
        yield one or key, other or local


def _read(node: SgNode, grammar: Grammar) -> Iterator[Definition]:
    children = node.children()
    texts = [child.text() if not child.is_named() else "" for child in children]
    sign = next((sign for sign in _SIGNS if sign in texts), "")
    if "+=" in texts:
        at = texts.index("+=")
        yield from _grown(node, _target(children[:at], grammar), children[at + 1 :])
    elif node.kind() in grammar.calls and (grown := _GROWING.match(node.text())):
        yield from _grown(node, grown[1], children[-1:])
    elif sign:
        start = 0
        for at in (at for at, text in enumerate(texts) if text == sign):  # an enum may have several in a row
            yield from _assigned(children[start:at], children[at + 1 :], grammar)
            start = at + 2
    elif node.kind() in _ENTRIES:
        given = [child for child in children[-1].children() if child.is_named()]
        if len(children) > 1 and given and (own := _only(given[:1])) is not None:
            yield Definition(children[0].text(), own, span_of(own))
    else:  # an attribute of a module: @name value
        parent = node.parent()
        if parent is not None and parent.kind() == "unary_operator" and parent.text().startswith("@"):
            value = [one for child in children[1:2] for one in child.children()]
            yield from _assigned(children[:1], value, grammar)


def _assigned(before: Sequence[SgNode], after: Sequence[SgNode], grammar: Grammar) -> Iterator[Definition]:
    value = next((child for child in after if child.is_named()), None)
    if value is None:
        return
    apart = next((child for child in before if child.kind() in _TAKEN_APART), None)
    if apart is None:
        if name := _target(before, grammar):
            yield Definition(name, value, span_of(value))
    elif value.kind() in _ROWS:
        targets, values = ([child for child in one.children() if child.is_named()] for one in (apart, value))
        for target, own in zip(targets, values, strict=False):
            yield from _assigned([target], [own], grammar)


def _grown(node: SgNode, name: str, after: Sequence[SgNode]) -> Iterator[Definition]:
    added = _only([child for child in after if child.is_named()])
    if name and added is not None:
        yield Definition(name, added, span_of(node), grows=True)


def _only(nodes: Sequence[SgNode]) -> SgNode | None:
    """The one expression that these are."""
    while len(nodes) == 1 and nodes[0].kind() in BETWEEN:
        nodes = [child for child in nodes[0].children() if child.is_named()]
    return nodes[0] if len(nodes) == 1 else None


def _target(before: Sequence[SgNode], grammar: Grammar) -> str:
    """The name that is defined: the first of a declaration, the last of a member that is assigned to."""
    for child in before:
        if found := list(names_in(child, grammar)):
            return found[-1] if child.kind() in (*grammar.members, *_ASSIGNED) else found[0]
    return ""
