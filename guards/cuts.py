"""Where code cuts a text: the marks around literals and what is filled into them, the ends of symbols that stand beside
such marks, and the pieces between them.

    texts_between(b'join("phx_", x + "join")') >= {b"phx_", b"join"}
    True
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from guards.sources.pieces import MIN_PIECE_CHARS

# What stands at a cut: quotes, and what begins or ends an interpolation, an escape, a place of a format or a sigil.
QUOTES_AFTER = tuple(bytes([mark]) for mark in b"\"'`{$\\#%")
QUOTES_BEFORE = tuple(bytes([mark]) for mark in b"\"'`})")
_AFTER = (*QUOTES_AFTER, *(bytes([mark]) for mark in b")]>|:<"))
_BEFORE = (*QUOTES_BEFORE, b"=", *b"%s %@ %d %v $s $@ ~s( ~s[ ~s{ ~s< ~s| ~s/ ~w( ~w[".split())
_PLACES = tuple(b"%s %d %v %@".split())
_EVEN = bytes.maketrans(b"'`{}$\\#%)=", b'""""""""""')  # every mark as one
_PIECE = re.compile(rb"[\w/:.\-]{1,40}")
_MAY_BE_GIVEN = (b'"', b"'", b"`", b"=", b"")  # marks of a literal that may be all that a name stands for
_ATTRIBUTE = re.compile(rb"[\w-]=$")  # of a page: no name stands for it
# A literal that is all that a name stands for.
_GIVEN = re.compile(
    rb"(?:(?<![=!<>])=\s*|@\w+\s+|\w+_\w*[\"']?\s*:\s*)(?:[\w:.]*(?:from|of|new|some|str|string|path|ur[il])\()?[rbf#&]*$"
)
_OPEN = re.compile(rb"[{$#%]|\\\(")  # what is filled in is no constant
_NO_MORE = re.compile(rb"#*\)?(?:\.\w+\(\))?\s*(?:[;,\n})#/]|as\b|$)")
MAX_LITERAL_BYTES = 100  # of a literal that holds a piece of a symbol and may be a constant
MAX_NAME_BYTES = 60  # of what stands before it
UNQUOTED = ("bash", "text")  # languages whose words need no quotes


@dataclass(frozen=True)
class End:
    """The beginning (`is_head`) or the end of some symbols, by number, beside a mark. `within` are those of which it is
    one also as a part of a longer word. A scrap is too short to be searched for without a mark on both sides."""

    text: bytes
    is_head: bool
    mark: bytes
    symbols: frozenset[int]
    within: frozenset[int] = frozenset()
    is_scrap: bool = False

    @cached_property
    def stem(self) -> bytes:
        """Without its mark."""
        return self.text.removesuffix(self.mark) if self.is_head else self.text.removeprefix(self.mark)

    @cached_property
    def may_be_given(self) -> bool:
        return not self.is_scrap and self.mark in _MAY_BE_GIVEN


def ends_of(symbols: Sequence[bytes]) -> list[End]:
    """Every beginning and end of the symbols beside a cut."""
    return [*_ends(symbols), *_scraps(symbols)]


def _ends(symbols: Sequence[bytes]) -> Iterator[End]:
    found: dict[tuple[bytes, bool, bytes], set[int]] = {}
    for number, symbol in enumerate(symbols):
        for cut in range(MIN_PIECE_CHARS, len(symbol)):
            for mark in _AFTER:
                found.setdefault((symbol[:cut] + mark, True, mark), set()).add(number)
        for cut in range(1, len(symbol) - MIN_PIECE_CHARS + 1):
            tail = symbol[cut:]
            marks = _BEFORE if tail[:1].isalnum() or tail[:1] == b"_" else (*_BEFORE, b"")  # b"": after a variable
            for mark in marks:
                found.setdefault((mark + tail, False, mark), set()).add(number)
    for (text, is_head, mark), numbers in found.items():
        routes = frozenset(number for number in numbers if is_head and symbols[number].startswith(b"/"))
        yield End(text, is_head, mark, frozenset(numbers), routes)


def _scraps(symbols: Sequence[bytes]) -> Iterator[End]:
    """Every beginning and end that is too short to be searched for alone."""
    found: dict[tuple[bytes, bool], set[int]] = {}
    for number, symbol in enumerate(symbols):
        for size in range(1, MIN_PIECE_CHARS):
            found.setdefault((symbol[:size], True), set()).add(number)
            found.setdefault((symbol[-size:], False), set()).add(number)
        if symbol.startswith(b"/"):  # parts of a path are joined without their slashes
            found.setdefault((symbol.split(b"/")[1], True), set()).add(number)
    for (text, is_head), numbers in found.items():
        for before in (*QUOTES_BEFORE, *_PLACES):
            for after in QUOTES_AFTER:
                yield End(before + text + after, is_head, after, frozenset(numbers), is_scrap=True)


def texts_between(marked: bytes) -> set[bytes]:
    """The short texts between two cuts, in small letters: what a symbol may be put together from."""
    even = marked
    for place in _PLACES if b"%" in marked else ():
        even = even.replace(place, b'"')
    return set(filter(_PIECE.fullmatch, {*even.translate(_EVEN).split(b'"')}))


def is_given(lowered: bytes, start: int, end: int, is_head: bool, language: str) -> bool:
    """Whether the literal around this end is what a name stands for: `x = "..."`, `x=...`, `@x "..."`, or
    `long_name: "..."`, and no expression that goes on."""
    if language in UNQUOTED and b"=" in (lowered[start : start + 1], lowered[start - 1 : start]):
        return True
    quote = lowered[end - 1 : end] if is_head else lowered[start : start + 1]
    if quote not in (b'"', b"'", b"`"):
        return False
    begins = lowered.rfind(quote, max(0, start - MAX_LITERAL_BYTES), end - 1 if is_head else start + 1)
    ends = end - 1 if is_head else lowered.find(quote, start + 1, start + MAX_LITERAL_BYTES)
    if begins < 0 or ends < 0 or _OPEN.search(lowered, begins, ends):
        return False
    before, after = lowered[max(0, begins - MAX_NAME_BYTES) : begins], lowered[ends + 1 : ends + MAX_NAME_BYTES]
    if language == "html" and _ATTRIBUTE.search(before):
        return False
    return _GIVEN.search(before) is not None and _NO_MORE.match(after) is not None
