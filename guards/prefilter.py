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
from dataclasses import dataclass, field

from ahocorasick_rs import BytesAhoCorasick

from guards.rule import NEAR_CHARS, Rule
from guards.sources.text import joined

MIN_END_CHARS = 3  # of a symbol before or after a cut; `"ph" + "x_join"` is found with everything between taken out
MIN_SQUEEZED_CHARS = 6  # of an anchor with its marks taken out: shorter ones are in every file
# What stands at a cut: quotes, and what begins or ends an interpolation, an escape or a place of a format.
_AFTER = tuple(b"\"'`{$\\#%")
_BEFORE = tuple(b"\"'`})")
_KEPT = (string.ascii_lowercase + string.digits).encode()
_DROPPED = bytes(set(range(256)) - set(_KEPT))
_WORDS = re.compile(rb"[a-z0-9]+")


@dataclass(frozen=True)
class Glimpse:
    """What the raw bytes of one file promise: a sighting, or for some symbols (by number) how long a head it has of
    them, and from where on a tail."""

    candidate: bool
    heads: dict[int, int] = field(default_factory=dict)
    tails: dict[int, int] = field(default_factory=dict)


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

    def look(self, data: bytes) -> Glimpse:
        """One file's bytes."""
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
        heads, tails = self._ends_of(lowered)
        both = heads.keys() & tails.keys()
        return Glimpse(any(self._covered(n, heads[n], tails[n], lowered) for n in both), heads, tails)

    def _anchored_match(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        if any(next(rule.matches(text), None) for rule in self._anchored):
            return True
        together, cuts = joined(text)
        return bool(cuts) and any(next(rule.matches(together), None) for rule in self._anchored)

    def _ends_of(self, lowered: bytes) -> tuple[dict[int, int], dict[int, int]]:
        """The longest head and the earliest tail of each symbol that stand at a cut."""
        heads: dict[int, int] = {}
        tails: dict[int, int] = {}
        for pattern, start, end in self._ends.find_matches_as_indexes(lowered, overlapping=True):
            meaning = self._meanings[pattern]
            outer = lowered[start - 1 : start] if meaning.is_head else lowered[end : end + 1]
            for number, cut in meaning.symbols:
                route = self.symbols[number].startswith(b"/")
                if outer.isalnum() and not (route and meaning.is_head):
                    continue  # a longer word that begins or ends like this
                if meaning.is_head:
                    heads[number] = max(heads.get(number, 0), cut)
                else:
                    tails[number] = min(tails.get(number, cut), cut)
        return heads, tails

    def _covered(self, number: int, head: int, tail: int, lowered: bytes) -> bool:
        """Whether what lies between the ends is in the file too, word by word."""
        return all(word in lowered for word in words_between(self.symbols[number], head, tail))


def words_between(symbol: bytes, head: int, tail: int) -> list[bytes]:
    """What of a symbol neither its head nor its tail holds, word by word."""
    return _WORDS.findall(symbol[head:tail])
