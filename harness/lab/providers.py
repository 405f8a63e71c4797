"""Where the lab's servers come from: one interface, several providers.

`binary` takes programs that are on PATH or named in signoff.toml; `build` takes the pinned ones
from the user cache and builds them once; `docker` runs them in containers; `auto` is the first of `binary` and
`build` that works, and the report names it.

    components = prepare(LabChoice(provider="auto"))
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness import tool
from harness.errors import LabError
from harness.lab import build, engine, images
from harness.lab.components import Component, pins, sha256_file

ProviderName = Literal["auto", "binary", "build", "docker"]
_VERSION_TIMEOUT_S = 10


@dataclass(frozen=True)
class Components:
    """The programs of one lab."""

    provider: str
    spacetimedb: Component
    toxiproxy: Component

    @property
    def contained(self) -> bool:
        """Whether they run in containers."""
        return bool(self.spacetimedb.image or self.toxiproxy.image)


@dataclass(frozen=True)
class LabChoice:
    """What signoff.toml says of the lab."""

    provider: ProviderName = "auto"
    spacetimedb: Path | None = None
    toxiproxy: Path | None = None
    spacetimedb_image: str = ""
    toxiproxy_image: str = ""


class Provider(Protocol):
    """`prepare` gives the components, or raises LabError with what to do."""

    name: str

    def prepare(self, choice: LabChoice) -> Components: ...


class Build:
    """The pinned versions, built from the package registries once."""

    name = "build"

    def prepare(self, choice: LabChoice) -> Components:
        return Components(self.name, build.spacetimedb(), build.toxiproxy())


class Binary:
    """Programs of the user's own."""

    name = "binary"

    def prepare(self, choice: LabChoice) -> Components:
        server = _program("spacetimedb-standalone", choice.spacetimedb)
        proxy = _program("toxiproxy-server", choice.toxiproxy)
        return Components(self.name, server, proxy)


class Docker:
    """Containers of the official images in the pinned versions, or of those that signoff.toml names."""

    name = "docker"

    def prepare(self, choice: LabChoice) -> Components:
        engine.ready()
        server, proxy = pins().spacetimedb, pins().toxiproxy
        return Components(
            self.name,
            images.take(choice.spacetimedb_image or server.image, server.program, build.spacetimedb),
            images.take(choice.toxiproxy_image or proxy.image, proxy.program, build.toxiproxy),
        )


def _program(name: str, given: Path | None) -> Component:
    found = str(given) if given is not None else shutil.which(name)
    if found is None or not Path(found).is_file():
        raise LabError(
            f"{found or name} is not there",
            hint=f"set [lab] in signoff.toml, put {name} on PATH, or use provider 'build'",
        )
    path = Path(found).resolve()
    said = tool.run([str(path), "--version"], timeout_s=_VERSION_TIMEOUT_S)
    version = said.stdout.strip().splitlines()[0] if said.returncode == 0 and said.stdout.strip() else "unknown"
    return Component(name, version, sha256_file(path), f"given: {path.name}", str(path))


_PROVIDERS: dict[str, Provider] = {"binary": Binary(), "build": Build(), "docker": Docker()}


def prepare(choice: LabChoice) -> Components:
    """The components of the chosen provider; `auto` takes pinned ones on PATH, else builds."""
    if choice.provider != "auto":
        return _PROVIDERS[choice.provider].prepare(choice)
    if choice.spacetimedb is not None or choice.toxiproxy is not None:
        return _PROVIDERS["binary"].prepare(choice)
    try:
        components = _PROVIDERS["binary"].prepare(choice)
    except LabError:
        return _PROVIDERS["build"].prepare(choice)
    if pins().spacetimedb.version in components.spacetimedb.version:
        return components
    return _PROVIDERS["build"].prepare(choice)
