"""Python by libcst: texts that are put together, names of this module and of others, tests, and syntax of old."""

from __future__ import annotations

import pytest

from guards.rule import RULES, load
from guards.sighting import Sighting
from guards.sources import python
from guards.sources.values import Values

OURS = load(RULES)


def seen(code: str, outside: dict[str, Values] | None = None) -> tuple[Sighting, ...]:
    return python.look(code, OURS, outside or {}).sightings


@pytest.mark.parametrize(
    "code",
    [
        "x = 'phx_' + 'join'",
        "x = 'phx_' 'join'",
        "x = '%s_%s' % ('phx', 'join')",
        "x = '%s_join' % 'phx'",
        "x = '{}_{}'.format('phx', 'join')",
        "x = '{a}_{b}'.format(a='phx', b='join')",
        "A = 'phx'\nx = f'{A}_join'",
        "x = '_'.join(['phx', 'join'])",
        "P = ('phx', 'join')\nx = '_'.join(P)",
        "x = 'phx-join'.replace('-', '_')[:]\ny = 'phxx'.replace('x', '', 1)\nz = 'phz_join'.replace('z', 'x')",
        "x = b'phx' + b'_join'",
        "x = 'phx_%(a)s' % {'a': 'join'}",
        "x = 'phx_' + ('join' if a else 'leave')",
        "x = 'phx\\x5fjoin'",
        "class A:\n    B = 'phx_'\nx = A.B + 'join'",
        "class A(Enum):\n    B = 'phx_'\nx = A.B.value + 'join'",
        "x = 'phx'\nx += '_'\nx += 'join'",
        "x = 'phx'\nx = x + '_join'",
        "D = {'head': 'phx_'}\nx = D['head'] + 'join'",
        "def f(head='phx_'):\n    return head + 'join'",
        "if (head := 'phx_'):\n    x = head + 'join'",
        "a, b = 'phx_', 'join'\nx = a + b",
    ],
)
def test_what_is_put_together_is_seen(code: str) -> None:
    assert {one.rule for one in seen(code)} == {"phoenix-frame"}


@pytest.mark.parametrize(
    "code", ["x = Path('/sync') / 'socket' / 'websocket'", "x = join('/sync', 'socket', 'websocket')"]
)
def test_paths_are_joined(code: str) -> None:
    assert [one.rule for one in seen(code)] == ["legacy-socket-path"]


@pytest.mark.parametrize(
    "code",
    ["x = 'phx_' + 'joined'", "x = 'phx' - '_join'", "x = f('phx_', 'join')", "x = r'phx\\x5fjoin'", "x = 'a'\nx = x"],
)
def test_what_is_not_put_together_is_not(code: str) -> None:
    assert seen(code) == ()


def test_names_of_other_modules() -> None:
    code = "from a import HEAD as h\nx = h + 'join'\n"
    assert [(one.line, one.how) for one in seen(code, {"HEAD": ("phx_",)})] == [(2, "folded")]
    assert [(one.line, one.how) for one in seen("import a\nsend(a.F)\n", {"F": ("phx_join",)})] == [(2, "constant")]
    assert seen("HEAD = 'stdb_'\nx = HEAD + 'join'\n", {"HEAD": ("phx_",)}) == ()


def test_what_holds_the_symbol_is_told_once() -> None:
    assert [one.line for one in seen("a = '/sync/socket' + '/websocket'\nb = base + a\nc = f'{b}?x'\n")] == [1]


def test_docstrings_and_comments_are_no_code() -> None:
    code = '"""phx_join."""\n# phx_reply\nX = """\nphx_leave\n"""\n'
    assert {one.symbol: one.role for one in seen(code)} == {
        "phx_join": "comment",
        "phx_reply": "comment",
        "phx_leave": "string",
    }


def test_a_decorator_belongs_to_its_test() -> None:
    code = (
        "@pytest.mark.parametrize('path', ['/api/v1/sync/token'])\ndef test_gone(path):\n    assert get(path) == 404\n"
    )
    (sighting,) = seen(code)
    assert "404" in sighting.scope


def test_python_of_old_is_read_by_its_lines() -> None:
    look = python.look("print 'joining'\nsend('phx_' + 'join')\n", OURS, {})
    assert [one.line for one in look.sightings] == [2]
    assert "cannot be parsed" in look.problem


def test_constants_are_handed_on() -> None:
    look = python.look("HEAD = 'phx_'\nNAME = 'anything'\n", OURS, {}, shares=True)
    assert look.constants == {"HEAD": ("phx_",)}
