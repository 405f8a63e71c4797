"""Which files are worth parsing: a search for symbols and for what they can be cut into, over raw bytes.

It may cost time, never a sighting. A file is a candidate when

- a symbol stands in it, in any case, also when everything but letters and digits is taken out of both
  (so `"phx_" + "join"`, `["phx", "join"]` and `phxJoin` are found), or when its escapes are resolved, or
- it holds the beginning or the end of a symbol, of at least MIN_PIECE_CHARS, as it stands before or after a cut, and
  everything else of it in pieces between cuts: `"phx_"` ... `"jo"` ... `"in"`, or
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
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick, Implementation

from guards.cuts import QUOTES_AFTER, QUOTES_BEFORE, UNQUOTED, End, ends_of, is_given, texts_between
from guards.rule import NEAR_CHARS, Rule
from guards.sources.calls import REPLACING
from guards.sources.pieces import Pieces, squeezed
from guards.sources.text import joined
from guards.sources.values import unescaped
from harness.history import Record

MIN_SQUEEZED_CHARS = 6  # of an anchor with its marks taken out: shorter ones are in every file
MAX_WORD_BYTES = 60  # around an anchor
DATA = ("json", "yaml", "toml", "markdown")  # languages in which only what stands in a row is put together
_PARTING = (b"_", b".", b"-")
_WORD_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789_.-"
_VARIABLE = re.compile(rb"\$\w+$")
_VARIABLE_CHARS = 40  # of a name before a tail, as in `$BASE/token`
# What stands for a letter, a digit, or one of `/ : _`: escapes, and references of pages.
_CODE = rb"(?:2[fF]|3[0-9aA]|[46][0-9a-fA-F]|[57][0-9aA]|5[fF])"
_ESCAPE = re.compile(rb"\\(?:x|u00|u\{0*)" + _CODE + rb"\}?|\\(?:057|06\d|07[0-2]|1[0-7]{2})|\\N\{[^}\n]*\}")
_REFERENCE = re.compile(rb"&(?:#\w+|lowbar|sol|colon);")
_REPLACING = re.compile(REPLACING.encode())
_SPACES_AS_QUOTES = bytes.maketrans(b" \t\r\n;", b'"""""')


class Ends(Record, frozen=True):
    """The symbols, by number, of which one file has a beginning and an end, and of which these are what a name stands
    for."""

    heads: frozenset[int] = frozenset()
    tails: frozenset[int] = frozenset()
    given_heads: frozenset[int] = frozenset()
    given_tails: frozenset[int] = frozenset()


NO_ENDS = Ends()


@dataclass(frozen=True)
class Glimpse:
    """What the raw bytes of one file promise: a sighting, or ends of symbols."""

    candidate: bool
    ends: Ends = NO_ENDS


@dataclass
class _Traces:
    """What one search over a file leaves: stretches around anchors, anchors between cuts, ends of symbols (`stems`),
    and the symbols by what is there of them (of `given` and `scraps`: beginnings, ends)."""

    stretches: list[tuple[int, int]] = field(default_factory=list)
    at_cut: set[bytes] = field(default_factory=set)
    stems: set[bytes] = field(default_factory=set)
    heads: set[int] = field(default_factory=set)
    tails: set[int] = field(default_factory=set)
    given: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    scraps: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))

    def near(self, start: int, end: int) -> None:
        """An anchor stands there."""
        stretches = self.stretches
        if stretches and start - NEAR_CHARS <= stretches[-1][1]:
            stretches[-1] = stretches[-1][0], end + NEAR_CHARS
        else:
            stretches.append((max(0, start - NEAR_CHARS), end + NEAR_CHARS))

    @property
    def ends(self) -> Ends:
        if not self.heads and not self.tails:
            return NO_ENDS
        return Ends(*map(frozenset, (self.heads, self.tails, *self.given)))

    @property
    def whole(self) -> set[int]:
        """Symbols that begin and end in this file."""
        return (self.heads | self.tails) & (self.heads | self.scraps[0]) & (self.tails | self.scraps[1])


@lru_cache(maxsize=4)
def prefilter_of(rules: tuple[Rule, ...]) -> Prefilter:
    """The same one every time: to make one takes as long as to read a thousand files."""
    return Prefilter(rules)


class Prefilter:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self.symbols = sorted({symbol.lower().encode() for rule in rules for symbol in rule.symbols})
        self._anchored = [rule for rule in rules if not rule.symbols]
        anchors = sorted({anchor.lower().encode() for rule in self._anchored for anchor in rule.anchors})
        self._ends = ends_of(self.symbols)
        plain = self.symbols + anchors  # patterns are known by their number: symbols, then anchors, then ends
        self._first_end = len(plain)
        self._search = _search(plain + [end.text for end in self._ends])
        self._search_plain = _search(plain)
        own = {squeezed(symbol) for symbol in self.symbols}
        short = {squeezed(anchor) for anchor in anchors}
        self._squeezed = sorted(own) + sorted(one for one in short - own if len(one) >= MIN_SQUEEZED_CHARS)
        self._own = len(own)
        self._search_squeezed = _search(self._squeezed)
        self._pieces = Pieces(self.symbols)

    def look(self, data: bytes, language: str = "text") -> Glimpse:
        """One file's bytes."""
        glimpse = self._look(data, language)
        # A byte is found far sooner than a pattern that begins with it.
        is_escaped = (b"\\" in data and _ESCAPE.search(data)) or (b"&" in data and _REFERENCE.search(data))
        if is_escaped and not glimpse.candidate:
            return self._look(_REFERENCE.sub(_shown, _ESCAPE.sub(_shown, data)), language)
        return glimpse

    def _look(self, data: bytes, language: str) -> Glimpse:
        lowered = data.lower()
        marked = lowered.translate(_SPACES_AS_QUOTES) if language in UNQUOTED else lowered
        traces = self._traces(lowered, marked, language)
        if traces is None:
            return Glimpse(True)
        for number, _, _ in self._search_squeezed.find_matches_as_indexes(squeezed(lowered)):
            if number < self._own:
                return Glimpse(True)
            if not traces.stretches:
                traces.stretches = [(0, len(data))]  # an anchor that is cut
        if any(self._anchored_match(data[start:end]) for start, end in traces.stretches):
            return Glimpse(True)
        return Glimpse(self._is_made(marked, traces), traces.ends)

    def _traces(self, lowered: bytes, marked: bytes, language: str) -> _Traces | None:
        """What one search finds; None when it finds a symbol."""
        found, ends, first_end = _Traces(), self._ends, self._first_end
        known: set[int] = set()  # patterns of which more would tell nothing new
        is_data = language in DATA
        search = self._search_plain if is_data else self._search
        for pattern, start, end in search.find_matches_as_indexes(marked, overlapping=True):
            if pattern in known:
                continue
            if pattern >= first_end:
                if self._end(ends[pattern - first_end], start, end, lowered, marked, language, found):
                    known.add(pattern)
            elif pattern < len(self.symbols):
                return None
            else:
                found.near(start, end)
                if not is_data and (word := _word_between_cuts(marked, start, end)):
                    found.at_cut.add(word)
        return found

    def _end(
        self, one: End, start: int, end: int, lowered: bytes, marked: bytes, language: str, found: _Traces
    ) -> bool:
        """Note one end; whether another of the same would tell nothing new."""
        if one.is_scrap:
            found.scraps[not one.is_head].update(one.symbols)
            return True
        if not one.mark and not _VARIABLE.search(marked, max(0, start - _VARIABLE_CHARS), start):
            return False
        outer = marked[start - 1 : start] if one.is_head else marked[end : end + 1]
        is_word = outer.isalnum()  # a longer word that begins or ends like this
        symbols = one.within if is_word else one.symbols
        if symbols:
            found.stems.add(one.stem)
            (found.heads if one.is_head else found.tails).update(symbols)
        given = found.given[not one.is_head]
        if not one.may_be_given or symbols <= given:
            return not is_word
        if is_given(lowered, start, end, one.is_head, language):
            given.update(symbols)
        return False

    def _is_made(self, marked: bytes, traces: _Traces) -> bool:
        """Whether a symbol, or what goes on from an anchor, can be made of what this file has."""
        whole, replaces = traces.whole, b".replac" in marked and _REPLACING.search(marked) is not None
        if not whole and not traces.at_cut and not replaces:
            return False
        texts = texts_between(marked)
        if not whole.isdisjoint(self._pieces.made_of(texts | traces.stems)):
            return True
        if traces.at_cut and self._may_go_on(traces.at_cut, texts):
            return True
        return replaces and bool(self._pieces.worded_in(texts))

    def _anchored_match(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        if any(next(rule.matches(text), None) for rule in self._anchored):
            return True
        together, cuts = joined(text)
        return bool(cuts) and any(next(rule.matches(together), None) for rule in self._anchored)

    def _may_go_on(self, at_cut: set[bytes], texts: set[bytes]) -> bool:
        """Whether an anchor between cuts may become what a rule looks for: a mark parts it from its next word."""
        if not any(text[:1] in _PARTING or text[-1:] in _PARTING for text in at_cut | texts):
            return False
        together = b" ".join(at_cut | texts)
        return any(
            all(any(word.encode() in together for word in group) for group in rule.words)
            for rule in self._anchored
            if not rule.near and not rule.not_near and any(a.encode() in word for a in rule.anchors for word in at_cut)
        )


def _search(patterns: Sequence[bytes]) -> BytesAhoCorasick:
    """The fastest kind: twice as fast as the one that it takes for so many by itself."""
    return BytesAhoCorasick(patterns, implementation=Implementation.DFA)


def _word_between_cuts(marked: bytes, start: int, end: int) -> bytes:
    """The word that this stands in when it begins and ends at a cut, with the marks that part it; else b""."""
    before, after = marked[max(0, start - MAX_WORD_BYTES) : start], marked[end : end + MAX_WORD_BYTES]
    outside, beyond = before.rstrip(_WORD_BYTES), after.lstrip(_WORD_BYTES)
    word = before[len(outside) :] + marked[start:end] + after[: len(after) - len(beyond)]
    if beyond[:1] not in QUOTES_AFTER:
        return b""
    return word[1:] if outside[-1:] == b"%" else word if outside[-1:] in QUOTES_BEFORE else b""


def _shown(match: re.Match[bytes]) -> bytes:
    """What an escape or a reference stands for."""
    text = match.group().decode("ascii", "replace")
    plain = html.unescape(text) if text.startswith("&") else unescaped(text)
    return plain.encode("utf-8", "replace")
