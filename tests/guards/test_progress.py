"""A line for whoever waits at a terminal."""

from __future__ import annotations

from io import StringIO

from guards.progress import Ticker


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_is_drawn_over_and_taken_away() -> None:
    stream = Terminal()
    with Ticker(stream, patience_s=0) as told:
        told(250, 15_000)
        told(500, 15_000)
    assert stream.getvalue() == "\r\x1b[K  0 s  250 of 15000 files\r\x1b[K  0 s  500 of 15000 files\r\x1b[K"


def test_elsewhere_and_when_it_is_quick_nothing_is_drawn() -> None:
    for stream, patience_s in ((StringIO(), 0), (Terminal(), 60)):
        with Ticker(stream, patience_s) as told:
            told(1, 2)
        assert stream.getvalue() == ""
