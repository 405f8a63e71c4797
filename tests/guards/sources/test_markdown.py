"""Documents: prose, code, comments, and the ways to mark a retirement note."""

from __future__ import annotations

import pytest

from guards.rule import RULES, load
from guards.sources import markdown

OURS = load(RULES)


def roles(text: str) -> list[str]:
    return [one.role for one in markdown.look(text, OURS).sightings]


@pytest.mark.parametrize(
    "text",
    [
        "## Retired\n\n`phx_join`",
        "## Retirement of frames\n\na\n\n### Deeper\n\n`phx_join`",
        "# 3. Removed in March\n\n- `phx_join`",
        "> Retired: `phx_join`",
        "> **Removed.** It was\n> `phx_join`.",
        "<!-- retirement-note -->\n\n`phx_join`\n\n<!-- /retirement-note -->",
    ],
)
def test_notes_are_marked(text: str) -> None:
    assert roles(text) == ["note"]


@pytest.mark.parametrize(
    "text",
    [
        "`phx_join`",
        "## Retired\n\na\n\n## Next\n\n`phx_join`",
        "> Note: the frame `phx_join` is to be retired",
        "## Frames that stay\n\n`phx_join`",
        "<!-- retirement-note -->\n\na\n\n<!-- /retirement-note -->\n\n`phx_join`",
        "<!-- retirement-note -->\n\n`phx_join`",
        "```sh\nsend phx_join\n```",
        "[a](https://b.example.org/phx_join)",
        "phx\\_join",
        "phx&#95;join",
        "| a |\n|---|\n| phx_join |",
    ],
)
def test_the_rest_is_prose(text: str) -> None:
    assert roles(text) == ["prose"]


def test_a_comment_is_no_prose() -> None:
    assert roles("<!-- phx_join -->\n") == ["comment"]


def test_an_escape_is_told_once_and_where_it_stands() -> None:
    (sighting,) = markdown.look("# A\n\nphx\\_join and no more\n", OURS).sightings
    assert (sighting.line, sighting.column, sighting.how) == (3, 1, "folded")
    assert roles("phx_join phx\\_join") == ["prose"]
