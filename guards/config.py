"""guards.toml: what the guards must know of a tree that its names do not say by themselves. Everything has a default.

load(None).floor
1
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from guards.classes import BLOCKING, Class, Places
from guards.documents.config import DocumentsConfig
from guards.rule import RULES, Rule
from guards.rule import load as load_rules
from harness.errors import ConfigError

FILE_NAME = "guards.toml"


class GuardsConfig(BaseModel):
    """`retained` are the paths that must be there and be clean (a path that does not exist is no clean path); with
    none, the whole tree is retained. `floor` is how many files a scan of the whole tree must at least have visited.
    `unscanned` are globs of what cannot be scanned and need not be: files that are too large, links that leave."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    retained: tuple[str, ...] = ()
    blocks: tuple[Class, ...] = Field(default=BLOCKING, min_length=1)
    floor: int = Field(default=1, ge=1)
    unscanned: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()  # folders with further rules
    exceptions: str = "exceptions.toml"
    places: Places = Places()
    documents: DocumentsConfig | None = None


def find(start: Path) -> Path | None:
    """guards.toml in `start` or the nearest folder above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def load(path: Path | None) -> GuardsConfig:
    """The configuration of a file, or the defaults. ConfigError names the key."""
    if path is None:
        return GuardsConfig()
    try:
        return GuardsConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise ConfigError("; ".join(lines), where=str(path), hint="docs/guards.md lists the keys") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path)) from error


def rules_of(config: GuardsConfig, path: Path | None) -> tuple[Rule, ...]:
    """Our rules and the subject's own; `path` is where guards.toml stands."""
    rules = load_rules(RULES)
    for folder in config.rules:
        rules += load_rules((path.parent if path else Path()) / folder)
    ids = [rule.id for rule in rules]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ConfigError(f"rules with the same id as another: {', '.join(twice)}", where=str(path))
    return rules
