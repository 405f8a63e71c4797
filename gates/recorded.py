"""A module's schema in the form in which it is recorded and compared: names, types, keys, nothing of the server's.

normal(schema).tables["sync_event"]   # TableShape(["idempotency_key: String", ...], "idempotency_key", public=True)
"""

from __future__ import annotations

import msgspec

from harness.canonical import UNREADABLE
from harness.config import Config
from harness.errors import ConfigError, SubjectError
from harness.wire.schema import Column, Schema


class TableShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Column order is part of it: live rows arrive as arrays."""

    columns: list[str]
    primary_key: str | None
    public: bool


class ModuleShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tables: dict[str, TableShape]
    reducers: dict[str, list[str]]


def _column(column: Column) -> str:
    return f"{column.name}: {column.type}"


def normal(schema: Schema) -> ModuleShape:
    tables = {
        name: TableShape([_column(column) for column in table.columns], table.primary_key, table.public)
        for name, table in sorted(schema.tables.items())
    }
    reducers = {name: [_column(param) for param in one.params] for name, one in sorted(schema.reducers.items())}
    return ModuleShape(tables, reducers)


def dump(shape: ModuleShape) -> bytes:
    return msgspec.json.format(msgspec.json.encode(shape), indent=2) + b"\n"


def load(config: Config) -> ModuleShape:
    """What was recorded. SubjectError when nothing was; ConfigError when it cannot be read."""
    path = config.module.recorded_schema
    if path is None:
        raise SubjectError(
            "the module's schema was never recorded, so a drift cannot be seen",
            hint="name a file in module.recorded_schema of signoff.toml",
        )
    try:
        return msgspec.json.decode((config.folder / path).read_bytes(), type=ModuleShape)
    except (OSError, *UNREADABLE) as error:
        raise ConfigError(f"module.recorded_schema: {error}", where=str(config.path)) from error


def differences(recorded: ModuleShape, running: ModuleShape) -> list[tuple[str, str, str]]:
    """(what, recorded, running) of every part of either, equal or not."""
    found: list[tuple[str, str, str]] = []
    for name in sorted(recorded.tables.keys() | running.tables.keys()):
        found.append((f"table {name}", _told(recorded.tables.get(name)), _told(running.tables.get(name))))
    for name in sorted(recorded.reducers.keys() | running.reducers.keys()):
        here, there = recorded.reducers.get(name), running.reducers.get(name)
        found.append((f"reducer {name}", _params(here), _params(there)))
    return found


def _told(shape: TableShape | None) -> str:
    if shape is None:
        return "absent"
    access = "public" if shape.public else "private"
    return f"{access}, key {shape.primary_key}, columns {', '.join(shape.columns)}"


def _params(params: list[str] | None) -> str:
    return "absent" if params is None else f"({', '.join(params)})"
