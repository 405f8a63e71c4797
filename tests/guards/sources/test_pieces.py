"""What can be put together from pieces: every way that there is, whatever marks a joint adds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.sources.pieces import Pieces, squeezed

SYMBOLS = [b"phx_join", b"/sync/socket/websocket", b"sync:update_batch"]
PIECES = Pieces(SYMBOLS)


@given(st.sampled_from(SYMBOLS), st.data())
def test_every_cut_makes_the_whole(symbol: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(symbol) - 1), max_size=5)))
    parts = [symbol[start:end] for start, end in zip([0, *cuts], [*cuts, len(symbol)], strict=True)]
    parts = [part.upper() for part in data.draw(st.permutations(parts))]
    assert SYMBOLS.index(symbol) in PIECES.made_of(parts)


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        ([b"phx", b"join"], {0}),
        ([b"phx", b"joiner"], {0}),
        ([b"a phx", b"join b"], {0}),
        ([b"phx", b"joy"], set()),
        ([b"phx", b"oin"], set()),
        ([b"wss://host/sync", b"socket/websocket?a=b"], {1}),
        ([b"/sync/", b"websocket"], set()),
        ([b"a PHX-JOIN b"], {0}),
        ([b"ph", b"x", b"_j", b"oi", b"n"], {0}),
        ([b"graph", b"x", b"join"], set()),
        ([], set()),
    ],
)
def test_what_they_make(texts: list[bytes], made: set[int]) -> None:
    assert PIECES.made_of(texts) == made


def test_what_replaces_needs_every_word() -> None:
    assert PIECES.worded_in([b"Sync of a SOCKET,", b"websocket"]) == {1}
    assert PIECES.worded_in([b"sync", b"sockets", b"websocket"]) == frozenset()


def test_only_letters_and_digits_count() -> None:
    assert squeezed(b"/Api/v1\\\n_Token-\xc3\xa9") == b"apiv1token"


def test_long_texts_are_judged_by_their_ends_too() -> None:
    long = b"x" * 500
    assert PIECES.made_of([long + b"phx_", b"join" + long]) == {0}
    assert PIECES.made_of([long + b"phx_join" + long]) == {0}
