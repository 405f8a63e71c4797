"""Where code cuts a text: the ends of symbols beside marks, and the pieces between them."""

from __future__ import annotations

import pytest

from guards.cuts import ends_of, is_given, texts_between

SYMBOLS = [b"phx_join", b"/api/token"]


def test_ends_stand_beside_marks() -> None:
    ends = {end.text: end for end in ends_of(SYMBOLS)}
    head, tail = ends[b'phx_"'], ends[b'"join']
    assert (head.stem, head.is_head, head.symbols, head.within) == (b"phx_", True, {0}, frozenset())
    assert (tail.stem, tail.is_head, tail.symbols) == (b"join", False, {0})
    assert ends[b'/api"'].within == {1}, "an address may stand before a route"
    assert ends[b"'ph'"].is_scrap and not ends[b"'ph'"].may_be_given
    assert b'ph"' not in ends


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        (b"join('phx_', x + \"join\")", {b"phx_", b"join"}),
        (b'f"{head}/token"', {b"head", b"/token"}),
        (b'"%sjoin" % a', {b"join"}),
        (b"`${a}/api/${b}`", {b"a", b"/api/", b"b"}),
        (b'"a text of words"', set()),
    ],
)
def test_what_stands_between(code: bytes, texts: set[bytes]) -> None:
    assert texts_between(code) >= texts
    assert all(b" " not in text for text in texts_between(code))


@pytest.mark.parametrize(
    ("code", "language", "given"),
    [
        (b'const head = "phx_";', "typescript", True),
        (b'frame_head: "phx_",', "typescript", True),
        (b'kind: "phx_",', "typescript", False),
        (b'if (head == "phx_") {', "typescript", False),
        (b'const head = "phx_" + x;', "typescript", False),
        (b'@head "phx_"\n', "elixir", True),
        (b'head=phx_"$x"', "bash", True),
        (b'<a id="phx_">', "html", False),
    ],
)
def test_what_a_name_stands_for(code: bytes, language: str, given: bool) -> None:
    at = code.index(b"phx_")
    start = at - 1 if language == "bash" else at
    assert is_given(code, start, at + 5, True, language) is given
