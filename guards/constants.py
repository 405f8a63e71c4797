"""Symbols that more than one file makes: constants that hold a piece, and the files that name them.

Owns which files must be looked at once more, with what; leaves reading and parsing to guards.scanner.

    importers(shares, mentions)      # path -> constants that it may have from others
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from guards.cache import Entry
from guards.languages import language_of
from guards.scanner import IMPORT, MAX_IMPORT_BYTES, is_common
from guards.sources.values import HOLE, Values

MIN_NAME_CHARS = 3  # of a constant that is followed into other files: shorter names are everywhere
# Languages whose files see each other's names without naming the file.
_WITHOUT_IMPORT = ("swift", "kotlin", "java", "elixir")
_WORD = re.compile(r"[\w-]+")
_ASKED = re.compile(r"\b[A-Z]\w*\.\w+")
_PATH = re.compile(r"\b(\w+)::")
_FOLDER_FILES = ("mod", "index", "__init__", "lib", "main")


@dataclass(frozen=True)
class Share:
    """A constant of one file that others may use."""

    path: str
    language: str
    name: str
    values: Values


def exporters(seen: Mapping[str, Entry]) -> list[str]:
    """Files that give a name to one end of a symbol, while a file shows the other end: these are parsed for their
    constants."""
    heads = {number for one in seen.values() for number in one.ends.heads}
    tails = {number for one in seen.values() for number in one.ends.tails}
    return [path for path, one in seen.items() if one.ends.given_heads & tails or one.ends.given_tails & heads]


def shares(seen: Mapping[str, Entry]) -> list[Share]:
    """The constants that hold a piece of a symbol."""
    return [
        Share(path, one.language, name, values)
        for path, one in seen.items()
        if one.look is not None
        for name, every in one.look.constants.items()
        if len(name) >= MIN_NAME_CHARS and (values := tuple(value for value in every if HOLE not in value))
    ]


def may_use(offered: Sequence[Share], paths: Iterable[str]) -> list[str]:
    """The files in whose languages these constants can be named."""
    families = {family_of(share.language) for share in offered}
    return [path for path in paths if family_of(language_of(path, b"")) in families]


def importers(
    offered: Sequence[Share], mentions: Iterable[tuple[str, frozenset[str]]], text_of: Callable[[str], str]
) -> dict[str, dict[str, Values]]:
    """By file: the constants of others that it names and can see."""
    by_name: dict[tuple[str, str], list[Share]] = {}
    for share in offered:
        by_name.setdefault((share.name, family_of(share.language)), []).append(share)
    found: dict[str, dict[str, Values]] = {}
    for path, names in mentions:
        language = family_of(language_of(path, b""))
        candidates = [
            share for name in sorted(names) for share in by_name.get((name, language), ()) if share.path != path
        ]
        if not candidates:
            continue
        imports = _imports(text_of(path))
        for share in candidates:
            if _sees(path, imports, share):
                known = found.setdefault(path, {})
                known[share.name] = known.get(share.name, ()) + share.values
    return found


def family_of(language: str) -> str:
    """Languages whose files import each other count as one."""
    return {"javascript": "typescript", "tsx": "typescript", "kotlin": "java"}.get(language, language)


def _imports(text: str) -> frozenset[str]:
    """The words of the lines that bring in what other files have, and the paths and members that the code names."""
    lines = (line for line in text.splitlines() if len(line) < MAX_IMPORT_BYTES and IMPORT.match(line.encode()))
    words = frozenset(word for line in lines for word in _WORD.findall(line))
    return words.union(_PATH.findall(text), _ASKED.findall(text))


def _sees(path: str, imports: frozenset[str], share: Share) -> bool:
    """Whether this file can mean that constant: it is in the same folder, names the other file, or need not."""
    folder, stem, module = _place(share.path)
    if is_common(share.name) and not imports & {share.name, f"{stem}.{share.name}"}:
        return False
    return _place(path)[0] == folder or share.language in _WITHOUT_IMPORT or module in imports


@functools.lru_cache(maxsize=100_000)
def _place(path: str) -> tuple[str, str, str]:
    """(folder, name without its suffix, the name that imports use)."""
    whole = PurePosixPath(path)
    return str(whole.parent), whole.stem, whole.parent.name if whole.stem in _FOLDER_FILES else whole.stem
