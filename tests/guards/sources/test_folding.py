"""Text that code puts together, in every language with a syntax tree: by the value of its largest expressions."""

from __future__ import annotations

import pytest
from ast_grep_py import SgRoot

from guards.sources.definitions import Definitions, renames_of
from guards.sources.folding import MAX_DEPTH, Folder
from guards.sources.grammars import GRAMMARS
from guards.sources.nodes import of_kinds
from guards.sources.values import HOLE, Values


def folder_of(language: str, code: str, outside: dict[str, Values] | None = None) -> Folder:
    grammar, root = GRAMMARS[language], SgRoot(code, language).root()
    return Folder(grammar, Definitions(root, grammar).read(range(len(code))), renames_of(code), outside or {})


def texts(language: str, code: str, outside: dict[str, Values] | None = None) -> set[str]:
    """What the expressions of this code can be."""
    grammar, root = GRAMMARS[language], SgRoot(code, language).root()
    folder = folder_of(language, code, outside)
    nodes = [*of_kinds(root, grammar.strings), *of_kinds(root, grammar.names)]
    return {value for node in nodes for value in folder.standing(folder.whole(node))[0]}


MADE = [
    ("rust", 'let x = concat!("a", "b", "c");'),
    ("rust", 'fn f() -> String { format!("{}b{}", "a", "c") }'),
    ("rust", 'const A: &str = "a"; fn f() -> String { format!("{A}b{c}", c = "c") + "" }'),
    ("rust", 'fn f() -> String { ["a", "b", "c"].concat() }'),
    ("rust", 'fn f() -> String { let parts = vec!["a", "c"]; parts.join("b") }'),
    ("rust", 'fn f() -> String { "a".to_owned() + "b" + &"c".to_string() }'),
    ("rust", 'fn f() -> String { let mut s = String::from("a"); s.push_str("b"); s += "c"; s }'),
    ("rust", 'fn f() -> String { "axc".replace("x", "b") }'),
    ("rust", r'const A: &str = "a\x62\u{63}";'),
    ("rust", 'fn f() { write!(s, "{}b{}", "a", "c"); }'),
    ("typescript", "const x = 'a' + (ok ? 'bc' : 'd');"),
    ("java", 'enum E { A("a"); } class B { String x = E.A.text + "bc"; }'),
    ("kotlin", 'enum class E(val t: String) { A("a") }\nval x = E.A.t + "bc"'),
    ("bash", 'x="a${y:-bc}"'),
    ("bash", 'y=b\ncat <<EOF\n${y}c\nEOF\nx=a"${y}c"'),
    ("rust", 'fn f() -> String { let p = Piece { head: "ab" }; p.head.to_owned() + "c" }'),
    ("typescript", "const x = 'a' + \"b\" + `c`;"),
    ("typescript", "const a = 'a'; const x = `${a}b${'c'}`;"),
    ("typescript", "enum P { A = 'a', B = 'bc' }\nconst x = P.A + P.B;"),
    ("typescript", "const x = ['a', 'b', 'c'].join('');"),
    ("typescript", "const x = 'a'.concat('b', 'c');"),
    ("typescript", "const x = ('a' as string) + ('bc' satisfies string)!;"),
    ("typescript", "const o = { one: 'a' }; const { one: first } = o; const x = first + 'bc';"),
    ("typescript", "const x = 'a' + // why\n 'bc';"),
    ("typescript", "class A { static a = 'a'; static b = A.a + 'bc'; }"),
    ("tsx", "const x = <A b={'a' + 'bc'} />;"),
    ("javascript", "let x = 'a'; x += 'b'; x += 'c';"),
    ("javascript", "let x = 'a'; x = x + 'b'; x = `${x}c`;"),
    ("javascript", "const o = { ['a' + 'bc']: 1 };"),
    ("javascript", "this.a = 'a'; const x = this.a + 'bc';"),
    ("javascript", r"const x = 'a\u0062' + '\x63';"),
    ("swift", 'let a = "a"\nlet x = "\\(a)bc"'),
    ("swift", 'enum P: String { case a = "a", b = "bc" }\nlet x = P.a.rawValue + P.b.rawValue'),
    ("swift", 'let x = ["a", "b", "c"].joined()'),
    ("swift", 'let x = ["a", "c"].joined(separator: "b")'),
    ("swift", 'let x = String(format: "a%@c", "b")'),
    ("swift", 'let x = "a".appending("b").appending("c")'),
    ("swift", 'func f() { var s = "a"; s += "b"; s.append("c") }'),
    ("elixir", '@a "a"\nx = @a <> "b" <> "c"'),
    ("elixir", 'a = "a"\nx = "#{a}bc"'),
    ("elixir", 'x = ["a", "c"] |> Enum.join("b")'),
    ("elixir", 'x = Enum.join(["a", "b", "c"])'),
    ("elixir", "x = ~s(ab) <> ~s|c|"),
    ("kotlin", 'const val A = "a"\nval x = "${A}b" + "c"'),
    ("kotlin", 'val a = "a"\nval x = "$a" + "bc"'),
    ("kotlin", 'val x = listOf("a", "c").joinToString("b")'),
    ("kotlin", 'val x = "a%sc".format("b")'),
    ("kotlin", "val x = StringBuilder(\"a\").append('b').append(\"c\").toString()"),
    ("java", 'class A { String x = "a" + "b" + \'c\'; }'),
    ("java", 'class A { String x = String.format("a%s%s", "b", "c"); }'),
    ("java", 'class A { String x = String.join("b", "a", "c"); }'),
    ("java", 'class A { String x = new StringBuilder().append("a").append("bc").toString(); }'),
    ("java", 'class A { static final String B = "a"; String x = A.B + "bc"; }'),
    ("bash", "a=a\nx=\"${a}bc\""),
    ("bash", "x='a'\"b\"c"),
    ("bash", "x=a\nx+=bc"),
    ("bash", "x=$(printf 'a%s%s' b c)"),
    ("bash", r"x=$'a\x62c'"),
    ("python", "x = 'a' + 'bc'"),
    ("python", "x = 'a%s' % 'bc'"),
    ("python", "x = 'a'\nx += 'bc'"),
    ("yaml", r'x: "a\x62c"'),
    ("json", r'{"x": "a\u0062c"}'),
]  # fmt: skip


@pytest.mark.parametrize(("language", "code"), MADE, ids=[f"{language}:{code[:40]}" for language, code in MADE])
def test_what_is_put_together_is_seen(language: str, code: str) -> None:
    assert "abc" in texts(language, code)


NOT_MADE = [
    ("rust", r'const A: &str = r"a\x62c";'),
    ("bash", r"x='a\x62c'"),
    ("yaml", r"x: 'a\x62c'"),
    ("javascript", "const x = 'a' - 'bc';"),
    ("javascript", "const x = f('a', 'bc');"),
    ("typescript", "const { a, bc } = load('abcd');"),
    ("java", 'class A { boolean x = "a" == "bc"; }'),
]


@pytest.mark.parametrize(("language", "code"), NOT_MADE, ids=[f"{language}:{code[:40]}" for language, code in NOT_MADE])
def test_what_is_not_put_together_is_not(language: str, code: str) -> None:
    assert "abc" not in texts(language, code)


def test_what_is_not_known_is_a_hole() -> None:
    assert texts("javascript", "x = '/api/' + kind + '/token';") == {f"/api/{HOLE}/token"}
    assert texts("kotlin", 'val x = "a${f()}c"') == {f"a{HOLE}c"}


def test_constants_of_other_files_come_after_those_of_this_one() -> None:
    assert texts("rust", 'fn f() -> String { format!("{}b", HEAD) }', {"HEAD": ("a",)}) >= {"ab"}
    assert "ab" not in texts(
        "rust", 'const HEAD: &str = "x"; fn f() -> String { format!("{HEAD}b") }', {"HEAD": ("a",)}
    )
    assert "ab" in texts("rust", 'use x::HEAD as H; fn f() -> String { format!("{}b", H) }', {"HEAD": ("a",)})


def test_a_path_needs_no_glue() -> None:
    assert "/a/b/c" in texts("elixir", 'x = Path.join(["/a/", "b", "/c"])')
    swift = 'let x = base.appendingPathComponent("b").appendingPathComponent("c")'
    assert f"{HOLE}/b/c" in texts("swift", swift)
    assert "/a/b/c" in texts("javascript", "const x = path.join('/a', 'b', 'c');")


def test_what_a_name_is_depends_on_where_it_stands() -> None:
    root = SgRoot("let x = 'a'; x += 'b'; use(x + 'c');", "javascript").root()
    folder = folder_of("javascript", root.text())
    grown = root.find(kind="augmented_assignment_expression")
    used = root.find(kind="binary_expression")
    assert grown is not None and used is not None
    assert folder.standing(grown) == (("ab",), ("a",))
    assert folder.standing(used) == (("ac", "abc"), ("a", "ab"))


def test_no_file_exhausts_the_stack() -> None:
    deep = "x = " + "(" * 200 + "'a'" + ")" * 200 + " + 'b';"
    assert "ab" not in texts("javascript", deep)
    assert texts("javascript", "x = " + " + ".join(["'a'"] * (MAX_DEPTH * 10)) + ";")
    assert texts("javascript", "a = b; b = a; x = a + 'c';") == {f"{HOLE}c", "c"} - {"c"}
