"""What a source tree says of itself: its SpacetimeDB module, and programs that may be control, runtime or desktop.

Reads Cargo manifests, package.json, compose files and the names of `.wasm` files; runs and builds nothing. It guesses
by names, and whoever uses it says so. A file that cannot be read is told of in `unread`, and is no error.

    found = survey(Path("."))
    found.part("runtime")           # the likeliest program, or None
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PARTS = {
    "control": {"control", "auth", "gateway"},
    "runtime": {"runtime", "publisher", "projector"},
    "desktop": {"desktop", "client"},
}
STARTING_SCRIPTS = ("start", "serve", "dev")
COMPOSE = {"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
MAX_DEPTH = 6
_NOT_SOURCE = {"target", "node_modules", "dist", "build", "vendor", "venv", "__pycache__"}
_TABLE = re.compile(r"#\[(?:spacetimedb::)?table\([^\]]*?\b(?:name|accessor)\s*=\s*(\w+)")
_REDUCER = re.compile(r"#\[(?:spacetimedb::)?reducer\s*\]\s*(?:#\[[^\]]*\]\s*)*pub\s+fn\s+(\w+)")
_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")


@dataclass(frozen=True)
class Program:
    """One that could be started (`command`, in `cwd`), or that runs already at `url`. `source` is where it stands."""

    name: str
    source: Path
    command: tuple[str, ...] = ()
    cwd: Path | None = None
    url: str = ""
    build: str = ""
    variables: tuple[str, ...] = ()

    @property
    def part(self) -> str | None:
        """What it may be, by the words of its name."""
        words = set(re.split(r"[^a-z0-9]+", self.name.lower()))
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
        can, for it speaks on its stdin."""
        fitting = [one for one in self.programs if one.part == name and (one.command or name != "desktop")]
        return min(fitting, key=lambda program: not program.command, default=None)

    @property
    def wasm(self) -> Path | None:
        """The likeliest: in the module's crate, else any."""
        homes = [module.folder for module in self.modules]
        return min(self.wasms, key=lambda path: not any(path.is_relative_to(home) for home in homes), default=None)


def survey(folder: Path) -> Survey:
    """Look at everything below `folder`, but for what is built, fetched or hidden."""
    found = Survey(folder, folder.resolve().name)
    files = sorted(_files(folder))
    manifests = [path for path in files if path.name == "Cargo.toml"]
    crates = {path: text for path in manifests if (text := _read(found, path, tomllib.loads)) is not None}
    homes = [path.parent for path, crate in crates.items() if "workspace" in crate]
    for path, crate in crates.items():
        _crate(found, path, crate, homes)
    for path in files:
        if path.suffix == ".wasm":
            found.wasms.append(path)
        elif path.name == "package.json" and (package := _read(found, path, json.loads)) is not None:
            _package(found, path, package)
        elif path.name in COMPOSE and (compose := _read(found, path, yaml.safe_load)) is not None:
            _compose(found, path, compose)
    return found


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        here = Path(place).relative_to(folder)
        deep = len(here.parts) >= MAX_DEPTH
        folders[:] = [] if deep else [name for name in folders if name not in _NOT_SOURCE and name[0] != "."]
        yield from (here / name for name in names)


def _read(found: Survey, path: Path, parse: Any) -> dict[str, Any] | None:
    """A file's table; None, and told, when it cannot be read as one."""
    try:
        content = parse((found.folder / path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        found.unread.append(f"{path}: {' '.join(str(error).split())[:200]}")
        return None
    if not isinstance(content, dict):
        found.unread.append(f"{path}: it holds no table")
        return None
    return content


def _table(value: Any, key: str) -> dict[str, Any]:
    """The table under a key; an empty one where something else stands."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _crate(found: Survey, path: Path, crate: dict[str, Any], homes: list[Path]) -> None:
    """A module, or programs. `homes` are the folders of workspaces, where target/ is."""
    name = _table(crate, "package").get("name")
    if not isinstance(name, str):
        return
    folder = path.parent
    home = next((home for home in homes if folder.is_relative_to(home)), folder)
    kinds = _table(crate, "lib").get("crate-type", [])
    if "spacetimedb" in _table(crate, "dependencies") and "cdylib" in kinds:
        built = home / "target" / "wasm32-unknown-unknown" / "release" / f"{name.replace('-', '_')}.wasm"
        source = "\n".join(_sources(found.folder / folder))
        tables, reducers = tuple(_TABLE.findall(source)), tuple(_REDUCER.findall(source))
        found.modules.append(Module(name, folder, built, tables, reducers))
        return
    for binary in _binaries(found.folder / folder, name, crate):
        build = f"cargo build --release --manifest-path {path} --bin {binary}"
        found.programs.append(Program(binary, path, (str(home / "target" / "release" / binary),), build=build))


def _sources(crate: Path) -> Iterator[str]:
    for path in sorted((crate / "src").rglob("*.rs")):
        yield path.read_text(encoding="utf-8", errors="replace")


def _binaries(crate: Path, name: str, manifest: dict[str, Any]) -> list[str]:
    """By Cargo's rules: those that are named, and those that stand where it looks."""
    named = manifest.get("bin", [])
    listed = [one["name"] for one in named if isinstance(one, dict) and isinstance(one.get("name"), str)]
    own = [name] if (crate / "src" / "main.rs").is_file() and not listed else []
    return list(dict.fromkeys([*listed, *own, *sorted(path.stem for path in (crate / "src" / "bin").glob("*.rs"))]))


def _package(found: Survey, path: Path, package: dict[str, Any]) -> None:
    name, scripts = package.get("name"), _table(package, "scripts")
    script = next((script for script in STARTING_SCRIPTS if script in scripts), None)
    if script is not None:
        called = name if isinstance(name, str) else path.parent.name or found.name
        found.programs.append(Program(called, path, ("npm", "run", "--silent", script), path.parent))


def _compose(found: Survey, path: Path, compose: dict[str, Any]) -> None:
    """Services with a published port; a SpacetimeDB server is none, for the lab starts its own."""
    for name, service in _table(compose, "services").items():
        if not isinstance(service, dict) or "spacetime" in str(service.get("image", "")):
            continue
        ports = service.get("ports")
        published = [port for one in (ports if isinstance(ports, list) else []) if (port := _published(one))]
        given = service.get("environment")
        variables = [str(one).partition("=")[0] for one in given] if isinstance(given, (dict, list)) else []
        url = f"http://127.0.0.1:{published[0]}" if published else ""
        if url:
            found.programs.append(Program(str(name), path, url=url, variables=tuple(variables)))


def _published(port: object) -> str:
    """The port on this machine, "" where compose picks one.

    >>> _published("127.0.0.1:${PORT:-8080}:80/tcp")
    '8080'
    """
    if isinstance(port, dict):
        said = str(port.get("published", ""))
    else:
        said = ":".join(_DEFAULT.sub(r"\1", str(port)).split(":")[:-1]).rpartition(":")[2]
    return said if said.isdigit() else ""
