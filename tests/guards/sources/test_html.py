"""Pages: texts and attributes, scripts in the language that they are in, and character references."""

from __future__ import annotations

import pytest

from guards.rule import RULES, load
from guards.sources import html

OURS = load(RULES)


def seen(page: str) -> list[tuple[int, int, str]]:
    return [(one.line, one.column, one.role) for one in html.look(page, OURS, {}).sightings]


@pytest.mark.parametrize(
    ("page", "sightings"),
    [
        ("<p>\n  phx_join</p>", [(2, 3, "string")]),
        ('<a href="/sync/socket/websocket">a</a>', [(1, 10, "string")]),
        ("<!-- phx_join -->", [(1, 6, "comment")]),
        ("<script>\n// phx_join\n</script>", [(2, 4, "comment")]),
        ("<script>\nsend('phx_' + 'join');\n</script>", [(2, 6, "string")]),
        ("<p></p><script>send('phx_' + 'join')</script>", [(1, 21, "string")]),
        ('<script lang="ts">\nconst a: string = "phx_";\nsend(a + "join");\n</script>', [(3, 6, "string")]),
        ("<button onclick=\"send('phx_' + 'join')\">a</button>", [(1, 24, "string")]),
        ('<p title="phx&#95;join">a</p>', [(1, 11, "string")]),
        ("<script>send('phx_' + 'joined')</script>", []),
    ],
)
def test_what_a_page_shows(page: str, sightings: list[tuple[int, int, str]]) -> None:
    assert seen(page) == sightings


def test_constants_of_its_scripts_are_handed_on() -> None:
    assert html.look("<script>const HEAD = 'phx_';</script>", OURS, {}, shares=True).constants == {"HEAD": ("phx_",)}
