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
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick

from guards.rule import NEAR_CHARS, Rule
from guards.sources.text import joined
from guards.sources.values import unescaped
from harness.history import Record

MIN_END_CHARS = 3  # of a symbol before or after a cut; `"ph" + "x_join"` is found with everything between taken out
MIN_SQUEEZED_CHARS = 6  # of an anchor with its marks taken out: shorter ones are in every file
# What stands at a cut: quotes, and what begins or ends an interpolation, an escape, a place of a format or a sigil.
_QUOTES_AFTER = tuple(bytes([mark]) for mark in b"\"'`{$\\#%")
_QUOTES_BEFORE = tuple(bytes([mark]) for mark in b"\"'`})")
_AFTER = (*_QUOTES_AFTER, *(bytes([mark]) for mark in b")]>|:<"))
_BEFORE = (*_QUOTES_BEFORE, b"=", *b"%s %@ %d %v $s $@ ~s( ~s[ ~s{ ~s< ~s| ~s/ ~w( ~w[".split())
_KEPT = (string.ascii_lowercase + string.digits).encode()
_DROPPED = bytes(set(range(256)) - set(_KEPT))
_PARTING = (b"_", b".", b"-")
_WORD_BYTES = _KEPT + b"_.-"
MAX_WORD_BYTES = 60  # around an anchor
_WORDS = re.compile(rb"[a-z0-9]+")
_PIECE = re.compile(rb"(?:[\"'`})=]|%[sdv@])([\w/:.\-]{1,40})(?=[\"'`{$\\#%])")
_PLACES = tuple(b"%s %d %v %@".split())
_MAY_BE_GIVEN = (b'"', b"'", b"`", b"=", b"")  # marks of a literal that may be all that a name stands for
_ATTRIBUTE = re.compile(rb"[\w-]=$")  # of a page: no name stands for it
_VARIABLE = re.compile(rb"\$\w+$")
_VARIABLE_CHARS = 40  # of a name before a tail, as in `$BASE/token`
# What stands for a letter, a digit, or one of `/ : _`: escapes, and references of pages.
_CODE = rb"(?:2[fF]|3[0-9aA]|[46][0-9a-fA-F]|[57][0-9aA]|5[fF])"
_ESCAPE = re.compile(rb"\\(?:x|u00|u\{0*)" + _CODE + rb"\}?|\\(?:057|06\d|07[0-2]|1[0-7]{2})|\\N\{[^}\n]*\}")
_REFERENCE = re.compile(rb"&(?:#\w+|lowbar|sol|colon);")
# A literal that is all that a name stands for.
_GIVEN = re.compile(
    rb"(?:(?<![=!<>])=\s*|@\w+\s+|\w+_\w*[\"']?\s*:\s*)(?:[\w:.]*(?:from|of|new|some|str|string|path|ur[il])\()?[rbf#&]*$"
)
_OPEN = re.compile(rb"[{$#%]|\\\(")  # what is filled in is no constant
_NO_MORE = re.compile(rb"#*\)?(?:\.\w+\(\))?\s*(?:[;,\n})#/]|as\b|$)")
MAX_LITERAL_BYTES = 100  # of a literal that holds a piece of a symbol and may be a constant
MAX_NAME_BYTES = 60  # of what stands before it
DATA = ("json", "yaml", "toml", "markdown")  # languages in which only what stands in a row is put together
_UNQUOTED = ("bash", "text")  # languages whose words need no quotes
_SPACES_AS_QUOTES = bytes.maketrans(b" \t\r\n;", b'"""""')


class Ends(Record, frozen=True):
    """Of some symbols (by number): after how many characters the heads end that one file has, where its tails begin,
    and which of them are what a name stands for."""

    heads: dict[int, frozenset[int]] = {}
    tails: dict[int, frozenset[int]] = {}
    given_heads: frozenset[int] = frozenset()
    given_tails: frozenset[int] = frozenset()


NO_ENDS = Ends()
Scraps = tuple[set[int], set[int]]  # symbols of which a beginning, and of which an end too short for one is there
NO_SCRAPS: Scraps = (set(), set())


@dataclass(frozen=True)
class Glimpse:
    """What the raw bytes of one file promise: a sighting, or ends of symbols."""

    candidate: bool
    ends: Ends = NO_ENDS


_NOTHING = Glimpse(False)


@dataclass(frozen=True)
class _End:
    is_head: bool
    mark: bytes
    symbols: tuple[tuple[int, int], ...]  # (number, cut)
    is_scrap: bool = False


class Prefilter:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self.symbols = sorted({symbol.lower().encode() for rule in rules for symbol in rule.symbols})
        self._anchored = [rule for rule in rules if not rule.symbols]
        self._anchors = sorted({anchor.lower().encode() for rule in self._anchored for anchor in rule.anchors})
        squeezed = {anchor.translate(None, _DROPPED) for anchor in self._anchors}
        self._plain = BytesAhoCorasick(self.symbols + self._anchors)
        self._own = {symbol.translate(None, _DROPPED) for symbol in self.symbols}
        self._squeezed_literals = sorted(self._own | {one for one in squeezed if len(one) >= MIN_SQUEEZED_CHARS})
        self._squeezed = BytesAhoCorasick(self._squeezed_literals)
        ends = _ends(self.symbols)
        self._ends = BytesAhoCorasick([text for text, _ in ends])
        self._meanings = [meaning for _, meaning in ends]
        self._words = [_WORDS.findall(symbol) for symbol in self.symbols]

    def look(self, data: bytes, language: str = "text") -> Glimpse:
        """One file's bytes."""
        glimpse = self._look(data, language)
        if not glimpse.candidate and (_ESCAPE.search(data) or _REFERENCE.search(data)):
            return self._look(_REFERENCE.sub(_shown, _ESCAPE.sub(_shown, data)), language)
        return glimpse

    def _look(self, data: bytes, language: str) -> Glimpse:
        lowered = data.lower()
        marked = lowered.translate(_SPACES_AS_QUOTES) if language in _UNQUOTED else lowered
        stretches: list[tuple[int, int]] = []  # around the anchors; all of the file when one is cut
        at_cut: set[bytes] = set()
        for number, start, end in self._plain.find_matches_as_indexes(lowered):
            if number < len(self.symbols):
                return Glimpse(True)
            if language not in DATA and (word := _word_between_cuts(marked, start, end)):
                at_cut.add(word)
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
        ends, scraps = (NO_ENDS, NO_SCRAPS) if language in DATA else self._ends_of(lowered, marked, language)
        if ends == NO_ENDS and not at_cut:
            return _NOTHING
        return Glimpse(self._is_made(marked, ends, scraps, at_cut), ends)

    def _is_made(self, marked: bytes, ends: Ends, scraps: Scraps, at_cut: set[bytes]) -> bool:
        """Whether a symbol, or what goes on from an anchor, can be made of what this file has."""
        begun, ended = ends.heads.keys() | scraps[0], ends.tails.keys() | scraps[1]
        whole = [number for number in ends.heads.keys() | ends.tails.keys() if number in begun and number in ended]
        replaces = b".replac" in marked
        if not whole and not at_cut and not replaces:
            return False
        pieces = set(_PIECE.findall(marked))
        words = set(_WORDS.findall(b" ".join(pieces)))
        if any(self._is_covered(number, ends, pieces, words) for number in whole):
            return True
        if at_cut and self._may_go_on(at_cut, pieces):
            return True
        return replaces and any(words.issuperset(of_one) for of_one in self._words)

    def _anchored_match(self, data: bytes) -> bool:
        text = data.decode("utf-8", "replace")
        if any(next(rule.matches(text), None) for rule in self._anchored):
            return True
        together, cuts = joined(text)
        return bool(cuts) and any(next(rule.matches(together), None) for rule in self._anchored)

    def _may_go_on(self, at_cut: set[bytes], pieces: set[bytes]) -> bool:
        """Whether an anchor between cuts may become what a rule looks for: a mark parts it from its next word."""
        if not any(piece[:1] in _PARTING or piece[-1:] in _PARTING for piece in at_cut | pieces):
            return False
        together = b" ".join(at_cut | pieces)
        return any(
            all(any(word.encode() in together for word in group) for group in rule.words)
            for rule in self._anchored
            if not rule.near and not rule.not_near and any(a.encode() in word for a in rule.anchors for word in at_cut)
        )

    def _ends_of(self, lowered: bytes, marked: bytes, language: str) -> tuple[Ends, Scraps]:
        """The heads and tails of each symbol that stand at a cut; and of which a scrap of one or two letters stands
        between marks."""
        heads: dict[int, set[int]] = {}
        tails: dict[int, set[int]] = {}
        given: tuple[set[int], set[int]] = set(), set()
        scraps: Scraps = set(), set()
        for pattern, start, end in self._ends.find_matches_as_indexes(marked, overlapping=True):
            meaning = self._meanings[pattern]
            if meaning.is_scrap:
                scraps[not meaning.is_head].update(number for number, _ in meaning.symbols)
                continue
            if not meaning.mark and not _VARIABLE.search(marked, max(0, start - _VARIABLE_CHARS), start):
                continue
            outer = marked[start - 1 : start] if meaning.is_head else marked[end : end + 1]
            is_word = outer.isalnum()
            is_given: bool | None = None
            for number, cut in meaning.symbols:
                if is_word and not (meaning.is_head and self.symbols[number].startswith(b"/")):
                    continue  # a longer word that begins or ends like this
                (heads if meaning.is_head else tails).setdefault(number, set()).add(cut)
                if is_given is None:
                    is_given = meaning.mark in _MAY_BE_GIVEN and _is_given(
                        lowered, start, end, meaning.is_head, language
                    )
                if is_given:
                    given[not meaning.is_head].add(number)
        if not heads and not tails:
            return NO_ENDS, scraps
        return Ends(_frozen(heads), _frozen(tails), frozenset(given[0]), frozenset(given[1])), scraps

    def _is_covered(self, number: int, ends: Ends, pieces: set[bytes], words: set[bytes]) -> bool:
        """Whether all of a symbol is in the file: what its ends leave word by word, or in pieces between cuts. An end
        that is not there is one of those pieces."""
        symbol, heads, tails = self.symbols[number], ends.heads.get(number), ends.tails.get(number)
        if heads and tails and words.issuperset(_WORDS.findall(symbol[max(heads) : min(tails)])):
            return True
        reached = {0, *(heads or ())}  # how far of it there are pieces, one after the other
        for end in range(1, len(symbol) + 1):
            is_slash = symbol[end - 1 : end] == b"/"  # parts of a path are joined without
            if any(symbol[at:end] in pieces or (is_slash and at == end - 1) for at in reached if at < end):
                reached.add(end)
        return not reached.isdisjoint({len(symbol), *(tails or ())})


def _frozen(cuts: dict[int, set[int]]) -> dict[int, frozenset[int]]:
    return {number: frozenset(of_one) for number, of_one in cuts.items()}


def _is_given(lowered: bytes, start: int, end: int, is_head: bool, language: str) -> bool:
    """Whether the literal around this end is what a name stands for: `x = "..."`, `x=...`, `@x "..."`, or
    `long_name: "..."`, and no expression that goes on."""
    if language in _UNQUOTED and b"=" in (lowered[start : start + 1], lowered[start - 1 : start]):
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
    ends = [(text, _End(is_head, mark, tuple(cuts))) for (text, is_head, mark), cuts in found.items()]
    return ends + _scraps(symbols)


def _scraps(symbols: Sequence[bytes]) -> list[tuple[bytes, _End]]:
    """Every beginning and end that is too short to be searched for alone, between marks."""
    found: dict[tuple[bytes, bool], list[tuple[int, int]]] = {}
    for number, symbol in enumerate(symbols):
        for size in range(1, MIN_END_CHARS):
            found.setdefault((symbol[:size], True), []).append((number, size))
            found.setdefault((symbol[-size:], False), []).append((number, len(symbol) - size))
        if symbol.startswith(b"/"):  # parts of a path are joined without their slashes
            found.setdefault((symbol.split(b"/")[1], True), []).append((number, 1))
    return [
        (before + text + after, _End(is_head, after, tuple(cuts), is_scrap=True))
        for (text, is_head), cuts in found.items()
        for before in (*_QUOTES_BEFORE, *_PLACES)
        for after in _QUOTES_AFTER
    ]


def _word_between_cuts(marked: bytes, start: int, end: int) -> bytes:
    """The word that this stands in when it begins and ends at a cut, with the marks that part it; else b""."""
    before, after = marked[max(0, start - MAX_WORD_BYTES) : start], marked[end : end + MAX_WORD_BYTES]
    outside, beyond = before.rstrip(_WORD_BYTES), after.lstrip(_WORD_BYTES)
    word = before[len(outside) :] + marked[start:end] + after[: len(after) - len(beyond)]
    if beyond[:1] not in _QUOTES_AFTER:
        return b""
    return word[1:] if outside[-1:] == b"%" else word if outside[-1:] in _QUOTES_BEFORE else b""


def _shown(match: re.Match[bytes]) -> bytes:
    """What an escape or a reference stands for."""
    text = match.group().decode("ascii", "replace")
    plain = html.unescape(text) if text.startswith("&") else unescaped(text)
    return plain.encode("utf-8", "replace")
