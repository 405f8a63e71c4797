"""Which files are worth parsing: a search for symbols and for what they can be cut into, over raw bytes.

It may cost time, never a sighting. A file is a candidate when

- a symbol stands in it, in any case, also when everything but letters and digits is taken out of both
  (so `"phx_" + "join"`, `["phx", "join"]` and `phxJoin` are found), or
- it holds the beginning and the end of a symbol as they stand before and after a cut, and every word between:
  `"phx_"` ... `"join"`, or
- a rule of words or of a pattern matches in it, its literals joined where nothing but an operator parts them.

A file with one end of a symbol only is a *part*: the other end may be a constant of another file.

    Prefilter(rules).look(b'join = "phx_" + "join"').candidate
    True
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick

from guards.rule import NEAR_CHARS, Rule
from guards.sources.text import joined
from harness.history import Record

MIN_END_CHARS = 3  # of a symbol before or after a cut; `"ph" + "x_join"` is found with everything between taken out
MIN_SQUEEZED_CHARS = 6  # of an anchor with its marks taken out: shorter ones are in every file
# What stands at a cut: quotes, and what begins or ends an interpolation, an escape or a place of a format.
_AFTER = tuple(b"\"'`{$\\#%")
_BEFORE = tuple(b"\"'`})")
_KEPT = (string.ascii_lowercase + string.digits).encode()
_DROPPED = bytes(set(range(256)) - set(_KEPT))
_WORDS = re.compile(rb"[a-z0-9]+")
_MARK = rb"[\"'`{}$\\#%()]"
_GIVEN = re.compile(rb"(?:=\s*|@\w+\s+|\w+_\w*[\"']?\s*:\s*)(?:[\w.:]{1,20}\()?[rbf#]*$")
_OPEN = re.compile(rb"[{$#%]|\\\(")  # what is filled in is no constant
_NO_MORE = re.compile(rb"#*\)?(?:\.\w+\(\))?\s*(?:[;,\n})#/]|as\b|$)")
_SPACES_AS_QUOTES = bytes.maketrans(b" \t\n;=", b'"""""')
DATA = ("json", "yaml", "toml", "markdown")  # languages in which nothing puts a text together
MAX_LITERAL_BYTES = 100  # of a literal that holds a piece of a symbol and may be a constant
MAX_NAME_BYTES = 60  # of what stands before it
_SEPARATOR = rb"[^a-z0-9\"'`{}]{0,2}"


class Ends(Record, frozen=True):
    """Of some symbols (by number): how long a head of it one file has, from where on a tail, and which of them are what
    a name stands for."""

    heads: dict[int, int] = {}
    tails: dict[int, int] = {}
    given_heads: frozenset[int] = frozenset()
    given_tails: frozenset[int] = frozenset()


NO_ENDS = Ends()


@dataclass(frozen=True)
class Glimpse:
    """What the raw bytes of one file promise: a sighting, or ends of symbols."""

    candidate: bool
    ends: Ends = NO_ENDS


@dataclass(frozen=True)
class _End:
    is_head: bool
    symbols: tuple[tuple[int, int], ...]  # (number, cut)


class Prefilter:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self.symbols = sorted({symbol.lower().encode() for rule in rules for symbol in rule.symbols})
        self._anchored = [rule for rule in rules if not rule.symbols]
        anchors = sorted({anchor.lower().encode() for rule in self._anchored for anchor in rule.anchors})
        squeezed = {anchor.translate(None, _DROPPED) for anchor in anchors}
        self._plain = BytesAhoCorasick(self.symbols + anchors)
        self._own = {symbol.translate(None, _DROPPED) for symbol in self.symbols}
        self._squeezed_literals = sorted(self._own | {one for one in squeezed if len(one) >= MIN_SQUEEZED_CHARS})
        self._squeezed = BytesAhoCorasick(self._squeezed_literals)
        ends: dict[bytes, list[tuple[int, int]]] = {}
        heads: set[bytes] = set()
        for number, symbol in enumerate(self.symbols):
            for cut in range(MIN_END_CHARS, len(symbol)):
                for mark in _AFTER:
                    ends.setdefault(symbol[:cut] + bytes([mark]), []).append((number, cut))
                    heads.add(symbol[:cut] + bytes([mark]))
            for cut in range(1, len(symbol) - MIN_END_CHARS + 1):
                for mark in _BEFORE:
                    ends.setdefault(bytes([mark]) + symbol[cut:], []).append((number, cut))
        self._ends = BytesAhoCorasick(list(ends))
        self._meanings = [_End(pattern in heads, tuple(symbols)) for pattern, symbols in ends.items()]

    def look(self, data: bytes, language: str = "text") -> Glimpse:
        """One file's bytes. What is written in a language of data puts no texts together, but has escapes; in a shell
        a literal needs no quotes."""
        lowered = data.lower()
        stretches: list[tuple[int, int]] = []  # around the anchors; all of the file when one is cut
        for number, start, end in self._plain.find_matches_as_indexes(lowered):
            if number < len(self.symbols):
                return Glimpse(True)
            if stretches and start - NEAR_CHARS <= stretches[-1][1]:
                stretches[-1] = stretches[-1][0], end + NEAR_CHARS
            else:
                stretches.append((max(0, start - NEAR_CHARS), end + NEAR_CHARS))
        for number, _, _ in self._squeezed.find_matches_as_indexes(lowered.translate(None, _DROPPED)):
            if self._squeezed_literals[number] in self._own:
                return Glimpse(True)
            if not stretches:
                stretches = [(0, len(data))]
        if any(self._anchored_match(data[start:end]) for start, end in stretches):
            return Glimpse(True)
        if language in DATA:
            return Glimpse(b"\\u" in lowered or b"\\x" in lowered or b"&#" in lowered)
        ends = self._ends_of(lowered.translate(_SPACES_AS_QUOTES) if language == "bash" else lowered)
        both = ends.heads.keys() & ends.tails.keys()
        return Glimpse(any(self._covered(n, ends.heads[n], ends.tails[n], lowered) for n in both), ends)

    def _anchored_match(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        if any(next(rule.matches(text), None) for rule in self._anchored):
            return True
        together, cuts = joined(text)
        return bool(cuts) and any(next(rule.matches(together), None) for rule in self._anchored)

    def _ends_of(self, lowered: bytes) -> Ends:
        """The longest head and the earliest tail of each symbol that stand at a cut."""
        heads: dict[int, int] = {}
        tails: dict[int, int] = {}
        given: tuple[set[int], set[int]] = set(), set()
        for pattern, start, end in self._ends.find_matches_as_indexes(lowered, overlapping=True):
            meaning = self._meanings[pattern]
            outer = lowered[start - 1 : start] if meaning.is_head else lowered[end : end + 1]
            is_word = outer.isalnum()
            is_given: bool | None = None
            for number, cut in meaning.symbols:
                if is_word and not (meaning.is_head and self.symbols[number].startswith(b"/")):
                    continue  # a longer word that begins or ends like this
                if meaning.is_head:
                    heads[number] = max(heads.get(number, 0), cut)
                else:
                    tails[number] = min(tails.get(number, cut), cut)
                if is_given is None:
                    is_given = _is_given(lowered, start, end, meaning.is_head)
                if is_given:
                    given[not meaning.is_head].add(number)
        if not heads and not tails:
            return NO_ENDS
        return Ends(heads, tails, frozenset(given[0]), frozenset(given[1]))

    def _covered(self, number: int, head: int, tail: int, lowered: bytes) -> bool:
        """Whether what lies between the ends stands in the file too, between marks of its own."""
        return covers(lowered, self.symbols[number][head:tail])


def _is_given(lowered: bytes, start: int, end: int, is_head: bool) -> bool:
    """Whether the literal around this end is what a name stands for: `x = "..."`, `@x "..."`, `long_name: "..."`, and no
    expression that goes on."""
    quote = lowered[end - 1 : end] if is_head else lowered[start : start + 1]
    if quote not in (b'"', b"'", b"`"):
        return False
    begins = lowered.rfind(quote, max(0, start - MAX_LITERAL_BYTES), end - 1 if is_head else start + 1)
    ends = end - 1 if is_head else lowered.find(quote, start + 1, start + MAX_LITERAL_BYTES)
    if begins < 0 or ends < 0 or _OPEN.search(lowered, begins, ends):
        return False
    before, after = lowered[max(0, begins - MAX_NAME_BYTES) : begins], lowered[ends + 1 : ends + MAX_NAME_BYTES]
    return _GIVEN.search(before) is not None and _NO_MORE.match(after) is not None


def covers(lowered: bytes, middle: bytes) -> bool:
    """Whether the text between a head and a tail can come of this file: in one piece, or word by word, each between
    quotes or interpolations (a separator may stand with it, or be what a list is joined with)."""
    if not middle or re.search(_MARK + re.escape(middle) + _MARK, lowered):
        return True
    words = _WORDS.findall(middle)
    return all(re.search(_MARK + _SEPARATOR + word + _SEPARATOR + _MARK, lowered) for word in words)
