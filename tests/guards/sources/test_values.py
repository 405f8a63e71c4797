"""Escapes, templates, and ways to choose among alternatives."""

from __future__ import annotations

import pytest

from guards.sources.values import HOLE, MAX_VALUES, filled, product, unescaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"phx\u005fjoin", "phx_join"),
        (r"phx\u{5f}join", "phx_join"),
        (r"\x70hx", "phx"),
        (r"phx\137join", "phx_join"),
        (r"a\/b", "a/b"),
        (r"a\\b", r"a\b"),
        (r"a\nb", "a\nb"),
        ("a\\\n   b", "ab"),
        (r"\u{ffffffff}", chr(0x10FFFF)),
        (r"\ud83d\ude00 \ud800phx", "\U0001f600 \ufffdphx"),
        (r"phx\N{LOW LINE}join", "phx_join"),
        (r"\N{NO SUCH CHARACTER}", r"\N{NO SUCH CHARACTER}"),
    ],
)
def test_escapes_are_what_they_stand_for(text: str, shown: str) -> None:
    assert unescaped(text) == shown


@pytest.mark.parametrize(
    ("template", "arguments", "made"),
    [
        ("/api/%s/%s", ["sync", "token"], "/api/sync/token"),
        ("/api/%2$s/%1$s", ["token", "sync"], "/api/sync/token"),
        ("/api/{}/{}", ["sync", "token"], "/api/sync/token"),
        ("/api/{1}/{0:>4}", ["token", "sync"], "/api/sync/token"),
        ("/api/{name}", [], "/api/sync"),
        ("/api/$name", [], "/api/sync"),
        ("{{}}%s", ["a"], "{}a"),
        ("%@-%d", ["a"], f"a-{HOLE}"),
    ],
)
def test_places_are_filled_by_order_by_number_and_by_name(template: str, arguments: list[str], made: str) -> None:
    values = [(one,) for one in arguments]
    assert filled(template, values, lambda name: ("sync",) if name == "name" else ()) == (made,)


def test_alternatives_are_limited() -> None:
    assert product([("a", "b"), ("c",)]) == ("ac", "bc")
    assert len(product([tuple("abcdefgh")] * 6)) == MAX_VALUES
    assert product([("a",), ("b",)], "/") == ("a/b",)
