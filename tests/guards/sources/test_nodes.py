"""What is called, on what, and what only stands between."""

from __future__ import annotations

import pytest
from ast_grep_py import SgNode, SgRoot

from guards.sources.grammars import GRAMMARS
from guards.sources.nodes import callee, of_kinds, receiver, span_of, summed_in, unquoted


def first(language: str, code: str, kind: str) -> SgNode:
    return of_kinds(SgRoot(code, language).root(), [kind])[0]


@pytest.mark.parametrize(
    ("language", "code", "kind", "name", "on"),
    [
        ("rust", 'fn f() { a.push_str("b"); }', "call_expression", "push_str", "a"),
        ("rust", 'fn f() { concat!("a"); }', "macro_invocation", "concat!", None),
        ("swift", 'let x = ["a"].joined(separator: "b")', "call_expression", "joined", '["a"]'),
        ("kotlin", 'val x = "a".format("b")', "call_expression", "format", '"a"'),
        ("java", 'class A { String x = String.format("a"); }', "method_invocation", "format", "String"),
        ("javascript", "'a'.concat('b')", "call_expression", "concat", "'a'"),
    ],
)
def test_the_callee_and_its_receiver(language: str, code: str, kind: str, name: str, on: str | None) -> None:
    head = first(language, code, kind).children()[:-1]
    assert callee(head) == name
    found = receiver(head)
    assert (found.text() if found is not None else None) == on


def test_nodes_come_in_the_order_of_the_text() -> None:
    root = SgRoot("f('a' + g(`b`), 'c')", "javascript").root()
    assert [node.text() for node in of_kinds(root, ["string", "template_string"])] == ["'a'", "`b`", "'c'"]
    assert of_kinds(root, []) == []


def test_a_sum_is_found_beneath_members() -> None:
    sum_of_swift = summed_in(first("swift", "let x = a + B.c", "navigation_expression"), GRAMMARS["swift"])
    assert sum_of_swift is not None and sum_of_swift.text() == "a + B"
    assert summed_in(first("swift", "let x = B.c", "navigation_expression"), GRAMMARS["swift"]) is None


def test_places_and_quotes() -> None:
    assert span_of(first("javascript", "x = 'é' + 'b'", "string")) == (4, 7)
    assert [unquoted(text) for text in ("'a'", '"a"', "`a`", "$'a'", "a")] == ["a"] * 5
