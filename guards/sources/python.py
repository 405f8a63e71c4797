"""The front end of Python, by libcst: literals, comments, and texts that constants and expressions put together.

look('PREFIX = "phx_"\\njoin = f"{PREFIX}join"\\n', rules, {}).sightings[0].symbol
'phx_join'
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from typing import cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from guards.rule import Match, Rule
from guards.sighting import How, Lines, Look, Role, Sighting
from guards.sources import syntax
from guards.sources import text as plain_text
from guards.sources.folding import HOLE, MAX_DEPTH, MAX_VALUES, Values, filled, product
from guards.sources.matching import RuleSet

_EXPRESSIONS = (
    cst.SimpleString, cst.ConcatenatedString, cst.FormattedString, cst.BinaryOperation, cst.Call, cst.Name,
    cst.Attribute,
)  # fmt: skip
SCOPE_CHARS = 4_000  # of a test's text that is kept for judging what it asserts


def look(text: str, rules: Sequence[Rule], outside: Mapping[str, Values]) -> Look:
    """What one module shows; one that does not parse is read by its lines, and says so. libcst takes a second for
    50 kB, so a module is first asked by the faster parser whether there is anything to see."""
    glance = syntax.look("python", text, rules, outside)
    if not glance.sightings:
        return Look((), glance.constants)
    try:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        return _judged(_Seen(wrapper, outside), Lines.of(text), RuleSet(rules, "python"))
    except (cst.ParserSyntaxError, RecursionError) as error:
        line = getattr(error, "raw_line", 0)
        return Look(plain_text.look("text", text, rules).sightings, {}, f"line {line} cannot be parsed")


class _Seen(cst.CSTVisitor):
    """One walk: definitions, imports, expressions and comments with their places."""

    def __init__(self, wrapper: MetadataWrapper, outside: Mapping[str, Values]) -> None:
        super().__init__()
        self.outside = dict(outside)
        self.definitions: dict[str, list[cst.BaseExpression]] = {}
        self.expressions: list[cst.BaseExpression] = []
        self.comments: list[CodeRange] = []
        self.strings: list[CodeRange] = []
        self.docs: list[CodeRange] = []
        self.functions: list[tuple[CodeRange, cst.CSTNode]] = []
        self._positions = cast("Mapping[cst.CSTNode, CodeRange]", wrapper.resolve(PositionProvider))
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._path: list[cst.CSTNode] = []
        self._busy: set[str] = set()
        self._memo: dict[cst.CSTNode, Values] = {}
        self.module = wrapper.module
        wrapper.module.visit(self)

    def place(self, node: cst.CSTNode) -> CodeRange:
        return self._positions[node]

    # the walk ----------------------------------------------------------------------------------------------------

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._path.pop()

    def on_visit(self, node: cst.CSTNode) -> bool:
        if self._path:
            self._parents[node] = self._path[-1]
        self._path.append(node)
        if isinstance(node, cst.Comment):
            self.comments.append(self.place(node))
        elif isinstance(node, cst.SimpleString | cst.FormattedString):
            self.strings.append(self.place(node))
        elif isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString):
            self.docs.append(self.place(node))
        elif isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.functions.append((self.place(node), node))
        elif isinstance(node, cst.ImportFrom):
            self._imported(node)
        self._defined(node)
        if isinstance(node, _EXPRESSIONS):
            self.expressions.append(node)
        return True

    def _defined(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Assign):
            for target in node.targets:
                self._define(target.target, node.value)
        elif isinstance(node, cst.AnnAssign | cst.NamedExpr) and node.value is not None:
            self._define(node.target, node.value)
        elif isinstance(node, cst.AugAssign) and isinstance(node.operator, cst.AddAssign):
            self._grow(node)
        elif isinstance(node, cst.Param) and node.default is not None:
            self._define(node.name, node.default)
        elif isinstance(node, cst.DictElement) and isinstance(node.key, cst.SimpleString):
            self.definitions.setdefault(str(node.key.evaluated_value), []).append(node.value)

    def _define(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple):
            for one, other in zip(target.elements, value.elements, strict=False):
                self._define(one.value, other.value)
        elif name := _name_of(target):
            self.definitions.setdefault(name, []).append(value)

    def _grow(self, node: cst.AugAssign) -> None:
        """`name += "..."`: what it was, and this."""
        name = _name_of(node.target)
        if name and (before := self.definitions.get(name)):
            before.append(cst.BinaryOperation(before[-1], cst.Add(), node.value))
            self.expressions.append(node.value)

    def _imported(self, node: cst.ImportFrom) -> None:
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            name, local = _name_of(alias.name), alias.asname and _name_of(alias.asname.name)
            if name in self.outside and local:
                self.outside[local] = self.outside[name]

    # values ------------------------------------------------------------------------------------------------------

    def named(self, name: str) -> Values:
        """What a name stands for: this module's own definitions before those of others."""
        if name in self._busy or len(self._busy) > MAX_DEPTH:
            return ()
        if name not in self.definitions:
            return self.outside.get(name, ())
        self._busy.add(name)
        try:
            nodes = self.definitions[name][:MAX_VALUES]
            return tuple(dict.fromkeys(value for node in nodes for value in self.values(node)))[:MAX_VALUES]
        finally:
            self._busy.discard(name)

    def values(self, node: cst.BaseExpression) -> Values:
        """The texts that this expression can be; () when it is none."""
        if node in self._memo:
            return self._memo[node]
        found = self._values(node)
        if not self._busy:  # inside of a definition it may lack what is being resolved
            self._memo[node] = found
        return found

    def _values(self, node: cst.BaseExpression) -> Values:
        if isinstance(node, cst.SimpleString):
            value = node.evaluated_value
            return (value if isinstance(value, str) else value.decode("utf-8", "replace"),)
        if isinstance(node, cst.ConcatenatedString):
            return product([self.values(node.left) or (HOLE,), self.values(node.right) or (HOLE,)])
        if isinstance(node, cst.FormattedString):
            return product([self._part(part) for part in node.parts])
        if isinstance(node, cst.Name | cst.Attribute):
            return self.named(_name_of(node))
        if isinstance(node, cst.Subscript):
            return self._item(node)
        if isinstance(node, cst.BinaryOperation):
            return self._operation(node)
        return self._call(node) if isinstance(node, cst.Call) else ()

    def _part(self, part: cst.BaseFormattedStringContent) -> Values:
        if isinstance(part, cst.FormattedStringText):
            return (part.value.replace("{{", "{").replace("}}", "}"),)
        return self.values(cast(cst.FormattedStringExpression, part).expression) or (HOLE,)

    def _item(self, node: cst.Subscript) -> Values:
        """`NAMES["head"]`: by its key."""
        index = node.slice[0].slice
        if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
            return self.named(str(index.value.evaluated_value))
        return ()

    def _operation(self, node: cst.BinaryOperation) -> Values:
        left = self.values(node.left)
        if isinstance(node.operator, cst.Add):
            right = self.values(node.right)
            return product([left or (HOLE,), right or (HOLE,)]) if left or right else ()
        if isinstance(node.operator, cst.Modulo) and left:
            given = [e.value for e in node.right.elements] if isinstance(node.right, cst.Tuple) else [node.right]
            arguments = [self.values(one) for one in given]
            return tuple(v for text in left for v in filled(text, [a or (HOLE,) for a in arguments], self.named))[
                :MAX_VALUES
            ]
        return ()

    def _call(self, node: cst.Call) -> Values:
        arguments = [argument.value for argument in node.args]
        if isinstance(node.func, cst.Name):
            return self.values(arguments[0]) if node.func.value in ("str", "Path", "quote") and arguments else ()
        if not isinstance(node.func, cst.Attribute):
            return ()
        method, own = node.func.attr.value, self.values(node.func.value)
        if method == "join" and own and arguments:
            parts = [part or (HOLE,) for part in self._items(arguments[0])]
            return tuple(v for glue in own for v in product(parts, glue))[:MAX_VALUES] if parts else ()
        values = [self.values(one) for one in arguments]
        if method == "format":
            named = {a.keyword.value: self.values(a.value) for a in node.args if a.keyword}
            placed = [v or (HOLE,) for v, a in zip(values, node.args, strict=True) if not a.keyword]
            return tuple(v for text in own for v in filled(text, placed, lambda n: named.get(n, ())))[:MAX_VALUES]
        if method == "replace" and len(values) >= 2:
            chosen = itertools.product(own, values[0], values[1])
            return tuple(text.replace(old, new) for text, old, new in itertools.islice(chosen, MAX_VALUES))
        return (
            own if method in ("strip", "lower", "upper", "encode", "decode", "removeprefix", "lstrip", "rstrip") else ()
        )

    def _items(self, node: cst.BaseExpression) -> list[Values]:
        if isinstance(node, cst.Name) and (known := self.definitions.get(node.value)):
            node = known[0]
        if isinstance(node, cst.List | cst.Tuple | cst.Set):
            return [self.values(element.value) for element in node.elements]
        if isinstance(node, cst.SimpleString):
            return [(one,) for one in str(node.evaluated_value)]
        return []

    def is_whole(self, node: cst.BaseExpression) -> bool:
        """Whether no larger expression around it is still a text."""
        at: cst.CSTNode | None = self._parents.get(node)
        for _ in range(MAX_DEPTH):
            if at is None or isinstance(at, cst.BaseStatement | cst.BaseSmallStatement):
                return True
            if isinstance(at, cst.BaseExpression) and self.values(at):
                return False
            at = self._parents.get(at)
        return True


def _name_of(node: cst.CSTNode) -> str:
    """The last name of a name or an attribute, "" for anything else."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def _judged(seen: _Seen, lines: Lines, rules: RuleSet) -> Look:
    comments, strings = _offsets(lines, seen.comments + seen.docs), _offsets(lines, seen.strings)
    found: list[Sighting] = []
    taken: list[tuple[int, int]] = []

    def add(match: Match, at: int, role: Role, how: How) -> None:
        line, column = lines.place(at)
        value = match.symbol if how != "literal" else ""
        scope = "" if role == "comment" else _scope(seen, lines, line)
        found.append(Sighting(match.rule.id, match.symbol, role, line, column, how, lines.line(line), value, scope))

    for match in rules.matches(lines.text):
        role: Role = (
            "comment" if _inside(comments, match.start) else "string" if _inside(strings, match.start) else "code"
        )
        taken.append((match.start, match.end))
        add(match, match.start, role, "literal")
    for node in seen.expressions:
        name = _name_of(node)
        if name and (name in seen.definitions or name not in seen.outside):
            continue  # a name of this module: its definition is seen
        matches = list(rules.folded(seen.values(node)))
        if matches and seen.is_whole(node):
            ((start, end),) = _offsets(lines, [seen.place(node)])
            if not any(start <= a and b <= end for a, b in taken):
                add(matches[0], start, "string", "constant" if name else "folded")
                taken.append((start, end))
    names = {name: tuple(filter(rules.is_piece, seen.named(name))) for name in seen.definitions}
    return Look(tuple(found), {name: values for name, values in names.items() if values})


def _offsets(lines: Lines, ranges: Sequence[CodeRange]) -> list[tuple[int, int]]:
    return sorted(
        (lines.starts[r.start.line - 1] + r.start.column, lines.starts[r.end.line - 1] + r.end.column) for r in ranges
    )


def _inside(spans: list[tuple[int, int]], offset: int) -> bool:
    at = bisect.bisect_right(spans, (offset, 1 << 60)) - 1
    return at >= 0 and offset < spans[at][1]


def _scope(seen: _Seen, lines: Lines, line: int) -> str:
    """The innermost function or class around this line."""
    around = [(r.end.line - r.start.line, node) for r, node in seen.functions if r.start.line <= line <= r.end.line]
    if not around:
        return ""
    return seen.module.code_for_node(min(around, key=lambda pair: pair[0])[1])[:SCOPE_CHARS]
