"""Defect variants as data: known bugs as patches on the reference subject, and what became of each in a run.

A variant is `fixtures/defects/<id>/`: defect.toml, a patch, and for the module a wasm with its sidecar (users have
no wasm toolchain). How they are played is harness.variants' business, how they are judged harness.evidence.known_bad's.

    defect = load(Path("fixtures/defects/D01"))
    defect.marker           # "SIGNOFF-MARKER D01"
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import ConfigError
from harness.history import Record

PATCH = "defect.patch"
MARKER = "SIGNOFF-MARKER "
Caught = Literal["CAUGHT", "SURVIVED", "NO RESULT"]


class Defect(Record, frozen=True):
    """defect.toml. `invariant` is the first-named one; `wasm` a file beside it that replaces the module's. `sha256` is
    the digest over what makes it: the patch, and that file."""

    id: str
    title: str
    surface: str
    gate: str
    invariant: str
    wasm: str = ""
    sha256: str = ""

    @property
    def marker(self) -> str:
        return f"{MARKER}{self.id.partition('-')[0]}"


class Outcome(Record, frozen=True):
    """What became of one defect: whether its gate saw it, and how we know."""

    defect: str
    gate: str
    invariant: str
    caught: Caught
    reason: str


def load(folder: Path) -> Defect:
    """ConfigError when defect.toml is not what it should be, or is another's, or a part of it is not there."""
    path = folder / "defect.toml"
    try:
        defect = msgspec.convert(tomllib.loads(path.read_text()), Defect)
        made = hashlib.sha256((folder / PATCH).read_bytes())
        made.update((folder / defect.wasm).read_bytes() if defect.wasm else b"")
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"no defect can be read: {error}", where=str(path)) from error
    if defect.id != folder.name:
        raise ConfigError(f"the defect is called {defect.id!r}, its folder {folder.name!r}", where=str(path))
    return msgspec.structs.replace(defect, sha256=made.hexdigest())


def load_all(folder: Path) -> tuple[Defect, ...]:
    """Every variant of a folder, sorted by its id."""
    return tuple(load(path.parent) for path in sorted(folder.glob("*/defect.toml")))
