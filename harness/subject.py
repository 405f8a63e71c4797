"""Exactly what was judged: the subject's tree and surfaces, and the programs of the lab.

see_subject(config)      # commit, dirty or not, commands
see_lab(components, wasm, program)
"""

from __future__ import annotations

import hashlib
import platform
import sys

from harness import process
from harness.config import Config
from harness.errors import ConfigError
from harness.evidence.redact import Redactor
from harness.evidence.signoff import LabSeen, ModuleSeen, ProgramSeen, SubjectSeen, SurfaceSeen, TreeState
from harness.lab.components import Component
from harness.lab.providers import Components
from harness.wire.schema import Schema

GIT_TIMEOUT_S = 20


def see_tree(config: Config) -> TreeState:
    """The subject's commit, and whether anything under its root differs from it. Outside git it is dirty:
    nobody could say later what was judged."""
    root = config.root
    head = process.run(["git", "-C", str(root), "rev-parse", "HEAD"], timeout_s=GIT_TIMEOUT_S, inherit=True)
    status = process.run(
        ["git", "-C", str(root), "status", "--porcelain", "--", "."], timeout_s=GIT_TIMEOUT_S, inherit=True
    )
    if head.returncode != 0 or status.returncode != 0:
        return TreeState("", True)
    return TreeState(head.stdout.strip(), bool(status.stdout.strip()))


def see_subject(config: Config) -> SubjectSeen:
    surfaces = (("control", config.control), ("runtime", config.runtime), ("desktop", config.desktop))
    clean = Redactor(config.secrets).clean
    seen = tuple(SurfaceSeen(name, tuple(map(clean, part.command))) for name, part in surfaces if part is not None)
    return SubjectSeen(config.subject.name, see_tree(config), seen)


def check_tables(config: Config, schema: Schema) -> None:
    """ConfigError when the module has no such table or column as signoff.toml names."""
    tables = config.module.tables
    for key, table, columns in (
        ("events", tables.events, ("stream", "seq", "idem_key", "hash", "payload")),
        ("presence", tables.presence, ("connection", "identity")),
    ):
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


def see_lab(components: Components, wasm: bytes, program: str) -> LabSeen:
    def seen(component: Component) -> ProgramSeen:
        return ProgramSeen(component.version, component.sha256, component.source, component.image)

    module = ModuleSeen(hashlib.sha256(wasm).hexdigest(), program)
    return LabSeen(components.provider, seen(components.spacetimedb), seen(components.toxiproxy), module)


def see_environment() -> dict[str, str]:
    """The machine, without names that identify it."""
    return {
        "python": sys.version.split()[0],
        "system": platform.system(),
        "machine": platform.machine(),
        "release": platform.release(),
    }
