"""What a syntax tree adds: the role of a literal sighting, texts that are put together, and the test around them."""

from __future__ import annotations

import pytest

from guards.rule import RULES, load
from guards.sighting import Look, Sighting
from guards.sources import syntax
from guards.sources.values import Values

OURS = load(RULES)


def look(language: str, code: str, outside: dict[str, Values] | None = None, *, shares: bool = False) -> Look:
    return syntax.look(language, code, OURS, outside or {}, shares=shares)


def only(language: str, code: str, outside: dict[str, Values] | None = None) -> Sighting:
    (sighting,) = look(language, code, outside).sightings
    return sighting


@pytest.mark.parametrize(
    ("language", "code", "role"),
    [
        ("rust", "// phx_join\n", "comment"),
        ("rust", "/* a\n phx_join */\n", "comment"),
        ("rust", 'const A: &str = "phx_join";', "string"),
        ("rust", "fn phx_join() {}", "code"),
        ("rust", 'json!({"event": "phx_join"});', "string"),
        ("tsx", "const x = <a>{/* phx_join */}</a>;", "comment"),
        ("elixir", "x = :phx_join", "string"),
        ("elixir", '@moduledoc """\nphx_join\n"""', "comment"),
        ("elixir", '@doc "phx_join"', "comment"),
        ("swift", "/// phx_join\nlet a = 1", "comment"),
        ("kotlin", "fun phxJoin() = 1", "code"),
        ("bash", "# phx_join\n", "comment"),
        ("yaml", "a: 1 # phx_join", "comment"),
        ("yaml", "phx_join: 1", "string"),
        ("json", '{"phx_join": 1}', "string"),
        ("html", "<!-- phx_join -->", "comment"),
    ],
)
def test_the_role_is_where_it_stands(language: str, code: str, role: str) -> None:
    assert only(language, code).role == role


def test_a_sighting_says_where_and_what() -> None:
    sighting = only("rust", 'fn f() {\n    // é\n    send(concat!("phx_", "join"));\n}\n')
    assert (sighting.line, sighting.column, sighting.how, sighting.value) == (3, 10, "folded", "phx_join")
    assert sighting.source == 'send(concat!("phx_", "join"));'


def test_what_holds_the_symbol_is_told_once() -> None:
    code = "const path = '/sync/socket' + '/websocket';\nconst url = base + path;\nuse(`${url}?a=1`);"
    assert only("javascript", code).line == 1
    assert only("javascript", "let a = 'phx_';\na += 'join';\na += '?';\nsend(a);").line == 2


def test_a_constant_of_another_file_is_told_where_it_is_used() -> None:
    assert only("rust", "fn f() { send(routes::FRAME); }", {"FRAME": ("phx_join",)}).how == "constant"
    assert only("rust", 'fn f() { send(format!("{}join", HEAD)); }', {"HEAD": ("phx_",)}).how == "folded"
    own = 'const HEAD: &str = "stdb_";\nfn f() { send(format!("{}join", HEAD)); }'
    assert look("rust", own, {"HEAD": ("phx_",)}).sightings == ()


def test_pieces_are_handed_on_under_every_name() -> None:
    assert look("typescript", "const HEAD = 'phx_';\nexport { HEAD as FIRST };", shares=True).constants == {
        "HEAD": ("phx_",),
        "FIRST": ("phx_",),
    }
    assert look("typescript", "const NAME = 'anything';", shares=True).constants == {}


@pytest.mark.parametrize(
    ("language", "code", "begins"),
    [
        ("rust", '#[test]\nfn gone() {\n    get("phx_join");\n}', "#[test]"),
        ("rust", '#[cfg(test)]\nmod tests {\n    fn f() { get("phx_join"); }\n}', "#[cfg(test)]"),
        ("java", 'class A {\n    @Test\n    void gone() { get("phx_join"); }\n}', "@Test"),
        ("typescript", "it('is gone', () => { get('phx_join'); });", "it("),
        ("elixir", 'test "gone" do\n  get("phx_join")\nend', "test "),
    ],
)
def test_the_scope_is_the_test_around_it(language: str, code: str, begins: str) -> None:
    assert only(language, code).scope.startswith(begins)


def test_the_next_function_is_no_scope() -> None:
    code = 'fn real() { get("phx_join"); }\n#[test]\nfn other() {}\n'
    assert "#[test]" not in only("rust", code).scope


def test_what_cannot_be_parsed_is_said_and_literals_are_seen_all_the_same() -> None:
    seen = look("rust", 'fn f( {{ "phx_join"\n')
    assert seen.problem.startswith("line 1")
    assert [one.symbol for one in seen.sightings] == ["phx_join"]


def test_scripts_inside_of_data() -> None:
    assert only("yaml", 'run: |\n  node -e \'send("phx_" + "join")\'\n').how == "folded"
    assert look("yaml", "# 'phx_' + 'join'\n").sightings == ()
    assert look("json", '{"a": ["phx_", "join"]}').sightings == ()
