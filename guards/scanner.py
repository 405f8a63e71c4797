"""One worker's part of a scan: reads files, asks the cache and the prefilter, and parses what is worth it.

Owns one file at a time; leaves constants of other files, canaries and verdicts to guards.scan.

    Scanner(rules, config, cache, root).scan(["src/main.rs"])
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ahocorasick_rs import BytesAhoCorasick

from guards.cache import NOTHING, Cache, Entry, digest_of
from guards.classes import START_BYTES
from guards.languages import language_of, look
from guards.prefilter import NO_ENDS, Ends, Prefilter
from guards.rule import Rule
from guards.sighting import Look
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


@dataclass(frozen=True)
class Seen:
    """One file that showed something: a look, or ends of symbols. `start` is what it begins with."""

    path: str
    language: str
    start: bytes
    look: Look | None
    ends: Ends = NO_ENDS


@dataclass
class Batch:
    """What came of some files."""

    visited: int = 0
    size_bytes: int = 0
    seen: list[Seen] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    new: dict[bytes, Entry] = field(default_factory=dict)
    from_cache: int = 0


class Scanner:
    def __init__(self, rules: Sequence[Rule], cache: Cache, root: Path) -> None:
        self._rules, self._cache, self._root = rules, cache, str(root)
        self._prefilter = Prefilter(rules)
        self.new: dict[bytes, Entry] = {}  # of second looks

    def scan(self, paths: Sequence[str]) -> Batch:
        """These files by themselves."""
        batch = Batch()
        for path in paths:
            data = self._read(path, batch)
            if data is not None:
                self._file(path, data, batch)
        return batch

    def again(self, path: str, outside: Mapping[str, Values]) -> Seen | None:
        """One file once more, with constants of others; None when it is gone."""
        data = self._read(path, Batch())
        if data is None:
            return None
        language = language_of(PurePosixPath(path), data[:START_BYTES])
        digest = digest_of(repr((language, sorted(outside.items()))).encode() + b"\0" + data)
        entry = self._cache.get(digest)
        if entry is None:
            entry = self.new[digest] = Entry(look(language, _text(data)[0], self._rules, outside, shares=True))
        return Seen(path, language, data[:START_BYTES], entry.look)

    def _read(self, path: str, batch: Batch) -> bytes | None:
        try:
            with open(os.path.join(self._root, path), "rb") as file:
                data = file.read(MAX_SEARCHED_BYTES + 1)
        except FileNotFoundError:
            batch.skipped.append(Skipped(path, "gone during the scan"))
            return None
        except IsADirectoryError:
            batch.skipped.append(Skipped(path, "not a file"))
            return None
        except OSError as error:
            batch.skipped.append(Skipped(path, "unreadable", error.strerror or "", undecided=True))
            return None
        if len(data) > MAX_SEARCHED_BYTES:
            binary = b"\0" in data[:BINARY_PROBE_BYTES]
            limit = f"more than {MAX_SEARCHED_BYTES // 1_000_000} MB"
            batch.skipped.append(Skipped(path, "binary" if binary else "too large", limit, undecided=not binary))
            return None
        return data

    def _file(self, path: str, data: bytes, batch: Batch) -> None:
        batch.visited += 1
        batch.size_bytes += len(data)
        if b"\0" in data[:BINARY_PROBE_BYTES]:
            batch.skipped.append(Skipped(path, "binary"))
            return
        language = language_of(PurePosixPath(path), data[:START_BYTES])
        digest = digest_of(language.encode() + b"\0" + data)
        entry = self._cache.get(digest)
        if entry is None:
            try:
                entry = self._entry(language, data)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic of a parser is no Exception
                batch.skipped.append(crashed(path, error))
                return
            if not entry.too_large:
                batch.new[digest] = entry
        else:
            batch.from_cache += 1
        if entry.too_large:
            size, most = len(data) // 1_000_000, MAX_FILE_BYTES // 1_000_000
            limit = f"{size} MB that promise a symbol; at most {most} MB are parsed"
            batch.skipped.append(Skipped(path, "too large", limit, undecided=True))
        if entry.odd:
            batch.skipped.append(Skipped(path, "no UTF-8", "read all the same, with its odd bytes replaced"))
        if entry.look is not None or entry.ends != NO_ENDS:
            batch.seen.append(Seen(path, language, data[:START_BYTES], entry.look, entry.ends))

    def _entry(self, language: str, data: bytes) -> Entry:
        glimpse = self._prefilter.look(data, language)
        text, odd = _text(data)
        if not glimpse.candidate:
            return Entry(None, glimpse.ends, odd) if glimpse.ends != NO_ENDS or odd else NOTHING
        if len(data) > MAX_FILE_BYTES:
            return Entry(too_large=True)
        return Entry(look(language, text, self._rules, {}), glimpse.ends, odd)

    def mentions(self, names: Sequence[str], paths: Sequence[str]) -> list[tuple[str, frozenset[str]]]:
        """Which of these files name which of these constants."""
        if not names:
            return []
        search = BytesAhoCorasick([name.encode() for name in names])
        found = []
        for path in paths:
            data = self._read(path, Batch()) or b""
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

    def text(self, path: str) -> str:
        """A file's text, "" when it is gone."""
        return _text(self._read(path, Batch()) or b"")[0]


def is_common(name: str) -> bool:
    """`event` and `kind` are everywhere: who means another file's brings it in, or asks its type for it."""
    return name.islower() and "_" not in name


def _is_brought_in(data: bytes, at: int) -> bool:
    if data[at - 1 : at] == b".":
        return _ASKED.search(data, max(0, at - MAX_TYPE_BYTES), at) is not None
    start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
    end = len(data) if end < 0 else end
    return end - start < MAX_IMPORT_BYTES and IMPORT.match(data, start, end) is not None


def crashed(path: str, error: BaseException) -> Skipped:
    """A file on which an engine failed: nobody knows what it holds."""
    return Skipped(path, "engine crashed", f"{type(error).__name__}: {error}", undecided=True)


def _is_word(byte: bytes) -> bool:
    return byte.isalnum() or byte == b"_"


def _text(data: bytes) -> tuple[str, bool]:
    """Decoded, and whether bytes had to be replaced for it."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True
