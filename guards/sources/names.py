"""What the names of one file stand for, whatever its language.

A name with several definitions has several values. Inside of one of its definitions a name is what it was before:
`path = path + "/token"` and `path += "/token"` go on from there. Names of other files come after those of this one.

    names = Names({}, lambda node: (node,))
    names.define("head", "phx_", place=0)
    names.define("head", "join", place=1, grows=True)
    names.at("head", 1)
    ('phx_join',)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

from guards.sources.values import HOLE, MAX_VALUES, Values, product

MAX_STEPS = 40  # from definition to definition, so that no file can exhaust the stack
MAX_RESOLVED = 20_000  # definitions of one file; in circles of names beyond it the first answer stands
MAX_ALIASES = 4  # of one name, one after the other

Node = TypeVar("Node")


class Names(Generic[Node]):
    """`outside` holds constants of other files; `values` says what an expression of this file can be."""

    def __init__(self, outside: Mapping[str, Values], values: Callable[[Node], Values]) -> None:
        self._outside, self._values = outside, values
        self._aliases: dict[str, str] = {}
        self._definitions: dict[str, list[tuple[Node, bool]]] = {}
        self._places: dict[Hashable, tuple[str, int]] = {}
        self._busy: dict[str, int] = {}
        self._steps = 0
        self._circled: set[str] = set()  # names that were asked for inside of their own definitions
        self._resolved = 0
        self._memo: dict[tuple[str, int], Values] = {}

    def define(self, name: str, node: Node, place: Hashable, *, grows: bool = False) -> None:
        """One more definition, in the order of the file. One that grows is added to what the name was."""
        known = self._definitions.setdefault(name, [])
        self._places[place] = name, len(known)
        known.append((node, grows))

    def rename(self, name: str, alias: str) -> None:
        """Another name for it."""
        if alias != name:
            self._aliases.setdefault(alias, name)

    def __contains__(self, name: str) -> bool:
        return name in self._definitions

    def __iter__(self) -> Iterator[str]:
        """Every name that this file defines, and every other name for one."""
        return iter((*self._definitions, *self._aliases))

    def __bool__(self) -> bool:
        return bool(self._definitions or self._aliases)

    @property
    def is_busy(self) -> bool:
        """Whether a definition is being resolved, so that values are not those of the expression alone."""
        return bool(self._busy)

    def is_outside(self, name: str) -> bool:
        """Whether another file defines it."""
        real = self._real(name)
        return real not in self._definitions and real in self._outside

    def constants(self) -> dict[str, Values]:
        """Every name of this file that stands for a text, with the texts. What it renames is among them: others may
        import it from here."""
        return {name: values for name in self if (values := self.named(name))}

    def definitions(self, name: str) -> list[Node]:
        """The expressions that define it."""
        return [node for node, _ in self._definitions.get(name, ())]

    def named(self, name: str) -> Values:
        """What a name stands for."""
        name = self._real(name)
        if name in self._busy:
            self._circled.add(name)
            return self.at(name, self._busy[name] - 1)
        if name not in self._definitions:
            return self._outside.get(name, ())
        count = min(len(self._definitions[name]), MAX_VALUES)
        return tuple(dict.fromkeys(value for index in range(count) for value in self.at(name, index)))[:MAX_VALUES]

    def at(self, name: str, index: int) -> Values:
        """What a name is from one of its definitions on; before the first it is what another file says."""
        if index < 0:
            return self._outside.get(name, ())
        if self._steps > MAX_STEPS:
            return ()
        if (name, index) in self._memo:
            return self._memo[name, index]
        circled, self._circled = self._circled, set()
        self._resolved += 1
        with self._inside(name, index):
            node, grows = self._definitions[name][index]
            found = self._values(node)
            if grows:
                was = self.at(name, index - 1)
                found = product([was or (HOLE,), found or (HOLE,)]) if was or found else ()
        inner = self._circled - {name}
        self._circled = circled | inner
        if not inner or self._resolved > MAX_RESOLVED:  # the same wherever it is asked
            self._memo[name, index] = found
        return found

    @contextmanager
    def standing(self, place: Hashable) -> Iterator[tuple[str, int] | None]:
        """Names are what they are at this place, which may be a definition: (name, which)."""
        definition = self._places.get(place)
        if definition is None:
            yield None
            return
        with self._inside(*definition):
            yield definition

    def _real(self, name: str) -> str:
        for _ in range(MAX_ALIASES):
            if name in self._definitions or name in self._outside or name not in self._aliases:
                break
            name = self._aliases[name]
        return name

    @contextmanager
    def _inside(self, name: str, index: int) -> Iterator[None]:
        before = self._busy.get(name)
        self._busy[name] = index
        self._steps += 1
        try:
            yield
        finally:
            self._steps -= 1
            if before is None:
                del self._busy[name]
            else:
                self._busy[name] = before
