"""What a front end hands on: where a rule's symbol was seen in one file, and in what part of its syntax.

Leaves the class of a sighting (and whether it blocks) to guards.classes, which knows the path too.

    Sighting(rule="phoenix-frame", symbol="phx_join", role="string", line=3, column=9, how="literal")
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.history import Record

Role = Literal["code", "string", "comment", "prose", "note"]  # note: a marked retirement note of a document
How = Literal["literal", "folded", "constant"]


class Sighting(Record, frozen=True):
    """`line` and `column` count from 1, in characters. `how` is literal when the symbol stands there as it is, folded
    when the code puts it together, constant when a name of another file stands for it. `value` is what was put
    together; `scope` the text of the innermost test around it, "" outside of tests."""

    rule: str
    symbol: str
    role: Role
    line: int
    column: int
    how: How
    source: str = ""
    value: str = ""
    scope: str = ""


class Look(Record, frozen=True):
    """What one front end saw in one file: sightings, constants that hold a piece of a symbol, and what kept it from
    seeing all (a syntax that could not be parsed)."""

    sightings: tuple[Sighting, ...] = ()
    constants: dict[str, tuple[str, ...]] = {}
    problem: str = ""


@dataclass(frozen=True)
class Lines:
    """Places of a text by line and column."""

    text: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Lines:
        starts = [0]
        at = text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        return cls(text, tuple(starts))

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column), both from 1."""
        line = bisect.bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The line's text, cut where it is too long for a report."""
        start = self.starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].strip()[:MAX_LINE_CHARS]


class Spans:
    """Stretches of a text that do not overlap, asked by offset."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = sorted(spans)

    def around(self, offset: int) -> int | None:
        """Where the stretch around this place begins."""
        at = bisect.bisect_right(self._spans, (offset, 1 << 60)) - 1
        return self._spans[at][0] if at >= 0 and offset < self._spans[at][1] else None

    def __contains__(self, offset: int) -> bool:
        return self.around(offset) is not None


MAX_LINE_CHARS = 200  # of a source line in a report: minified files have lines of a megabyte
SCOPE_CHARS = 4_000  # of a test's text that is kept for judging what it asserts
