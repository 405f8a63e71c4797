"""Which content the files of a tree had when they were last read, by what the file system says of them: a file that
nobody touched is not read again.

A stamp counts only if the file had rested for REST_NS when it was taken: within one tick of the clock a file can change
twice, and look the same. Its time of change (ctime) is set by the kernel, so no program can bring back an old one.

    stamps = Stamps.open(folder, key, root)
    stamps.digest("src/main.rs", listing.stamps["src/main.rs"])
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from blake3 import blake3

from guards.kept import trouble_of_keeping
from guards.tree import Stamp
from harness.canonical import UNREADABLE

REST_NS = 2_000_000_000


class Stamps:
    def __init__(self, path: Path | None, known: dict[str, tuple[Stamp, bytes]]) -> None:
        self._path, self._known = path, known
        self.trouble = ""

    @classmethod
    def open(cls, folder: Path | None, key: str, root: Path) -> Stamps:
        """Those of this tree; without a folder there are none. What cannot be read is empty."""
        if folder is None:
            return cls(None, {})
        path = folder / f"{key}-{blake3(str(root).encode()).hexdigest(8)}.stamps"
        try:
            known = msgspec.msgpack.decode(path.read_bytes(), type=dict[str, tuple[Stamp, bytes]])
        except (OSError, *UNREADABLE):
            known = {}
        return cls(path, known)

    def digest(self, path: str, stamp: Stamp) -> bytes | None:
        """The digest of this file, if it is still the one that was read."""
        known = self._known.get(path)
        return known[1] if known is not None and known[0] == stamp else None

    def keep(self, stamps: Mapping[str, Stamp], digests: Mapping[str, bytes], now_ns: int) -> None:
        """The stamps of a tree that was listed at `now_ns`, with the digests of what was read."""
        rested = now_ns - REST_NS
        new = {path: (stamps[path], digest) for path, digest in digests.items() if max(stamps[path][1:3]) < rested}
        known = {path: one for path, one in self._known.items() if path in stamps}
        if self._path is not None and {**known, **new} != self._known:
            self.trouble = trouble_of_keeping(self._path, msgspec.msgpack.encode({**known, **new}))
