"""Files that no parser here reads: comments, literals in a row, names, escapes, and their places."""

from __future__ import annotations

import pytest

from guards.rule import RULES, load
from guards.sighting import Sighting
from guards.sources import text
from guards.sources.text import joined, rewritten

OURS = load(RULES)


def seen(code: str, language: str = "text") -> tuple[Sighting, ...]:
    return text.look(language, code, OURS).sightings


@pytest.mark.parametrize(
    "code",
    [
        'x := "phx_" + "join"',
        "x = 'phx_' . 'join';",
        "x = 'phx_' .. 'join'",
        "where a = 'phx_' || 'join'",
        'x <> "phx_" <> "join"',
        'x = "phx_"\n  "join"',
        'x := fmt.Sprintf("%s_%s", "phx", "join")',
        'var x = string.Format("{0}_{1}", "phx", "join");',
        'x = concat!("phx_", "join")',
        'x = "phx\\u005fjoin"',
        "x = &quot;phx&#95;join&quot;",
        'HEAD = "phx"\nx = "#{HEAD}_join"',
        'HEAD = "phx"\nx = "${HEAD}_join"',
        "HEAD := phx_\nx:\n\tsend $(HEAD)join",
        'const head = "phx_"\nx := head + "join"',
        '$head = "phx_";\n$x = $head . "join";',
        "ARG HEAD=phx_\nRUN send ${HEAD}join",
    ],
)
def test_what_is_put_together_is_seen(code: str) -> None:
    assert [(one.rule, one.how) for one in seen(code)] == [("phoenix-frame", "folded")]


@pytest.mark.parametrize(
    "code",
    ['x = "phx_" + "joined"', 'x = "phx_"; y = "join"', 'HEAD = "phx"\nx = "#{TAIL}_join"', "x = 'phx\\u005fjoin'"],
)
def test_what_is_not_put_together_is_not(code: str) -> None:
    assert seen(code) == ()


@pytest.mark.parametrize(
    ("language", "code", "role"),
    [
        ("text", "# phx_join", "comment"),
        ("text", "x = 1 // phx_join", "comment"),
        ("text", "-- phx_join", "comment"),
        ("text", "/* a\n phx_join */", "comment"),
        ("text", "say phx_join", "code"),
        ("text", 'say "phx_join"', "string"),
        ("toml", 'a = "b" # phx_join', "comment"),
        ("toml", 'a = "b#phx_join"', "string"),
        ("proto", "// phx_join", "comment"),
        ("proto", 'option (a) = "http://b/phx_join";', "string"),
        ("proto", "/* a\n phx_join */", "comment"),
    ],
)
def test_the_role_is_where_it_stands(language: str, code: str, role: str) -> None:
    assert [one.role for one in seen(code, language)] == [role]


def test_places_are_those_of_the_file() -> None:
    code = 'HEAD = "phx"\n\n  x = "é" + "/" + "#{HEAD}_join"\n'
    (sighting,) = seen(code)
    assert sighting.line == 3
    assert sighting.source == 'x = "é" + "/" + "#{HEAD}_join"'


def test_a_text_is_rewritten_with_its_places() -> None:
    new, cuts = joined('a "b" + "c" d')
    assert (new, cuts) == ('a "bc" d', [(4, 5)])
    import re

    new, cuts = rewritten("a-b-c", re.compile("-"), lambda _: "::")
    assert (new, cuts) == ("a::b::c", [(3, -1), (6, -2)])
    assert rewritten("abc", re.compile("b"), lambda match: match.group()) == ("abc", [])
