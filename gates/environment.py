"""The environment contract as signoff.toml tells it: which variables a surface needs, and what would be malformed.

What a variable is for is read off its template, or its name: an address holds {port}, a base URL one of the {...url}
placeholders, a database {database}; scopes are called so. Others are only left out and left empty.

    spoilt(config.runtime)   # [Spoilt("RUNTIME_BIND_ADDR", "missing", None), ...]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.config import SurfaceConfig

_URL = re.compile(r"^\{[a-z.]*url\}$|^https?://")
_BAD_URLS = ("not-a-url", "ftp://127.0.0.1:1", "http://")
_BAD_DATABASES = ("no such/database", "../else")
_BAD_SCOPES = (",", "no scope!")


@dataclass(frozen=True)
class Spoilt:
    """One variable, what is wrong with it, and its value; None: it is not set at all."""

    name: str
    what: str
    value: str | None


def spoilt(config: SurfaceConfig) -> list[Spoilt]:
    """Every way in which this environment must be refused."""
    return [case for name in required(config) for case in _cases(name, config.env[name])]


def required(config: SurfaceConfig) -> list[str]:
    return [name for name in config.env if name not in config.optional_env]


def _cases(name: str, template: str) -> Iterator[Spoilt]:
    yield Spoilt(name, "missing", None)
    yield Spoilt(name, "empty", "")
    values: tuple[str, ...] = ()
    if "{port}" in template:
        values = tuple(template.replace("{port}", wrong) for wrong in ("", "port", "70000"))
    elif _URL.search(template):
        values = _BAD_URLS
    elif template == "{database}":
        values = _BAD_DATABASES
    elif "SCOPE" in name.upper():
        values = _BAD_SCOPES
    for value in values:
        yield Spoilt(name, f"{value!r}", value)
