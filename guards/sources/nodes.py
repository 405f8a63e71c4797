"""Nodes of a syntax tree, asked for what no grammar names: who is called, on what, and what only stands between.

callee(children_of_a_call[:-1])
'joined'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ast_grep_py import Rule, SgNode

from guards.sources.grammars import Grammar
from guards.sources.values import unescaped

Span = tuple[int, int]  # from where to where, in characters

# Nodes that stand for the one expression within them, in whatever language.
BETWEEN = frozenset({
    "arguments", "argument_list", "value_arguments", "value_argument", "call_suffix", "token_tree", "annotated_lambda",
    "interpolation", "template_substitution", "expansion", "simple_expansion", "parenthesized_expression",
    "spread_element", "navigation_suffix", "command_substitution", "command_name", "computed_property_name",
})  # fmt: skip


def of_kinds(root: SgNode, kinds: Iterable[str]) -> list[SgNode]:
    """All nodes of these kinds in the order of the text, found by the engine and not by walking in Python."""
    rules: list[Rule] = [{"kind": kind} for kind in kinds]
    return root.find_all(any=rules) if rules else []


def named_in(root: SgNode, grammar: Grammar, names: Iterable[str]) -> list[SgNode]:
    """Where these names stand, in the order of the text."""
    only = f"^(?:{'|'.join(map(re.escape, names))})$"
    return root.find_all(any=[{"kind": kind, "regex": only} for kind in grammar.names]) if grammar.names else []


def names_in(node: SgNode, grammar: Grammar) -> Iterator[str]:
    """Every name within it; the quoted key of an object is one too."""
    if node.kind() in grammar.names:
        yield node.text()
    elif node.kind() in grammar.strings:
        yield unescaped(unquoted(node.text()))
    else:
        for child in node.children():
            yield from names_in(child, grammar)


def span_of(node: SgNode) -> Span:
    """From where to where it stands, in characters."""
    place = node.range()
    return place.start.index, place.end.index


def unquoted(text: str) -> str:
    """A literal without its quotes."""
    return text.removeprefix("$").strip("\"'`")


def callee(head: Sequence[SgNode]) -> str:
    """The last name before the arguments, in small letters; a macro's with its mark."""
    names = re.findall(r"\w+!?", " ".join(node.text() for node in head[-3:])[-80:].replace(" !", "!"))
    return names[-1].lower() if names else ""


def receiver(head: Sequence[SgNode]) -> SgNode | None:
    """What a method is called on."""
    first = head[0]
    children = first.children()
    if len(head) > 1 and head[1].text() == ".":
        return first
    return children[0] if len(children) > 1 else None


def without_label(node: SgNode) -> SgNode:
    """An argument without its label."""
    if node.kind() == "value_argument":
        named = [child for child in node.children() if child.is_named()]
        return named[-1] if named else node
    return node


def is_given(argument: Sequence[SgNode]) -> bool:
    """Whether an argument of a macro comes by its name: `format!("{a}", a = "b")`."""
    return len(argument) > 2 and argument[1].text() == "="


def summed_in(node: SgNode, grammar: Grammar) -> SgNode | None:
    """The sum that a member is asked of: Swift's grammar reads `a + B.c` as `(a + B).c`."""
    while node.kind() in grammar.members and (children := node.children()):
        node = children[0]
    return node if node.kind() in grammar.joins else None
