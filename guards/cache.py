"""What was seen in files of the same content before, by the digest of their bytes.

One file for each pair of engine and rules: a change of either begins anew. A cache that cannot be read is an empty one;
one that cannot be written is said once and costs only time.

    cache = Cache.open(folder, key)
    cache.get(digest)
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec
from blake3 import blake3

from guards.kept import trouble_of_keeping
from guards.prefilter import NO_ENDS, Ends
from guards.rule import Rule
from guards.sighting import Look
from harness.canonical import UNREADABLE
from harness.history import Record

MAX_ENTRIES = 400_000  # digests of this many files are about 20 MB; beyond it the next run begins anew
PARSERS = ("ast-grep-py", "libcst", "markdown-it-py")


class Entry(Record, frozen=True):
    """What one content showed by itself: a look when it was parsed, else the ends of symbols that it has. `language`
    and `start`, what it begins with, are told of what showed something."""

    language: str = ""
    start: bytes = b""
    look: Look | None = None
    ends: Ends = NO_ENDS
    odd: bool = False  # no UTF-8
    binary: bool = False
    too_large: bool = False

    @property
    def shows(self) -> bool:
        return self.look is not None or self.ends != NO_ENDS


NOTHING = Entry()


class Cache:
    def __init__(self, path: Path | None, entries: dict[bytes, Entry]) -> None:
        self._path, self._entries = path, entries
        self.trouble = ""

    @classmethod
    def open(cls, folder: Path | None, key: str) -> Cache:
        """The cache of this key; without a folder there is none."""
        if folder is None:
            return cls(None, {})
        path = folder / f"{key}.msgpack"
        try:
            entries = msgspec.msgpack.decode(path.read_bytes(), type=dict[bytes, Entry])
        except (OSError, *UNREADABLE):
            entries = {}
        return cls(path, entries)

    @property
    def is_kept(self) -> bool:
        """Whether anything outlives this scan: else nobody needs to know contents again."""
        return self._path is not None

    def get(self, digest: bytes) -> Entry | None:
        return self._entries.get(digest)

    def add(self, new: Mapping[bytes, Entry]) -> None:
        """Keep these too; nothing is written when there is nothing new."""
        if self._path is None or not new:
            return
        self._entries = {**(self._entries if len(self._entries) < MAX_ENTRIES else {}), **new}
        self.trouble = trouble_of_keeping(self._path, msgspec.msgpack.encode(self._entries))


def digest_of(data: bytes) -> bytes:
    """16 bytes are enough: nobody who can make two of 2^64 files collide needs to."""
    return blake3(data).digest(16)


def key_of(rules: tuple[Rule, ...]) -> str:
    """Of the engine's own sources, of its parsers and of the rules: whatever decides what is seen."""
    hasher = blake3(" ".join(map(version, PARSERS)).encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        hasher.update(path.read_bytes())
    for rule in rules:
        hasher.update(rule.model_dump_json().encode())
    return hasher.hexdigest(16)
