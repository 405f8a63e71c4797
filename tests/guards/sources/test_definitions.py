"""Names that a file defines, what it adds to them, and what else it calls them."""

from __future__ import annotations

import pytest
from ast_grep_py import SgRoot

from guards.sources.definitions import Definitions, mentions, renames_of
from guards.sources.grammars import GRAMMARS


@pytest.mark.parametrize(
    ("language", "code", "defined"),
    [
        ("rust", 'const A: &str = "a"; static B: &str = "b";', [("A", '"a"'), ("B", '"b"')]),
        (
            "rust",
            'fn f() { let mut a: String = x; a += "b"; a.push_str("c"); }',
            [("a", "x"), ("a", '+"b"'), ("a", '+"c"')],
        ),
        ("rust", 'fn f() { let (a, b) = ("c", "d"); }', [("a", '"c"'), ("b", '"d"')]),
        ("typescript", "const a: string = 'b';", [("a", "'b'")]),
        ("typescript", "const { a, b } = f();", []),
        ("typescript", "const [a, b] = ['c', 'd'];", [("a", "'c'"), ("b", "'d'")]),
        (
            "typescript",
            "const o = { a: 'b', 'c-d': 'e' };",
            [("o", "{ a: 'b', 'c-d': 'e' }"), ("a", "'b'"), ("c-d", "'e'")],
        ),
        ("typescript", "enum E { A = 'a', B = 'b' }", [("A", "'a'"), ("B", "'b'")]),
        ("javascript", "exports.a = 'b';", [("a", "'b'")]),
        ("swift", 'enum E: String { case a = "b", c = "d" }', [("a", '"b"'), ("c", '"d"')]),
        ("swift", 'static let a: String = "b"', [("a", '"b"')]),
        ("elixir", '@a "b"\n', [("a", '"b"')]),
        ("elixir", 'a = "b"\n', [("a", '"b"')]),
        ("kotlin", 'const val A = "b"', [("A", '"b"')]),
        ("java", 'class A { static final String B = "c"; }', [("B", '"c"')]),
        ("bash", "a=b\na+=c", [("a", "b"), ("a", "+c")]),
        ("python", "a, b = 'c', 'd'\na += 'e'", [("a", "'c'"), ("b", "'d'"), ("a", "+'e'")]),
        ("python", "if (a := 'b'): pass", [("a", "'b'")]),
    ],
)
def test_what_is_defined(language: str, code: str, defined: list[tuple[str, str]]) -> None:
    found = Definitions(SgRoot(code, language).root(), GRAMMARS[language]).read(range(len(code)))
    assert [(one.name, "+" * one.grows + one.node.text()) for one in found] == defined


def test_only_what_is_asked_for_is_read() -> None:
    code = "a = 'x'\nb = a\nc = 'y'\na += c\n"
    definitions = Definitions(SgRoot(code, "python").root(), GRAMMARS["python"])
    assert [one.name for one in definitions.read([code.index("y")])] == ["c"]
    assert [one.name for one in definitions.read(mentions(code, {"a"}))] == ["a", "b", "c", "a"]
    assert [one.name for one in definitions.read([])] == ["a", "b", "c", "a"]


def test_a_name_is_mentioned_as_a_whole() -> None:
    assert list(mentions("ab a b.a a_b", {"a", "b.a"})) == [3, 5]
    assert not list(mentions("ab a", set()))


@pytest.mark.parametrize(
    ("text", "renames"),
    [
        ("use a::{B as C, D};", [("B", "C")]),
        ("export { A as B } from './c';", [("A", "B")]),
        ("const { a: b, c } = d;", [("a", "b")]),
        ("f({ a: b })", []),
    ],
)
def test_what_else_a_name_is_called(text: str, renames: list[tuple[str, str]]) -> None:
    assert list(renames_of(text)) == renames
