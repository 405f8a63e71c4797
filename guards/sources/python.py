"""The front end of Python, by libcst: literals, comments, and texts that constants and expressions put together.

look('PREFIX = "phx_"\\njoin = f"{PREFIX}join"\\n', rules, {}).sightings[0].symbol
'phx_join'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from guards.rule import Match, Rule
from guards.sighting import SCOPE_CHARS, How, Lines, Look, Role, Sighting, Spans
from guards.sources import syntax
from guards.sources import text as plain_text
from guards.sources.calls import Operand, made, total
from guards.sources.folding import MAX_DEPTH
from guards.sources.matching import RuleSet
from guards.sources.names import Names
from guards.sources.values import HOLE, Values, characters, product

_EXPRESSIONS = (
    cst.SimpleString, cst.ConcatenatedString, cst.FormattedString, cst.BinaryOperation, cst.Call, cst.Name,
    cst.Attribute,
)  # fmt: skip


def look(text: str, rules: Sequence[Rule], outside: Mapping[str, Values], *, shares: bool = False) -> Look:
    """What one module shows; one that does not parse is read by its lines, and says so. libcst takes a second for
    50 kB, so a module is first asked by the faster parser whether there is anything to see."""
    glance = syntax.look("python", text, rules, outside, shares=shares)
    if not glance.sightings:
        return Look((), glance.constants, glance.problem)
    try:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        return _judged(_Seen(wrapper, outside), Lines.of(text), RuleSet.of(rules, "python"), shares)
    except (cst.ParserSyntaxError, RecursionError) as error:
        line = getattr(error, "raw_line", 0)
        return Look(plain_text.look("text", text, rules).sightings, {}, f"line {line} cannot be parsed")


class _Seen(cst.CSTVisitor):
    """One walk: definitions, imports, expressions and comments with their places."""

    def __init__(self, wrapper: MetadataWrapper, outside: Mapping[str, Values]) -> None:
        super().__init__()
        self.names: Names[cst.BaseExpression] = Names(outside, self.values)
        self.expressions: list[cst.BaseExpression | cst.AugAssign] = []
        self.comments: list[CodeRange] = []
        self.strings: list[CodeRange] = []
        self.docs: list[CodeRange] = []
        self.functions: list[tuple[CodeRange, cst.CSTNode]] = []
        self._positions = cast("Mapping[cst.CSTNode, CodeRange]", wrapper.resolve(PositionProvider))
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._path: list[cst.CSTNode] = []
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
            first = node.decorators[0] if node.decorators else node
            self.functions.append((CodeRange(self.place(first).start, self.place(node).end), node))
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
            if name := _name_of(node.target):
                self.names.define(name, node.value, node, grows=True)
                self.expressions.append(node)
        elif isinstance(node, cst.Param) and node.default is not None:
            self._define(node.name, node.default)
        elif isinstance(node, cst.DictElement) and isinstance(node.key, cst.SimpleString):
            self.names.define(characters(str(node.key.evaluated_value)), node.value, node.value)

    def _define(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple):
            for one, other in zip(target.elements, value.elements, strict=False):
                self._define(one.value, other.value)
        elif name := _name_of(target):
            self.names.define(name, value, value)

    def _imported(self, node: cst.ImportFrom) -> None:
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            if local := alias.asname and _name_of(alias.asname.name):
                self.names.rename(_name_of(alias.name), local)

    # values ------------------------------------------------------------------------------------------------------

    def standing(self, node: cst.BaseExpression | cst.AugAssign) -> tuple[Values, Values]:
        """The texts that this expression can be where it stands, and what the names that it is made of are by
        themselves: these were seen where they are defined."""
        with self.names.standing(node) as definition:
            if isinstance(node, cst.AugAssign):
                name, index = definition or ("", 0)
                return self.names.at(name, index), self.names.at(name, index - 1)
            own = [self.names.named(one) for one in _NamesIn.of(node) if one in self.names]
            return self.values(node), sum(own, ())

    def values(self, node: cst.BaseExpression) -> Values:
        """The texts that this expression can be; () when it is none."""
        if node in self._memo:
            return self._memo[node]
        found = self._values(node)
        if not self.names.is_busy:  # inside of a definition its names are not what they are elsewhere
            self._memo[node] = found
        return found

    def _values(self, node: cst.BaseExpression) -> Values:
        if isinstance(node, cst.SimpleString):
            value = node.evaluated_value
            return (characters(value) if isinstance(value, str) else value.decode("utf-8", "replace"),)
        if isinstance(node, cst.ConcatenatedString):
            return product([self.values(node.left) or (HOLE,), self.values(node.right) or (HOLE,)])
        if isinstance(node, cst.FormattedString):
            return product([self._part(part) for part in node.parts])
        if isinstance(node, cst.Name | cst.Attribute):
            return self.names.named(self.name(node))
        if isinstance(node, cst.Subscript):
            return self._item(node)
        if isinstance(node, cst.BinaryOperation):
            return self._operation(node)
        if isinstance(node, cst.IfExp):
            return self.values(node.body) + self.values(node.orelse)
        return self._call(node) if isinstance(node, cst.Call) else ()

    def _part(self, part: cst.BaseFormattedStringContent) -> Values:
        if isinstance(part, cst.FormattedStringText):
            return (part.value.replace("{{", "{").replace("}}", "}"),)
        return self.values(cast(cst.FormattedStringExpression, part).expression) or (HOLE,)

    def _item(self, node: cst.Subscript) -> Values:
        """`NAMES["head"]`: by its key."""
        index = node.slice[0].slice
        if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
            return self.names.named(characters(str(index.value.evaluated_value)))
        return ()

    def _operation(self, node: cst.BinaryOperation) -> Values:
        left, right = self.values(node.left), self.values(node.right)
        if isinstance(node.operator, cst.Add):
            return total([left, right])
        if isinstance(node.operator, cst.Divide):  # a path
            return made("join", Operand(left), [Operand(right)], self.names.named)
        if isinstance(node.operator, cst.Modulo) and left:
            if isinstance(node.right, cst.Dict):
                pairs = [one for one in node.right.elements if isinstance(one, cst.DictElement)]
                named = {key: self.values(one.value) for one in pairs for key in self.values(one.key)}
                return made("format", Operand(left), [], lambda name: named.get(name, ()))
            given = [e.value for e in node.right.elements] if isinstance(node.right, cst.Tuple) else [node.right]
            return made(
                "format", Operand(left), [Operand(self.values(one) or (HOLE,)) for one in given], self.names.named
            )
        return ()

    def _call(self, node: cst.Call) -> Values:
        callee = _name_of(node.func).lower()
        receiver = Operand(self.values(node.func.value)) if isinstance(node.func, cst.Attribute) else None
        placed = [self._operand(argument.value) for argument in node.args if not argument.keyword]
        named = {argument.keyword.value: self.values(argument.value) for argument in node.args if argument.keyword}
        return made(callee, receiver, placed, lambda name: named.get(name, ()))

    def _operand(self, node: cst.BaseExpression) -> Operand:
        known = self.names.definitions(node.value) if isinstance(node, cst.Name) else ()
        listed = known[0] if known else node
        if isinstance(listed, cst.List | cst.Tuple | cst.Set):
            return Operand(items=tuple(self.values(element.value) for element in listed.elements))
        return Operand(self.values(node))

    def name(self, node: cst.CSTNode) -> str:
        """The last name of a name or an attribute, without what it is asked for (`E.HEAD.value`); "" for anything
        else."""
        if (
            isinstance(node, cst.Attribute)
            and node.attr.value in ("value", "name")
            and node.attr.value not in self.names
        ):
            return self.name(node.value)
        return _name_of(node)

    def is_whole(self, node: cst.CSTNode) -> bool:
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


class _NamesIn(cst.CSTVisitor):
    """Every name within an expression."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    @classmethod
    def of(cls, node: cst.CSTNode) -> set[str]:
        visitor = cls()
        node.visit(visitor)
        return visitor.names

    def visit_Name(self, node: cst.Name) -> None:
        self.names.add(node.value)


def _judged(seen: _Seen, lines: Lines, rules: RuleSet, shares: bool) -> Look:
    comments, strings = Spans(_offsets(lines, seen.comments + seen.docs)), Spans(_offsets(lines, seen.strings))
    found: list[Sighting] = []
    taken: list[tuple[int, int]] = []

    def add(match: Match, at: int, role: Role, how: How) -> None:
        line, column = lines.place(at)
        value = match.symbol if how != "literal" else ""
        scope = "" if role == "comment" else _scope(seen, lines, line)
        found.append(Sighting(match.rule.id, match.symbol, role, line, column, how, lines.line(line), value, scope))

    for match in rules.matches(lines.text):
        role: Role = "comment" if match.start in comments else "string" if match.start in strings else "code"
        taken.append((match.start, match.end))
        add(match, match.start, role, "literal")
    for node in seen.expressions:
        name = seen.name(node)
        if name and not seen.names.is_outside(name):
            continue  # a name of this module: its definition is seen
        values, before = seen.standing(node)
        new = next((match for match in rules.folded(values) if not any(match.symbol in one for one in before)), None)
        if new and seen.is_whole(node):
            ((start, end),) = _offsets(lines, [seen.place(node)])
            if not any(start <= a and b <= end for a, b in taken):
                add(new, start, "string", "constant" if name else "folded")
                taken.append((start, end))
    own = seen.names.constants() if shares else {}
    names = {name: tuple(filter(rules.is_piece, values)) for name, values in own.items()}
    return Look(tuple(found), {name: values for name, values in names.items() if values})


def _offsets(lines: Lines, ranges: Sequence[CodeRange]) -> list[tuple[int, int]]:
    return sorted(
        (lines.starts[r.start.line - 1] + r.start.column, lines.starts[r.end.line - 1] + r.end.column) for r in ranges
    )


def _scope(seen: _Seen, lines: Lines, line: int) -> str:
    """The innermost function or class around this line."""
    around = [(r.end.line - r.start.line, node) for r, node in seen.functions if r.start.line <= line <= r.end.line]
    if not around:
        return ""
    return seen.module.code_for_node(min(around, key=lambda pair: pair[0])[1])[:SCOPE_CHARS]
