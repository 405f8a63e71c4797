"""Which files are worth parsing: a search for symbols and for what they can be cut into, over raw bytes.

It may cost time, never a sighting. A file is a candidate when

- a symbol stands in it, in any case, also when everything but letters and digits is taken out of both
  (so `"phx_" + "join"`, `["phx", "join"]` and `phxJoin` are found), or when its escapes are resolved, or
- it holds the beginning or the end of a symbol, of at least MIN_END_CHARS, as it stands before or after a cut, and
  everything else of it in words or in pieces between cuts: `"phx_"` ... `"jo"` ... `"in"`, or
- it replaces text and has every word of a symbol, or
- a rule of words or of a pattern matches in it, its literals joined where nothing but an operator parts them, or an
  anchor of the rule stands at a cut.

A file with one end of a symbol only is a *part*: the other end may be a constant of another file.

    Prefilter(rules).look(b'join = "phx_" + "join"').candidate
    True
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ahocorasick_rs import BytesAhoCorasick

from guards.rule import NEAR_CHARS, Rule
from guards.sources.text import joined
from guards.sources.values import unescaped

MIN_END_CHARS = 3  # of a symbol before or after a cut; `"ph" + "x_join"` is found with everything between taken out
MIN_SQUEEZED_CHARS = 6  # of an anchor with its marks taken out: shorter ones are in every file
# What stands at a cut: quotes, what begins or ends an interpolation, an escape, a place of a format or a sigil, and the
# space after a word without quotes.
_AFTER = tuple(bytes([mark]) for mark in b"\"'`{$\\#%)]>|\n\r ;")
_BARE = b"\n\r ;"
_BEFORE = tuple(bytes([mark]) for mark in b"\"'`})=") + tuple(
    b"%s %@ %d %v $s $@ ~s( ~s[ ~s{ ~s< ~s| ~s/ ~w( ~w[".split()
)
_KEPT = (string.ascii_lowercase + string.digits).encode()
_DROPPED = bytes(set(range(256)) - set(_KEPT))
_WORDS = re.compile(rb"[a-z0-9]+")
_CUT = rb"[\"'`{}$\\#%()\[\]<>|=,+\s]"
_VARIABLE = re.compile(rb"\$\w+$")
_VARIABLE_CHARS = 40  # of a name before a tail, as in `$BASE/token`
# Escapes and references, and what says cheaply that there may be some.
_HIDDEN = re.compile(
    rb"\\(?:u\{[0-9A-Fa-f_]+\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[0-7]{3}|N\{[^}\n]*\})|&#?\w+;|\\\r?\n[ \t]*"
)
_HIDING = (b"\\u", b"\\x", b"\\X", b"\\0", b"\\1", b"\\N", b"&#", b"&lowbar;", b"&sol;", b"&colon;")
_PLACES = (b"%s", b"%@", b"{}", b"%d")


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
    mark: bytes
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
        ends = _ends(self.symbols)
        self._ends = BytesAhoCorasick([text for text, _ in ends])
        self._meanings = [meaning for _, meaning in ends]
        self._words = [_WORDS.findall(symbol) for symbol in self.symbols]

    def look(self, data: bytes) -> Glimpse:
        """One file's bytes."""
        glimpse = self._look(data)
        if not glimpse.candidate and any(mark in data for mark in _HIDING):
            return self._look(_HIDDEN.sub(_shown, data))
        return glimpse

    def _look(self, data: bytes) -> Glimpse:
        lowered = data.lower()
        stretches: list[tuple[int, int]] = []  # around the anchors; all of the file when one is cut
        for number, start, end in self._plain.find_matches_as_indexes(lowered):
            if number < len(self.symbols):
                return Glimpse(True)
            if stretches and start - NEAR_CHARS <= stretches[-1][1]:
                stretches[-1] = stretches[-1][0], end + NEAR_CHARS
            else:
                stretches.append((max(0, start - NEAR_CHARS), end + NEAR_CHARS))
        for number, _, _ in self._squeezed.find_matches_as_indexes(_squeezed(lowered)):
            if self._squeezed_literals[number] in self._own:
                return Glimpse(True)
            if not stretches:
                stretches = [(0, len(data))]
        if any(self._anchored_match(data[start:end]) for start, end in stretches):
            return Glimpse(True)
        if stretches and self._anchor_at_cut(lowered):
            return Glimpse(True)
        if b"replac" in lowered and any(all(word in lowered for word in words) for words in self._words):
            return Glimpse(True)
        heads, tails = self._ends_of(lowered)
        whole = any(self._covered(n, heads.get(n, 0), tails.get(n), lowered) for n in heads.keys() | tails.keys())
        return Glimpse(whole, heads, tails)

    def _anchored_match(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        if any(next(rule.matches(text), None) for rule in self._anchored):
            return True
        together, cuts = joined(text)
        return bool(cuts) and any(next(rule.matches(together), None) for rule in self._anchored)

    @cached_property
    def _at_cut(self) -> list[tuple[re.Pattern[bytes], Rule]]:
        """Anchors with a cut beside them, of rules that are asked of what was put together."""
        rules = [rule for rule in self._anchored if not rule.near and not rule.not_near]
        return [(re.compile(_beside_a_cut(rule.anchors)), rule) for rule in rules]

    def _anchor_at_cut(self, lowered: bytes) -> bool:
        return any(
            pattern.search(lowered) and all(any(word.encode() in lowered for word in group) for group in rule.words)
            for pattern, rule in self._at_cut
        )

    def _ends_of(self, lowered: bytes) -> tuple[dict[int, int], dict[int, int]]:
        """The longest head and the earliest tail of each symbol that stand at a cut."""
        heads: dict[int, int] = {}
        tails: dict[int, int] = {}
        for pattern, start, end in self._ends.find_matches_as_indexes(lowered, overlapping=True):
            meaning = self._meanings[pattern]
            if not meaning.mark and not _VARIABLE.search(lowered, max(0, start - _VARIABLE_CHARS), start):
                continue
            if meaning.is_head and meaning.mark in _BARE and not _is_assigned(lowered, start):
                continue
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

    def _covered(self, number: int, head: int, tail: int | None, lowered: bytes) -> bool:
        """Whether what lies between the ends is in the file too, word by word or in pieces between cuts. An end that is
        not there is one of those pieces."""
        symbol = self.symbols[number]
        between = symbol[head : len(symbol) if tail is None else tail]
        if head and tail is not None and all(word in lowered for word in _WORDS.findall(between)):
            return True
        reached = {0}  # how far of it there are pieces, one after the other
        for end in range(1, len(between) + 1):
            if any(re.search(_CUT + re.escape(between[at:end]) + _CUT, lowered) for at in reached):
                reached.add(end)
        return len(between) in reached


def words_between(symbol: bytes, head: int, tail: int) -> list[bytes]:
    """What of a symbol neither its head nor its tail holds, word by word."""
    return _WORDS.findall(symbol[head:tail])


def _ends(symbols: Sequence[bytes]) -> list[tuple[bytes, _End]]:
    """Every beginning and end of the symbols beside a cut, and what it means."""
    found: dict[tuple[bytes, bool, bytes], list[tuple[int, int]]] = {}
    for number, symbol in enumerate(symbols):
        for cut in range(MIN_END_CHARS, len(symbol)):
            for mark in _AFTER:
                found.setdefault((symbol[:cut] + mark, True, mark), []).append((number, cut))
        for cut in range(1, len(symbol) - MIN_END_CHARS + 1):
            tail = symbol[cut:]
            marks = _BEFORE if tail[:1].isalnum() or tail[:1] == b"_" else (*_BEFORE, b"")  # b"": after a variable
            for mark in marks:
                found.setdefault((mark + tail, False, mark), []).append((number, cut))
    return [(text, _End(is_head, mark, tuple(cuts))) for (text, is_head, mark), cuts in found.items()]


def _beside_a_cut(anchors: Sequence[str]) -> bytes:
    literals = b"|".join(re.escape(anchor.lower().encode()) for anchor in anchors)
    return rb"[\"'`})][_.\-]?(?:" + literals + rb")|(?:" + literals + rb")[_.\-]?(?:[\"'`{$\\#%]|\s*\n)"


def _squeezed(lowered: bytes) -> bytes:
    """Letters and digits only, without the places of templates."""
    for place in _PLACES:
        if place in lowered:
            lowered = lowered.replace(place, b"")
    return lowered.translate(None, _DROPPED)


def _shown(match: re.Match[bytes]) -> bytes:
    """What an escape or a reference stands for."""
    text = match.group().decode("ascii", "replace")
    plain = html.unescape(text) if text.startswith("&") else unescaped(text)
    return plain.encode("utf-8", "replace")


def _is_assigned(lowered: bytes, start: int) -> bool:
    """Whether a word without quotes stands for a name: `API := /api/v1`."""
    return lowered[max(0, start - 3) : start].rstrip().endswith((b"=", b":"))
