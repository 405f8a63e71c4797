"""One worker's part of a scan: reads files, asks the cache and the prefilter, and parses what is worth it.

Owns one file at a time; leaves constants of other files, canaries and verdicts to guards.scan.

    Scanner(rules, cache).scan("/tree", ["src/main.rs"])
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from ahocorasick_rs import BytesAhoCorasick

from guards.cache import NOTHING, Cache, Entry, digest_of
from guards.classes import START_BYTES
from guards.languages import language_of, look
from guards.prefilter import NO_ENDS, Prefilter, prefilter_of
from guards.rule import Rule
from guards.sources.values import Values
from guards.tree import Skipped

MAX_FILE_BYTES = 8_000_000  # to be parsed; larger ones are data, and are searched for literals only
MAX_SEARCHED_BYTES = 64_000_000  # beyond this a file is not read at all, and nobody knows what it holds
BINARY_PROBE_BYTES = 8_192  # a NUL among the first bytes: no text, as git decides it
# A line of code that brings in what another file has, and a type that is asked for a member.
IMPORT = re.compile(
    rb"(?!\s*(?://|#(?!include)|\*|--|/\*|<!--|;)).*?\b(?:import|from|require|use|include|alias|source)\b|\s*\.\s"
)
_ASKED = re.compile(rb"\b[A-Z]\w*\.\Z")
MAX_TYPE_BYTES = 60  # of a type's name
MAX_IMPORT_BYTES = 2_000  # of a line that is still read by people


_BINARY = Entry(binary=True)


@dataclass
class Batch:
    """What came of some files: by path the digest of what was read, and the entry of what showed something."""

    visited: int = 0
    size_bytes: int = 0
    from_cache: int = 0
    seen: dict[str, Entry] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    new: dict[bytes, Entry] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)

    def extend(self, other: Batch) -> None:
        """What came of more files."""
        self.visited += other.visited
        self.size_bytes += other.size_bytes
        self.from_cache += other.from_cache
        self.seen |= other.seen
        self.skipped += other.skipped
        self.new |= other.new
        self.digests |= other.digests

    def add(self, path: str, size_bytes: int, entry: Entry) -> None:
        """One file that was read, now or before."""
        self.visited += 1
        self.size_bytes += size_bytes
        if entry.binary:
            self.skipped.append(Skipped(path, "binary"))
        if entry.too_large:
            size, most = size_bytes // 1_000_000, MAX_FILE_BYTES // 1_000_000
            limit = f"{size} MB that promise a symbol; at most {most} MB are parsed"
            self.skipped.append(Skipped(path, "too large", limit, undecided=True))
        if entry.odd:
            self.skipped.append(Skipped(path, "no UTF-8", "read all the same, with its odd bytes replaced"))
        if entry.shows:
            self.seen[path] = entry


class Scanner:
    def __init__(self, rules: Sequence[Rule], cache: Cache) -> None:
        self._rules, self._cache = tuple(rules), cache

    @cached_property
    def _prefilter(self) -> Prefilter:
        return prefilter_of(self._rules)

    def scan(self, root: str, paths: Sequence[str]) -> Batch:
        """These files of a tree by themselves."""
        batch = Batch()
        for path in paths:
            data = _read(root, path, batch.skipped)
            if data is not None:
                self._file(path, data, batch)
        return batch

    def again(self, root: str, looks: Sequence[tuple[str, Mapping[str, Values]]]) -> Batch:
        """Files once more, with constants of others; only what can still be read."""
        batch = Batch()
        for path, outside in looks:
            data = _read(root, path, [])
            if data is None:
                continue
            language = language_of(path, data[:START_BYTES])
            digest = digest_of(repr((language, sorted(outside.items()))).encode() + b"\0" + data)
            if entry := self._known(path, digest, partial(self._with, language, data, outside), batch):
                batch.seen[path] = entry
        return batch

    def _file(self, path: str, data: bytes, batch: Batch) -> None:
        language = language_of(path, data[:START_BYTES])
        digest = digest_of(language.encode() + b"\0" + data) if self._cache.is_kept else os.fsencode(path)
        entry = self._known(path, digest, partial(self._entry, language, data), batch)
        if entry is not None:
            batch.digests[path] = digest
        batch.add(path, len(data), entry or NOTHING)

    def _known(self, path: str, digest: bytes, look_at: Callable[[], Entry], batch: Batch) -> Entry | None:
        """What this content shows, from the cache or by looking; None when an engine broke on it."""
        entry = self._cache.get(digest)
        if entry is not None:
            batch.from_cache += 1
            return entry
        try:
            entry = batch.new[digest] = look_at()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of a parser is no Exception
            detail = f"{type(error).__name__}: {error}"
            batch.skipped.append(Skipped(path, "engine crashed", detail, undecided=True))
        return entry

    def _with(self, language: str, data: bytes, outside: Mapping[str, Values]) -> Entry:
        seen = look(language, _text(data)[0], self._rules, outside, shares=True)
        return Entry(language, data[:START_BYTES], seen)

    def _entry(self, language: str, data: bytes) -> Entry:
        if b"\0" in data[:BINARY_PROBE_BYTES]:
            return _BINARY
        glimpse = self._prefilter.look(data, language)
        if glimpse.candidate and len(data) > MAX_FILE_BYTES:
            return Entry(too_large=True)
        text, odd = _text(data)
        if glimpse.candidate:
            seen = look(language, text, self._rules, {})
            return Entry(language, data[:START_BYTES], seen, glimpse.ends, odd)
        return Entry(language, b"", None, glimpse.ends, odd) if glimpse.ends != NO_ENDS or odd else NOTHING

    def mentions(self, root: str, names: Sequence[str], paths: Sequence[str]) -> list[tuple[str, frozenset[str]]]:
        """Which of these files name which of these constants."""
        if not names:
            return []
        search = BytesAhoCorasick([name.encode() for name in names])
        found = []
        for path in paths:
            data = _read(root, path, []) or b""
            hits: set[str] = set()
            for number, start, end in search.find_matches_as_indexes(data, overlapping=True):
                name = names[number]
                if name in hits or _is_word(data[start - 1 : start]) or _is_word(data[end : end + 1]):
                    continue
                if not is_common(name) or _is_brought_in(data, start):
                    hits.add(name)
            if hits:
                found.append((path, frozenset(hits)))
        return found


def text_of(root: str, path: str) -> str:
    """A file's text, "" when it is gone."""
    return _text(_read(root, path, []) or b"")[0]


def _read(root: str, path: str, skipped: list[Skipped]) -> bytes | None:
    """A file's bytes, or None and why. A pipe that took its place would never end: it is opened without waiting."""
    try:
        number = os.open(f"{root}/{path}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                skipped.append(Skipped(path, "not a file"))
                return None
            data = _whole(number, found.st_size)
        finally:
            os.close(number)
    except FileNotFoundError:
        skipped.append(Skipped(path, "gone during the scan"))
        return None
    except OSError as error:
        skipped.append(Skipped(path, "unreadable", error.strerror or "", undecided=True))
        return None
    if len(data) > MAX_SEARCHED_BYTES:
        binary = b"\0" in data[:BINARY_PROBE_BYTES]
        limit = f"more than {MAX_SEARCHED_BYTES // 1_000_000} MB"
        skipped.append(Skipped(path, "binary" if binary else "too large", limit, undecided=not binary))
        return None
    return data


def _whole(number: int, size: int) -> bytes:
    """All of an open file, and no more than one byte too much. One call for most: a buffer takes longer than that."""
    data = os.read(number, min(size, MAX_SEARCHED_BYTES) + 1)
    if len(data) == size:
        return data
    parts = [data]
    while data and sum(map(len, parts)) <= MAX_SEARCHED_BYTES:
        data = os.read(number, MAX_SEARCHED_BYTES)
        parts.append(data)
    return b"".join(parts)


def is_common(name: str) -> bool:
    """`event` and `kind` are everywhere: who means another file's brings it in, or asks its type for it."""
    return name.islower() and "_" not in name


def _is_brought_in(data: bytes, at: int) -> bool:
    if data[at - 1 : at] == b".":
        return _ASKED.search(data, max(0, at - MAX_TYPE_BYTES), at) is not None
    start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
    end = len(data) if end < 0 else end
    return end - start < MAX_IMPORT_BYTES and IMPORT.match(data, start, end) is not None


def _is_word(byte: bytes) -> bool:
    return byte.isalnum() or byte == b"_"


def _text(data: bytes) -> tuple[str, bool]:
    """Decoded, and whether bytes had to be replaced for it."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True
