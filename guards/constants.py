"""Symbols that more than one file makes: constants that hold a piece, and the files that name them.

Owns which files must be looked at once more, with what; leaves reading and parsing to guards.scanner.

    importers(shares, mentions)      # path -> constants that it may have from others
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from guards.prefilter import words_between
from guards.scanner import Scanner, Seen
from guards.sources.values import Values

MIN_NAME_CHARS = 3  # of a constant that is followed into other files: shorter names are everywhere
MAX_PARTS = 400  # files with one end of the same symbol that are parsed for constants
# Languages whose files see each other's names without naming the file.
_WITHOUT_IMPORT = ("swift", "kotlin", "java", "elixir")
# A line that brings in what another file has: its name beside a word of importing, or before what it is asked for.
_NAMED = r"(?m)^.*(?:\b(?:import|from|require|use|include|alias|source)\b|^\s*\.\s).*\b{0}\b|\b{0}::"
_ASKED = r"|\b{0}\.{1}\b"
_FOLDER_FILES = ("mod", "index", "__init__", "lib", "main")


@dataclass(frozen=True)
class Share:
    """A constant of one file that others may use."""

    path: str
    language: str
    name: str
    values: Values


def matched_parts(seen: Sequence[Seen], scanner: Scanner) -> list[str]:
    """Files with one end of a symbol whose other end, and every word between, is in another file: these are parsed for
    their constants."""
    symbols = scanner.prefilter.symbols
    chosen: dict[str, None] = {}
    for number, symbol in enumerate(symbols):
        heads = [one for one in seen if number in one.heads]
        tails = [one for one in seen if number in one.tails]
        if not heads or not tails:
            continue
        texts = {one.path: scanner.text(one.path).lower() for one in [*heads, *tails][:MAX_PARTS]}
        for head in heads[:MAX_PARTS]:
            for tail in tails[:MAX_PARTS]:
                both = texts.get(head.path, "") + texts.get(tail.path, "")
                words = words_between(symbol, head.heads[number], tail.tails[number])
                if head.path != tail.path and all(word.decode() in both for word in words):
                    chosen |= {head.path: None, tail.path: None}
    return [path for path in chosen if next(one for one in seen if one.path == path).look is None]


def shares(seen: Iterable[Seen]) -> list[Share]:
    """The constants that hold a piece of a symbol."""
    return [
        Share(one.path, one.language, name, values)
        for one in seen
        if one.look is not None
        for name, values in one.look.constants.items()
        if len(name) >= MIN_NAME_CHARS
    ]


def importers(
    offered: Sequence[Share], mentions: Iterable[tuple[str, frozenset[str]]], text_of: Scanner
) -> dict[str, dict[str, Values]]:
    """By file: the constants of others that it names and can see."""
    by_name: dict[str, list[Share]] = {}
    for share in offered:
        by_name.setdefault(share.name, []).append(share)
    found: dict[str, dict[str, Values]] = {}
    for path, names in mentions:
        candidates = [share for name in sorted(names) for share in by_name[name] if share.path != path]
        if not candidates:
            continue
        text = text_of.text(path)
        for share in candidates:
            if _sees(path, text, share):
                known = found.setdefault(path, {})
                known[share.name] = known.get(share.name, ()) + share.values
    return found


def _sees(path: str, text: str, share: Share) -> bool:
    """Whether this file can mean that constant: it is in the same folder, names the other file, or need not."""
    here, there = PurePosixPath(path), PurePosixPath(share.path)
    if share.name.islower() and "_" not in share.name:  # `event` and `kind` are everywhere: who means it says so
        said = _NAMED.format(re.escape(share.name)) + _ASKED.format(re.escape(there.stem), re.escape(share.name))
        if not re.search(said, text):
            return False
    if here.parent == there.parent or share.language in _WITHOUT_IMPORT:
        return True
    stem = there.parent.name if there.stem in _FOLDER_FILES else there.stem
    return bool(stem) and re.search(_NAMED.format(re.escape(stem)), text) is not None


def merged(first: Mapping[str, Seen], later: Iterable[Seen]) -> dict[str, Seen]:
    """A look with more constants takes the place of the one without."""
    return {**first, **{one.path: one for one in later}}
