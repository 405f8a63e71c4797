"""What the lab runs, and where it is kept: pinned versions, the user cache, digests.

Owns the cache's layout, keyed by version and recipe; leaves building to harness.lab.build. An
installed component is a folder that appeared in one rename, with a component.json that records the
digest of its binary; a binary that no longer has that digest is refused.

    CACHE/spacetimedb-standalone/1.2.0-3f9c1a77/{spacetimedb-standalone, component.json}
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from functools import cache
from pathlib import Path

import msgspec

from harness.errors import LabError

_VERSIONS = Path(__file__).with_name("versions.toml")


class SpacetimePin(msgspec.Struct, frozen=True):
    crate: str
    version: str
    rust: str
    units: int
    minutes: int
    image: str
    program: str
    profile: dict[str, str]


class ToxiproxyPin(msgspec.Struct, frozen=True):
    module: str
    version: str
    go: str
    minutes: int
    image: str
    program: str


class Pins(msgspec.Struct, frozen=True):
    """versions.toml, parsed."""

    spacetimedb: SpacetimePin
    toxiproxy: ToxiproxyPin


class Component(msgspec.Struct, frozen=True):
    """One program of the lab, as the report names it. `source` says how it came to be. With an `image`, by the digest
    of its content, the program is in there: `path` and `sha256` are its own."""

    name: str
    version: str
    sha256: str
    source: str
    path: str
    image: str = ""


@cache
def pins() -> Pins:
    return msgspec.convert(tomllib.loads(_VERSIONS.read_text()), Pins)


def cache_root() -> Path:
    """XDG_CACHE_HOME/signoff, or ~/.cache/signoff."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "signoff"


def recipe_key(version: str, *recipe: str) -> str:
    """The folder of one version built in one way."""
    return f"{version}-{hashlib.sha256(chr(0).join(recipe).encode()).hexdigest()[:8]}"


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_component(folder: Path) -> Component | None:
    """The component installed in `folder`; None when there is none; LabError when it was altered."""
    try:
        component = msgspec.json.decode((folder / "component.json").read_bytes(), type=Component)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise LabError(
            f"cannot read the installed component: {error}", where=str(folder), hint=_again(folder)
        ) from error
    binary = folder / Path(component.path).name
    found = sha256_file(binary) if binary.is_file() else "nothing"
    if found != component.sha256:
        raise LabError(
            f"{component.name} is not the program that was installed: "
            f"sha256 {found[:16]}, recorded {component.sha256[:16]}",
            where=str(binary),
            hint=_again(folder),
        )
    return msgspec.structs.replace(component, path=str(binary))


def _again(folder: Path) -> str:
    return f"remove {folder} and run 'signoff lab install'"
