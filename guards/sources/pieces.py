"""What literals can be put together from pieces, by their letters and digits alone.

It may say yes too often, never no where there is a way: marks between pieces count for nothing, since a joint may add
them (`["phx", "join"]`, `os.path.join`), and the order in which pieces stand says nothing, since names carry them.

    Pieces([b"phx_join"]).made_of([b"phx_", b"jo", b"in"])
    frozenset({0})
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

# Of a piece that tells by itself, or at an end of a longer text (`"wss://host/sync" + "/socket"`): shorter ones are
# everywhere, and a symbol that is cut that small has a longer piece beside it.
MIN_PIECE_CHARS = 3
_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(one for one in range(256) if not bytes([one]).isalnum())
_WORD = re.compile(rb"[a-z0-9]+")
MAX_MEMO = 20_000  # texts whose places are remembered
MAX_MEMO_BYTES = 40  # of such a text

Place = tuple[int, int, int]  # (which literal, from, to), in letters and digits


def squeezed(text: bytes) -> bytes:
    """Small letters and digits, and nothing else."""
    return text.translate(_LOWER, _DROPPED)


class Pieces:
    """Of some literals, which are known by their number."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        self._words = [frozenset(_WORD.findall(literal.lower())) for literal in literals]
        self._literals = [squeezed(literal) for literal in literals]
        self._whole: dict[bytes, list[Place]] = {}
        self._heads: dict[bytes, list[Place]] = {}
        self._tails: dict[bytes, list[Place]] = {}
        for number, literal in enumerate(self._literals):
            self._learn(number, literal)
        self._sizes = range(MIN_PIECE_CHARS, max(map(len, self._literals), default=0) + 1)
        self._known = functools.lru_cache(maxsize=MAX_MEMO)(self._places)

    def _learn(self, number: int, literal: bytes) -> None:
        size = len(literal)
        for start in range(size):
            for end in range(start + 1, size + 1):
                self._whole.setdefault(literal[start:end], []).append((number, start, end))
        for cut in range(MIN_PIECE_CHARS, size + 1):
            self._heads.setdefault(literal[:cut], []).append((number, 0, cut))
            self._tails.setdefault(literal[size - cut :], []).append((number, size - cut, size))

    def places(self, text: bytes) -> tuple[Place, ...]:
        """Where in which literals this text can stand: all of it, or what it ends or begins with."""
        return self._known(text) if len(text) <= MAX_MEMO_BYTES else self._places(text)

    def _places(self, text: bytes) -> tuple[Place, ...]:
        piece = squeezed(text)
        found = [*self._whole.get(piece, ())]
        for size in self._sizes:
            if size >= len(piece):
                break
            found += self._heads.get(piece[-size:], ())
            found += self._tails.get(piece[:size], ())
        found += ((number, 0, len(one)) for number, one in enumerate(self._literals) if one in piece)
        return tuple(found)

    def made_of(self, texts: Iterable[bytes]) -> frozenset[int]:
        """The literals that these texts can make."""
        places: dict[int, set[tuple[int, int]]] = {}
        for text in texts:
            for number, start, end in self.places(text):
                places.setdefault(number, set()).add((start, end))
        return frozenset(number for number, stretches in places.items() if self._is_covered(number, stretches))

    def worded_in(self, texts: Iterable[bytes]) -> frozenset[int]:
        """The literals whose words all stand in these texts: what replaces text can make these too."""
        words = set(_WORD.findall(b" ".join(texts).lower()))
        return frozenset(number for number, own in enumerate(self._words) if words.issuperset(own))

    def _is_covered(self, number: int, stretches: set[tuple[int, int]]) -> bool:
        reached = {0}
        for start, end in sorted(stretches):
            if start in reached:
                reached.add(end)
        return len(self._literals[number]) in reached
