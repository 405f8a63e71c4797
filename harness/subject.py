"""Exactly what was judged: the subject's tree and surfaces, and the programs of the lab.

see_subject(config)      # commit, dirty or not, commands
see_lab(config, lab, remote)
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from harness import tool
from harness.config import Config, SurfaceConfig
from harness.errors import ConfigError
from harness.evidence.judgement import Ground
from harness.evidence.redact import Redactor
from harness.evidence.signoff import (
    FileSeen,
    LabSeen,
    ModuleSeen,
    ProgramSeen,
    RemoteSeen,
    SubjectSeen,
    SurfaceSeen,
    TreeState,
)
from harness.lab.components import Component
from harness.lab.remote import Remote
from harness.lab.topology import Lab
from harness.wire.schema import Schema

GIT_TIMEOUT_S = 20


def see_tree(config: Config) -> TreeState:
    """The subject's commit, and whether anything under its root differs from it. Outside git it is dirty:
    nobody could say later what was judged."""
    root = config.root
    head = tool.run(["git", "-C", str(root), "rev-parse", "HEAD"], timeout_s=GIT_TIMEOUT_S, inherit=True)
    status = tool.run(
        ["git", "-C", str(root), "status", "--porcelain", "--", "."], timeout_s=GIT_TIMEOUT_S, inherit=True
    )
    if head.returncode != 0 or status.returncode != 0:
        return TreeState("", True)
    return TreeState(head.stdout.strip(), bool(status.stdout.strip()))


def see_subject(config: Config) -> SubjectSeen:
    clean = Redactor(config.secrets).clean
    seen = tuple(
        SurfaceSeen(name, tuple(map(clean, part.command)), tuple(_programs(part, config.folder, clean)))
        for name, part in config.surfaces.items()
    )
    return SubjectSeen(config.subject.name, see_tree(config), seen)


def _programs(part: SurfaceConfig, folder: Path, clean: Callable[[str], str]) -> Iterator[FileSeen]:
    """The files that a command names, its program first, as they are now."""
    for number, word in enumerate(part.command):
        known = word.replace("{python}", sys.executable)
        path = folder / part.cwd / known
        if not path.is_file() and not number:
            path = Path(shutil.which(known) or path)
        try:
            with path.open("rb") as file:
                yield FileSeen(clean(word), hashlib.file_digest(file, "sha256").hexdigest())
        except OSError:
            continue  # no file, or one that the start of the surface will speak of


def changed_since(before: SubjectSeen, after: SubjectSeen) -> SubjectSeen:
    """What was seen after the run, with what was another before it."""
    changed = ["its tree"] if before.tree != after.tree else []
    for old, new in zip(before.surfaces, after.surfaces, strict=True):
        now = {one.word: one.sha256 for one in new.programs}
        changed += [f"{old.name}'s {one.word}" for one in old.programs if now.get(one.word) != one.sha256]
    return msgspec.structs.replace(after, changed=tuple(changed))


def check_tables(config: Config, schema: Schema) -> None:
    """ConfigError when the module has no such table or column as signoff.toml names."""
    tables = config.module.tables
    by_connection = ("connection", "identity") if tables.presence.connection else ("identity",)
    for key, table, columns in (
        ("events", tables.events, ("stream", "seq", "idem_key", "hash", "payload")),
        ("presence", tables.presence, by_connection),
    ):
        if key == "presence" and not table.name:
            continue
        if table.name not in schema.tables:
            raise ConfigError(
                f"module.tables.{key}.name: the module has no table {table.name!r}",
                where=str(config.path),
                hint=f"it has {', '.join(sorted(schema.tables))}",
            )
        there = schema.tables[table.name].column_names
        for column in columns:
            if getattr(table, column) not in there:
                raise ConfigError(
                    f"module.tables.{key}.{column}: table {table.name} has no column {getattr(table, column)!r}",
                    where=str(config.path),
                    hint=f"it has {', '.join(there)}",
                )


def grounds_of(config: Config) -> tuple[Ground, ...]:
    """What gates can stand on with this configuration."""
    lab: tuple[Ground, ...] = () if config.lab.provider == "remote" else ("lab",)
    remote: tuple[Ground, ...] = ("remote",) if config.lab.remote is not None else ()
    return (*lab, *remote, "source")


def see_lab(config: Config, lab: Lab | None, remote: RemoteSeen | None) -> LabSeen:
    """What ran, or what there was: a lab that is up, a remote server that was looked at, or both."""

    def seen(component: Component) -> ProgramSeen:
        return ProgramSeen(component.version, component.sha256, component.source, component.image)

    if lab is None:
        return LabSeen(config.lab.provider, None, None, None, remote, grounds_of(config))
    parts, module = lab.components, ModuleSeen(hashlib.sha256(lab.wasm).hexdigest(), lab.program)
    own = (seen(parts.spacetimedb), seen(parts.toxiproxy), module)
    return LabSeen(parts.provider, *own, remote, grounds_of(config))


async def see_remote(remote: Remote) -> RemoteSeen:
    return RemoteSeen(await remote.version(), await remote.identity(), await remote.program(), remote.writes)


def see_environment() -> dict[str, str]:
    """The machine, without names that identify it."""
    return {
        "python": sys.version.split()[0],
        "system": platform.system(),
        "machine": platform.machine(),
        "release": platform.release(),
    }
