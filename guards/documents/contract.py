"""The names of a subject's contract, and the names that documents use: routes and environment variables.

contract_of(ContractConfig(routes=("/api/sync/token",)), Path(".")).has_route("/api/sync/token")
True
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guards.documents.config import ContractConfig
from harness.errors import ConfigError

_PLACEHOLDER = re.compile(r"\{[^{}/]*\}|:\w+|<[^<>/]*>|\$\w+|\*")
_VARIABLE = re.compile(r"(?<![A-Z0-9_$\w])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![A-Za-z0-9_])")


@dataclass(frozen=True)
class Contract:
    """Routes as patterns of segments (None stands for a placeholder), and variables by name."""

    routes: frozenset[tuple[str | None, ...]]
    route_prefixes: tuple[str, ...]
    variables: frozenset[str]
    variable_prefixes: tuple[str, ...]

    def has_route(self, route: str) -> bool:
        """Whether a route of the contract, or the beginning of one, is written like this."""
        said = segments(route)
        return any(
            len(said) <= len(known) and all(a is None or b is None or a == b for a, b in zip(said, known, strict=False))
            for known in self.routes
        )

    def routes_in(self, text: str) -> Iterator[str]:
        """The routes that a piece of code names."""
        for match in re.finditer(r"(?<![\w./-])(/[\w.:{}<>$*@-]+(?:/[\w.:{}<>$*@-]+)*)", text):
            if match[1].startswith(self.route_prefixes):
                yield match[1].rstrip(".:")

    def variables_in(self, text: str) -> Iterator[str]:
        """The variables of the subject that a piece of code names: those with its prefixes."""
        return (m.group() for m in _VARIABLE.finditer(text) if m.group().startswith(self.variable_prefixes or ("\0",)))


def segments(route: str) -> tuple[str | None, ...]:
    """A route by its segments; None for those that stand for anything."""
    plain = route.split("?", 1)[0].strip("/")
    return tuple(None if _PLACEHOLDER.search(part) else part for part in plain.split("/"))


def contract_of(config: ContractConfig, folder: Path) -> Contract:
    """What the configuration names itself and what a subject's signoff.toml names. ConfigError when it is not there."""
    routes, variables = set(config.routes), set(config.variables)
    if config.signoff:
        path = folder / config.signoff
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"documents.contract.signoff cannot be read: {error}", where=str(path)) from error
        routes |= set(_routes(raw))
        variables |= set(_variables(raw))
    prefixes = config.variable_prefixes or tuple(sorted({name.split("_", 1)[0] + "_" for name in variables}))
    return Contract(frozenset(map(segments, routes)), config.route_prefixes, frozenset(variables), prefixes)


def _routes(raw: dict[str, Any]) -> Iterator[str]:
    """Every path of a step, retired ones aside; the server's own routes are of the contract too."""
    yield from ("/v1/database/{name}/subscribe", "/v1/database/{name}/call/{reducer}", "/v1/database/{name}/sql",
                "/v1/database/{name}/schema", "/v1/database/{name}/logs", "/v1/identity", "/v1/ping")  # fmt: skip
    for surface in ("control", "runtime", "desktop"):
        yield from _paths({key: value for key, value in raw.get(surface, {}).items() if key != "retired"})


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key in ("path", "ready") and isinstance(one, str))
        for one in value.values():
            yield from _paths(one)
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one)


def _variables(raw: dict[str, Any]) -> Iterator[str]:
    for surface in ("control", "runtime", "desktop"):
        part = raw.get(surface, {})
        for key in ("env", "optional_env"):
            yield from part.get(key, ())
