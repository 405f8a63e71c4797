"""Names that a file defines, what it adds to them, and what else it calls them."""

from __future__ import annotations

import pytest
from ast_grep_py import SgRoot

from guards.sources.definitions import definitions_of, renames_of
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
    found, names = definitions_of(SgRoot(code, language).root(), GRAMMARS[language], range(len(code)))
    assert names == {name for name, _ in defined}
    assert [(one.name, "+" * one.grows + one.node.text()) for one in found] == defined


def test_what_is_defined_is_about_a_place() -> None:
    code = "a = 'x'\nb = a\nc = 'y'\na += c\nd = 'z'\nuse(e=b)"
    found, names = definitions_of(SgRoot(code, "python").root(), GRAMMARS["python"], [code.index("x")])
    assert [one.name for one in found] == ["a", "b", "a", "e"]
    assert names == {"a", "b", "e"}
    assert definitions_of(SgRoot(code, "python").root(), GRAMMARS["python"], []) == ([], frozenset())


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
