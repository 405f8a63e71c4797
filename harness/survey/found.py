"""What was found in a source tree, and which part of a subject each program may be.

Owns the two rules by which a program is given a part: the words of its name, of its folder, or of its service in a
compose file; and for a runtime that nothing is named after, the one program of the tree's own that has no part, which
is a guess and is told as one.

    found.part("runtime")           # the likeliest program, or None
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PARTS = {
    "control": {"control", "auth", "gateway"},
    "runtime": {"runtime", "publisher", "projector"},
    "desktop": {"desktop", "client"},
}


@dataclass(frozen=True)
class Setting:
    """What a compose file or an example of an environment says of how a program is run. `source` is where it stands,
    `ready` the route of its health check, `command` how it is started there, `called` its service's name."""

    source: Path
    variables: tuple[str, ...] = ()
    ready: str = ""
    command: str = ""
    called: str = ""


@dataclass(frozen=True)
class Program:
    """One that could be started (`command`, in `cwd`), or that runs already at `url`. `source` is where it stands,
    `build` what makes it. `own` is false for what others made and for tools beside a program."""

    name: str
    source: Path
    command: tuple[str, ...] = ()
    cwd: Path | None = None
    url: str = ""
    build: str = ""
    own: bool = True
    setting: Setting | None = None

    @property
    def part(self) -> str | None:
        """What it may be, by the words of its name, else of the folder that it was found in, else of its service."""
        called = self.setting.called if self.setting is not None else ""
        return part_of(self.name) or part_of(self.source.parent.name) or part_of(called)


def part_of(name: str) -> str | None:
    """
    >>> part_of("acme-runtime_v2")
    'runtime'
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    return next((part for part, known in PARTS.items() if words & known), None)


@dataclass(frozen=True)
class Module:
    """A crate with the dependency `spacetimedb` that is built as a cdylib."""

    name: str
    folder: Path
    built: Path
    tables: tuple[str, ...]
    reducers: tuple[str, ...]


@dataclass
class Survey:
    """All that was found, in a fixed order; paths are below `folder` and relative to it."""

    folder: Path
    name: str
    modules: list[Module] = field(default_factory=list)
    wasms: list[Path] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def part(self, name: str) -> Program | None:
        """The likeliest program for a part: one that can be started before one that runs already, which no desktop
        can, for it speaks on its stdin; and one of that name before one in a folder of that name."""
        fitting = [one for one in self.programs if one.part == name and (one.command or name != "desktop")]
        if not fitting and name == "runtime":
            return self._guess()
        return min(fitting, key=lambda one: (not one.command, part_of(one.name) != name), default=None)

    def _guess(self) -> Program | None:
        """The one program without a part, if there is just one: of several none is likelier than another."""
        without = [one for one in self.programs if one.own and one.part is None]
        return without[0] if len(without) == 1 else None

    @property
    def wasm(self) -> Path | None:
        """The likeliest: in the module's crate, else any."""
        homes = [module.folder for module in self.modules]
        return min(self.wasms, key=lambda path: not any(path.is_relative_to(home) for home in homes), default=None)
