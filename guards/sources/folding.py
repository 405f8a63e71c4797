"""Text that code puts together: the values an expression can have, by folding what its syntax tree says.

Owns concatenation, interpolation, formatting, joining and named constants, over any grammar of
guards.sources.grammars; leaves matching to guards.matching. What is not known is a HOLE, so that
`"/api/" + kind + "/token"` still has its two ends. A name with several definitions has several values.

    root = SgRoot('const A: &str = "phx_"; f(concat!(A, "join"));', "rust").root()
    fold = Folder(rust, Definitions(root, rust).read([17]), [], {})
    fold.values(node_of_the_macro)
    ('phx_join',)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ast_grep_py import SgNode

from guards.sources.calls import LISTED, Operand, made, total
from guards.sources.definitions import Definition
from guards.sources.grammars import Grammar
from guards.sources.names import Names
from guards.sources.nodes import (
    BETWEEN,
    Span,
    callee,
    is_given,
    names_in,
    receiver,
    span_of,
    summed_in,
    unquoted,
    without_label,
)
from guards.sources.values import HOLE, MAX_VALUES, Values, product, unescaped

MAX_DEPTH = 40  # of expressions within each other, so that no file can exhaust the stack

Argument = list[SgNode]  # one node, or the tokens of a macro's argument


class Folder:
    """Values of the expressions of one file. `outside` holds constants of other files by their name, `renames` are
    pairs of a name and what else it is called."""

    def __init__(
        self,
        grammar: Grammar,
        definitions: Iterable[Definition],
        renames: Iterable[tuple[str, str]],
        outside: Mapping[str, Values],
    ) -> None:
        self._grammar = grammar
        self.names: Names[SgNode] = Names(outside, self.values)
        self._memo: dict[tuple[int, int, str], Values] = {}
        self._growths: set[Span] = set()
        for one in definitions:
            self.names.define(one.name, one.node, one.place, grows=one.grows)
            if one.grows:
                self._growths.add(one.place)
        for name, alias in renames:
            self.names.rename(name, alias)

    def values(self, node: SgNode, depth: int = 0) -> Values:
        """The texts that this expression can be; () when it is none."""
        if depth > MAX_DEPTH:
            return ()
        span = node.range()
        key = (span.start.index, span.end.index, node.kind())
        if key not in self._memo:
            found = self._values(node, depth + 1)
            if self.names.is_busy:
                return found  # inside of a definition its names are not what they are elsewhere
            self._memo[key] = found
        return self._memo[key]

    def standing(self, node: SgNode) -> tuple[Values, Values]:
        """The texts that this expression can be where it stands, and what the names that it is made of are by
        themselves: these were seen where they are defined."""
        span = span_of(node)
        with self.names.standing(span) as definition:
            words = set(re.findall(r"\w+", node.text()))
            own = [self.names.named(word) for word in words if word in self.names]
            if definition is None or span not in self._growths:
                return self.values(node), sum(own, ())
            name, index = definition
            return self.names.at(name, index), self.names.at(name, index - 1)

    def whole(self, node: SgNode) -> SgNode:
        """The largest expression around this one that is still a text."""
        through = BETWEEN | {*self._grammar.lists, *self._grammar.wrappers, *self._grammar.members}
        best, at = node, node.parent()
        for _ in range(MAX_DEPTH):
            if at is None:
                break
            is_through = at.kind() in through and summed_in(at, self._grammar) is None
            if not is_through and not self._is_list(at):
                if not self.values(at):
                    break
                best = at
            at = at.parent()
        return best

    def name(self, node: SgNode) -> str:
        """The name that this expression is, without what it is asked for (`E.head.rawValue`); "" when it is more."""
        grammar = self._grammar
        if node.kind() in grammar.names:
            return node.text()
        if node.kind() not in grammar.members or summed_in(node, grammar) is not None:
            return ""
        return self._last(node)

    def is_list_name(self, name: str) -> bool:
        """Whether one of its definitions is a list."""
        return any(self._items([node], 0) for node in self.names.definitions(name)[:MAX_VALUES])

    # how an expression is read ----------------------------------------------------------------------------------

    def _values(self, node: SgNode, depth: int) -> Values:
        grammar, kind = self._grammar, node.kind()
        if (span := span_of(node)) in self._growths:
            with self.names.standing(span) as definition:
                return self.names.at(*definition) if definition else ()
        if kind in grammar.strings:
            return self._string(node, depth)
        if kind in grammar.names:
            return self.names.named(node.text())
        if kind in grammar.members:
            return self._member(node, depth)
        if kind in grammar.joins:
            return self._join(node, depth)
        if kind in grammar.calls:
            return self._call(node, depth)
        if kind in grammar.choices:
            return tuple(value for child in node.children() if child.is_named() for value in self.values(child, depth))
        named = [child for child in node.children() if child.is_named()]
        if kind in grammar.wrappers or (kind in BETWEEN and len(named) == 1):
            return self.values(named[-1], depth) or self.values(named[0], depth) if named else ()
        return ()

    def _member(self, node: SgNode, depth: int) -> Values:
        """A constant by its last name. Swift's grammar reads `a + B.c` as `(a + B).c`: the sum is put right."""
        value = self.names.named(self._last(node))
        summed = summed_in(node, self._grammar)
        if summed is None:
            return value
        parts = [self.values(child, depth) for child in summed.children()[:-1] if child.is_named()]
        return total([*parts, value])

    def _last(self, node: SgNode) -> str:
        names = [name for child in node.children() for name in names_in(child, self._grammar)]
        while len(names) > 1 and not self.names.named(names[-1]) and self.names.named(names[-2]):
            names.pop()  # what is asked of it is its own text
        return names[-1] if names else ""

    def _string(self, node: SgNode, depth: int) -> Values:
        grammar, children = self._grammar, node.children()
        inner = {*grammar.texts, *grammar.holes, *grammar.strings}
        if not any(child.kind() in inner for child in children):
            text = unquoted(node.text())
            return (text if node.kind() in grammar.raws else unescaped(text),)
        parts: list[Values] = []
        raw = ""  # an escape may be cut in two nodes
        for child in children:
            kind = child.kind()
            if kind in grammar.texts or kind in grammar.escapes:
                raw += child.text()
            elif kind in grammar.holes or kind in grammar.strings:
                parts += [(unescaped(raw),), self._hole(child, depth) or (HOLE,)]
                raw = ""
        return product([*parts, (raw if node.kind() in grammar.raws else unescaped(raw),)])

    def _hole(self, node: SgNode, depth: int) -> Values:
        if node.kind() in self._grammar.names or node.kind() in self._grammar.strings:
            return self.values(node, depth)
        values = (self.values(child, depth) for child in node.children() if child.is_named())
        return next(filter(None, values), ())  # a default stands after the name

    def _join(self, node: SgNode, depth: int) -> Values:
        children = node.children()
        if len(children) == 3 and children[1].text() == "|>":  # what stands before the pipe is the first argument
            steps = children[2].children()
            return self._made(callee(steps[:-1]), children[0], self._arguments(steps[-1]), depth) if steps else ()
        signs = {child.text() for child in children if not child.is_named()}
        if bool(signs) != bool(self._grammar.operators) or (signs and not signs & {*self._grammar.operators}):
            return ()
        operands = [child for child in children if child.is_named() and child.kind() not in self._grammar.comments]
        if signs & {"%", "/"}:
            given = operands[1].children() if operands[1].kind() == "tuple" else operands[1:]
            arguments = [[one] for one in given if one.is_named()]
            return self._made("format" if "%" in signs else "join", operands[0], arguments, depth)
        return total([self.values(operand, depth) for operand in operands])

    def _call(self, node: SgNode, depth: int) -> Values:
        children = node.children()
        if len(children) < 2:
            return ()
        if children[0].kind() == "command_name":  # a shell's words are its arguments
            return self._made(children[0].text(), None, [[child] for child in children[1:]], depth)
        head, tail = children[:-1], children[-1]
        return self._made(callee(head), receiver(head), self._arguments(tail), depth)

    def _made(self, name: str, on: SgNode | None, arguments: list[Argument], depth: int) -> Values:
        listed = name in LISTED
        given = {one[0].text(): self._argument(one[2:], depth) for one in arguments if is_given(one)}
        operands = [self._operand(one, depth, listed) for one in arguments if not is_given(one)]
        own = self._operand([on], depth, listed) if on is not None else None
        return made(name, own, operands, lambda place: given.get(place) or self.names.named(place))

    def _operand(self, argument: Argument, depth: int, listed: bool) -> Operand:
        if listed and (items := self._items(argument, depth)):
            return Operand(items=tuple(items))
        return Operand(self._argument(argument, depth))

    def _argument(self, argument: Argument, depth: int) -> Values:
        """One argument; in a macro it is a run of tokens: a text, a sum, or another macro."""
        if len(argument) == 1:
            return self.values(argument[0], depth)
        if len(argument) == 3 and argument[1].text() == "!" and depth < MAX_DEPTH:
            return self._made(argument[0].text().lower() + "!", None, self._arguments(argument[2]), depth + 1)
        texts = [token.text() for token in argument]
        return total([
            self.values(token, depth)
            for before, token in zip(["", *texts], argument, strict=False)
            if token.is_named() and before != "." and token.kind() != "token_tree"  # "phx_".to_string() + ...
        ])  # fmt: skip

    def _items(self, argument: Argument, depth: int) -> list[Values]:
        """The items of a list that is written here, or of one that a name stands for."""
        node = argument[-1]
        kind, grammar = node.kind(), self._grammar
        if depth > MAX_DEPTH:
            return []
        if kind in grammar.names or kind in grammar.members:
            nodes = self.names.definitions(self.name(node))
            return self._items([nodes[0]], depth + 1) if nodes else []
        if self._is_list(node):
            return [self._argument(inner, depth) for inner in self._arguments(node.children()[-1])]
        if kind in grammar.wrappers or kind in BETWEEN:
            named = [child for child in node.children() if child.is_named()]
            return self._items(named, depth + 1) if len(named) == 1 else []
        if kind not in grammar.lists:
            return []
        return [self.values(child, depth) for child in node.children() if child.is_named()]

    def _is_list(self, node: SgNode) -> bool:
        """Whether this call makes a list of its arguments."""
        return node.kind() in self._grammar.calls and callee(node.children()[:-1]) in _LISTS

    def _arguments(self, node: SgNode) -> list[Argument]:
        """The arguments of a call; those of a macro as runs of tokens between its commas."""
        children = node.children()
        inner = next((child for child in children if child.kind() in ("value_arguments", "arguments")), None)
        if inner is not None:
            return self._arguments(inner)
        if node.kind() != "token_tree":
            comments = self._grammar.comments
            return [[without_label(child)] for child in children if child.is_named() and child.kind() not in comments]
        runs: list[Argument] = [[]]
        for child in children[1:-1]:
            if child.text() == ",":
                runs.append([])
            else:
                runs[-1].append(child)
        return [run for run in runs if run]


_LISTS = frozenset({"listof", "arrayof", "setof", "vec!", "of", "aslist", "array"})
