"""Text that code puts together: the values an expression can have, by folding what its syntax tree says.

Owns concatenation, interpolation, formatting, joining and named constants, over any grammar of
guards.sources.grammars; leaves matching to guards.matching. What is not known is a HOLE, so that
`"/api/" + kind + "/token"` still has its two ends. A name with several definitions has several values.

    fold = Folder(GRAMMARS["rust"], SgRoot('const A: &str = "phx_"; f(concat!(A, "join"));', "rust").root(), {})
    fold.values(node_of_the_macro)
    ('phx_join',)
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ast_grep_py import Rule, SgNode

from guards.sources.grammars import Grammar

HOLE = "\x00"  # a part that is not known
MAX_VALUES = 8  # of one expression: a name with more definitions than this is not followed further
MAX_DEPTH = 40  # of expressions within each other, so that no file can exhaust the stack

Values = tuple[str, ...]
Argument = list[SgNode]  # one node, or the tokens of a macro's argument

_CONCATS = frozenset({"concat", "concat!", "plus", "append", "appending", "push_str", "f"})
_JOINS = frozenset({"join", "joined", "jointostring", "intersperse"})
_FORMATS = frozenset(
    {"format", "format!", "format_args!", "sprintf", "formatted", "printf", "stringwithformat", "string"}
)
_SAMES = frozenset({
    "to_owned", "to_string", "into", "from", "as_str", "as_ref", "clone", "tostring", "string", "str", "valueof",
    "trim", "uri", "url", "freeze", "tolowercase", "lowercase", "lowercased", "downcase", "to_lowercase", "some", "ok",
    "stringify", "stringbuilder", "stringbuffer",
})  # fmt: skip
_REPLACES = frozenset({"replace", "replaceall", "replacingoccurrences"})
_PLACE = re.compile(r"\{\{|\}\}|\{(\w*)(?::[^{}]*)?\}|%(?:(\d+)\$)?[-+#0 ]*\d*(?:\.\d+)?[sdvq@]|\$\{?(\w+)\}?")
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f_]+)\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_RENAMED = re.compile(r"\b(\w+)\s+as\s+(\w+)|[{,]\s*(\w+)\s*:\s*(\w+)\s*(?=[,}][^;\n]*=)")


def unescaped(text: str) -> str:
    """The characters that escapes of the usual kinds stand for."""

    def plain(match: re.Match[str]) -> str:
        wide, four, two, octal, one = match.groups()
        digits = wide or four or two
        if digits is not None:
            return chr(min(int(digits.replace("_", ""), 16), 0x10FFFF))
        return chr(int(octal, 8)) if octal is not None else _PLAIN_ESCAPES.get(one, one)

    return _ESCAPE.sub(plain, text)


def product(parts: Sequence[Values], glue: str = "") -> Values:
    """Every text that these parts can make, at most MAX_VALUES."""
    return tuple(itertools.islice(map(glue.join, itertools.product(*parts)), MAX_VALUES))


def filled(template: str, arguments: Sequence[Values], named: Callable[[str], Values]) -> Values:
    """A format string with its places filled: by order, by number, or by name."""
    parts: list[Values] = []
    at = taken = 0
    for match in _PLACE.finditer(template):
        parts.append((template[at : match.start()],))
        at = match.end()
        whole, name = match.group(), match.group(1) or match.group(2) or match.group(3) or ""
        if whole in ("{{", "}}"):
            parts.append((whole[0],))
        elif name.isdigit():
            place = int(name) - (match.group(2) is not None)
            parts.append(arguments[place] if 0 <= place < len(arguments) else (HOLE,))
        elif name:
            parts.append(named(name) or (HOLE,))
        else:
            parts.append(arguments[taken] if taken < len(arguments) else (HOLE,))
            taken += 1
    parts.append((template[at:],))
    return product(parts)


class Folder:
    """Values of the expressions of one file. `outside` holds constants of other files by their name."""

    def __init__(self, grammar: Grammar, root: SgNode, outside: Mapping[str, Values]) -> None:
        self._grammar, self._root = grammar, root
        self._outside = dict(outside)
        self._aliases: dict[str, str] = {}
        self._definitions: dict[str, list[SgNode]] = {}
        self._memo: dict[tuple[int, int, str], Values] = {}
        self._busy: set[str] = set()
        for node in of_kinds(root, grammar.definitions):
            self._define(node)
        if outside:
            self._rename(root.text())

    def constants(self) -> dict[str, Values]:
        """Every name of this file that stands for a text, with the texts."""
        found = {name: self.named(name) for name in self._definitions}
        return {name: values for name, values in found.items() if values}

    def aliases(self, names: set[str]) -> set[str]:
        """These names, and what this file calls them after an import."""
        return names | {alias for alias, name in self._aliases.items() if name in names}

    def is_outside(self, names: Iterable[str]) -> bool:
        """Whether these names are defined elsewhere."""
        return all(name in self._outside and name not in self._definitions for name in names)

    def named(self, name: str) -> Values:
        """What a name stands for: this file's own definitions before those of others."""
        if name in self._busy:
            return ()
        nodes = self._definitions.get(name)
        if nodes is None:
            return self._outside.get(name, ())
        self._busy.add(name)
        try:
            values = dict.fromkeys(value for node in nodes[:MAX_VALUES] for value in self.values(node))
        finally:
            self._busy.discard(name)
        return tuple(values)[:MAX_VALUES]

    def values(self, node: SgNode, depth: int = 0) -> Values:
        """The texts that this expression can be; () when it is none."""
        if depth > MAX_DEPTH:
            return ()
        span = node.range()
        key = (span.start.index, span.end.index, node.kind())
        if key not in self._memo:
            found = self._values(node, depth + 1)
            if self._busy:
                return found  # inside of a definition it may lack what is being resolved
            self._memo[key] = found
        return self._memo[key]

    def whole(self, node: SgNode) -> SgNode:
        """The largest expression around this one that is still a text."""
        through = _BETWEEN | {*self._grammar.lists, *self._grammar.wrappers, *self._grammar.members}
        best, at = node, node.parent()
        for _ in range(MAX_DEPTH):
            if at is None:
                break
            if at.kind() not in through:
                if not self.values(at):
                    break
                best = at
            at = at.parent()
        return best

    # how a definition is read -----------------------------------------------------------------------------------

    def _define(self, node: SgNode) -> None:
        children = node.children()
        texts = [child.text() if not child.is_named() else "" for child in children]
        sign = texts.index("=") if "=" in texts else texts.index(":") if ":" in texts else -1
        if sign > 0:
            before, after = children[:sign], [child for child in children[sign + 1 :] if child.is_named()]
            name = next((n for child in before for n in self._names_in(child)), None)
        else:  # an attribute of a module: @name value
            parent = node.parent()
            if parent is None or parent.kind() != "unary_operator" or not parent.text().startswith("@"):
                return
            name = children[0].text() if children else None
            after = [one for child in children[1:2] for one in child.children() if one.is_named()]
        if name and after:
            self._definitions.setdefault(name, []).append(after[0])

    def _names_in(self, node: SgNode) -> Iterable[str]:
        if node.kind() in self._grammar.names:
            yield node.text()
            return
        if node.kind() in self._grammar.strings:  # the quoted key of an object
            yield from self.values(node)
            return
        for child in node.children():
            yield from self._names_in(child)

    def _rename(self, text: str) -> None:
        for one, other, key, local in _RENAMED.findall(text):
            name, alias = (one, other) if one else (key, local)
            if name in self._outside and alias not in self._definitions:
                self._outside.setdefault(alias, self._outside[name])
                self._aliases[alias] = name

    # how an expression is read ----------------------------------------------------------------------------------

    def _values(self, node: SgNode, depth: int) -> Values:
        grammar, kind = self._grammar, node.kind()
        if kind in grammar.strings:
            return self._string(node, depth)
        if kind in grammar.names:
            return self.named(node.text())
        if kind in grammar.members:
            return self._member(node)
        if kind in grammar.joins:
            return self._join(node, depth)
        if kind in grammar.calls:
            return self._call(node, depth)
        named = [child for child in node.children() if child.is_named()]
        if kind in grammar.wrappers or (kind in _BETWEEN and len(named) == 1):
            return self.values(named[-1], depth) if named else ()
        return ()

    def _member(self, node: SgNode) -> Values:
        """A constant by its last name, or the one whose own text is asked for (`E.head.rawValue`)."""
        names = [name for child in node.children() for name in self._names_in(child)]
        while names and names[-1] in _OWN_TEXT:
            names.pop()
        return self.named(names[-1]) if names else ()

    def _string(self, node: SgNode, depth: int) -> Values:
        grammar, children = self._grammar, node.children()
        if not any(
            c.kind() in grammar.texts or c.kind() in grammar.holes or c.kind() in grammar.escapes for c in children
        ):
            return (unescaped(_unquoted(node.text())),)
        parts: list[Values] = []
        raw = ""  # an escape may be cut in two nodes
        for child in children:
            kind = child.kind()
            if kind in grammar.texts or kind in grammar.escapes:
                raw += child.text()
            elif kind in grammar.holes or kind in grammar.strings:
                parts += [(unescaped(raw),), self._hole(child, depth) or (HOLE,)]
                raw = ""
        return product([*parts, (unescaped(raw),)])

    def _hole(self, node: SgNode, depth: int) -> Values:
        if node.kind() in self._grammar.names or node.kind() in self._grammar.strings:
            return self.values(node, depth)
        named = [child for child in node.children() if child.is_named()]
        return self.values(named[0], depth) if named else ()

    def _join(self, node: SgNode, depth: int) -> Values:
        children = node.children()
        if len(children) == 3 and children[1].text() == "|>":  # what stands before the pipe is the first argument
            steps = children[2].children()
            return (
                self._folded_call(_callee(steps[:-1]), children[0], self._arguments(steps[-1]), depth) if steps else ()
            )
        signs = {child.text() for child in children if not child.is_named()}
        if signs and not signs & set(self._grammar.operators):
            return ()
        if not signs and self._grammar.operators:
            return ()
        parts = [self.values(child, depth) for child in children if child.is_named()]
        return product([part or (HOLE,) for part in parts]) if any(parts) else ()

    def _call(self, node: SgNode, depth: int) -> Values:
        children = node.children()
        if len(children) < 2:
            return ()
        head, tail = children[:-1], children[-1]
        return self._folded_call(_callee(head), _receiver(head), self._arguments(tail), depth)

    def _folded_call(self, callee: str, receiver: SgNode | None, arguments: list[Argument], depth: int) -> Values:
        values = [self._argument(argument, depth) for argument in arguments]
        own = self.values(receiver, depth) if receiver is not None else ()
        if callee in _JOINS:
            return self._joined(receiver, arguments, depth)
        if callee in _CONCATS:
            candidates = [[receiver], *arguments] if receiver is not None else arguments
            listed = [item for candidate in candidates for item in self._items(candidate, depth)]
            parts = listed or ([own] if own else []) + values
            return product([part or (HOLE,) for part in parts]) if any(parts) else ()
        if callee in _FORMATS or callee.endswith("!"):
            templates, rest = (own, values) if own else (values[0], values[1:]) if values else ((), [])
            return tuple(v for template in templates for v in filled(template, rest, self.named))[:MAX_VALUES]
        if callee in _REPLACES and len(values) >= 2:
            chosen = itertools.product(own, values[0], values[1])
            return tuple(text.replace(old, new) for text, old, new in itertools.islice(chosen, MAX_VALUES))
        if callee in _SAMES:
            return next(filter(None, values), ()) or own
        return ()

    def _argument(self, argument: Argument, depth: int) -> Values:
        """One argument; in a macro it is a run of tokens: a text, a sum, or another macro."""
        if len(argument) == 1:
            return self.values(argument[0], depth)
        if len(argument) == 3 and argument[1].text() == "!" and depth < MAX_DEPTH:
            name = argument[0].text().lower() + "!"
            return self._folded_call(name, None, self._arguments(argument[2]), depth + 1)
        texts = [token.text() for token in argument]
        parts = [
            self.values(token, depth)
            for before, token in zip(["", *texts], argument, strict=False)
            if token.is_named() and before != "." and token.kind() != "token_tree"  # "phx_".to_string() + ...
        ]
        return product([part or (HOLE,) for part in parts]) if any(parts) else ()

    def _joined(self, receiver: SgNode | None, arguments: list[Argument], depth: int) -> Values:
        """A list made one text: the list is the receiver or an argument, its glue another argument."""
        items: list[Values] = []
        glues: list[Values] = []
        for one in [[receiver], *arguments] if receiver is not None else arguments:
            own = self._items(one, depth)
            if own and not items:
                items = own
            elif value := self._argument(one, depth):
                glues.append(value)
        if not items and len(glues) > 2:  # String.join("/", "a", "b")
            glues, items = glues[:1], glues[1:]
        glue = glues[0] if glues else ("",)
        return tuple(v for g in glue for v in product([i or (HOLE,) for i in items], g))[:MAX_VALUES] if items else ()

    def _items(self, argument: Argument, depth: int) -> list[Values]:
        """The items of a list that is written here, or of one that a name stands for."""
        node = argument[-1]
        kind, grammar = node.kind(), self._grammar
        if depth > MAX_DEPTH:
            return []
        if kind in grammar.names:
            nodes = self._definitions.get(node.text())
            return self._items([nodes[0]], depth + 1) if nodes else []
        if kind in grammar.calls and (children := node.children()) and _callee(children[:-1]) in _LISTS:
            return [self._argument(inner, depth) for inner in self._arguments(children[-1])]
        if kind in grammar.wrappers or kind in _BETWEEN:
            named = [child for child in node.children() if child.is_named()]
            return self._items(named, depth + 1) if len(named) == 1 else []
        if kind not in grammar.lists:
            return []
        return [self.values(child, depth) for child in node.children() if child.is_named()]

    def _arguments(self, node: SgNode) -> list[Argument]:
        """The arguments of a call; those of a macro as runs of tokens between its commas."""
        children = node.children()
        inner = next((child for child in children if child.kind() in ("value_arguments", "arguments")), None)
        if inner is not None:
            return self._arguments(inner)
        if node.kind() != "token_tree":
            comments = self._grammar.comments
            return [[_without_label(child)] for child in children if child.is_named() and child.kind() not in comments]
        runs: list[Argument] = [[]]
        for child in children[1:-1]:
            if child.text() == ",":
                runs.append([])
            else:
                runs[-1].append(child)
        return [run for run in runs if run]


_BETWEEN = frozenset({
    "arguments", "argument_list", "value_arguments", "value_argument", "call_suffix", "token_tree", "annotated_lambda",
    "interpolation", "template_substitution", "expansion", "simple_expansion", "parenthesized_expression",
    "spread_element",
})  # fmt: skip
_OWN_TEXT = frozenset({"rawValue", "value", "name", "description"})
_LISTS = frozenset({"listof", "arrayof", "setof", "vec!", "of", "aslist", "array"})


def of_kinds(root: SgNode, kinds: Iterable[str]) -> list[SgNode]:
    """All nodes of these kinds, found by the engine and not by walking in Python."""
    rules: list[Rule] = [{"kind": kind} for kind in kinds]
    return root.find_all(any=rules) if rules else []


def _unquoted(text: str) -> str:
    return text.strip("\"'`")


def _callee(head: Sequence[SgNode]) -> str:
    """The last name before the arguments, in small letters; a macro's with its mark."""
    names = re.findall(r"\w+!?", " ".join(node.text() for node in head[-3:])[-80:].replace(" !", "!"))
    return names[-1].lower() if names else ""


def _receiver(head: Sequence[SgNode]) -> SgNode | None:
    """What a method is called on."""
    first = head[0]
    children = first.children()
    if len(head) > 1 and head[1].text() == ".":
        return first
    return children[0] if len(children) > 1 else None


def _without_label(node: SgNode) -> SgNode:
    """An argument without its label."""
    if node.kind() == "value_argument":
        named = [child for child in node.children() if child.is_named()]
        return named[-1] if named else node
    return node
