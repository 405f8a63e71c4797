"""signoff.toml, read once: found, `${ENV}` written in, checked, and every mistake told with its line.

Owns the file and the environment; leaves its shape to harness.config and the wording of mistakes to harness.mistakes.

    config = load(find(Path.cwd()))
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from harness.canonical import Json
from harness.config import Config
from harness.errors import ConfigError
from harness.mistakes import in_words, line_of

FILE_NAME = "signoff.toml"
_PLACES = {"root", "guards", "wasm", "recorded_schema", "cwd", "spacetimedb", "toxiproxy", "signing_key", "server"}
_ENV = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def find(start: Path) -> Path:
    """signoff.toml in `start` or the nearest folder above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise ConfigError(f"no {FILE_NAME} in {start} or above it", hint="give one with --config FILE")


def load(path: Path) -> Config:
    """The configuration in a file. ConfigError names the line and a suggestion."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read it: {error}", where=str(path)) from error
    try:
        raw = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError("it is nested too deeply", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{path}:{line[1]}" if line else str(path)
        raise ConfigError(f"not valid TOML: {error}", where=where) from error
    environment = _Environment(path, text)
    expanded = environment.expand(raw)
    if environment.missing:
        raise ConfigError("\n".join(environment.missing), hint="set it for whoever runs the harness")
    secrets = tuple(environment.secrets)
    try:
        config = Config.model_validate(expanded).read_from(path, secrets)
    except ValidationError as error:
        told = in_words(error, path, text, Config)
        for secret in filter(None, secrets):
            told = told.replace(secret, "${...}")
        raise ConfigError(told) from error
    _check_remote(config, path, text)
    _check_module(config, path, text)
    return config


def _check_module(config: Config, path: Path, text: str) -> None:
    """ConfigError when a lab would have nothing to publish."""
    if config.lab.provider == "remote" and config.module.wasm is None:
        return
    where = f"{path}:{line_of(text, ('module', 'wasm'))}"
    if config.module.wasm is None:
        raise ConfigError(
            "module.wasm: a lab of its own publishes the module, and this says no file",
            where=where,
            hint="name the compiled module; a database that exists already is judged with [lab] provider = 'remote'",
        )
    wasm = config.folder / config.module.wasm
    if not wasm.is_file():
        raise ConfigError(f"module.wasm: {wasm} does not exist", where=where)


def _check_remote(config: Config, path: Path, text: str) -> None:
    """ConfigError for a remote lane without its server, and for a token that a bundle's copy of the file would keep."""
    remote = config.lab.remote
    if config.lab.provider == "remote" and remote is None:
        where = f"{path}:{line_of(text, ('lab', 'provider'))}"
        raise ConfigError("lab.provider: 'remote' needs the table [lab.remote]: url, database, token", where=where)
    if remote is not None and remote.token not in config.secrets:
        where = f"{path}:{line_of(text, ('lab', 'remote', 'token'))}"
        raise ConfigError('lab.remote.token: write it as "${NAME}", a variable of the environment', where=where)


class _Environment:
    """`${NAME}` in every text. `secrets` are the values, but for those that say where something is; `missing` the
    problems, one line each."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self.secrets: list[str] = []
        self.missing: dict[str, None] = {}

    def expand(self, value: Json, *keys: str) -> Json:
        if isinstance(value, dict):
            return {key: self.expand(item, *keys, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, *keys, str(index)) for index, item in enumerate(value)]
        return _ENV.sub(lambda match: self._value(match, keys), value) if isinstance(value, str) else value

    def _value(self, match: re.Match[str], keys: tuple[str, ...]) -> str:
        value = os.environ.get(match[1])
        if value is None:
            line = self._text[: max(0, self._text.find(match[0]))].count("\n") + 1  # it may be spelled otherwise
            self.missing[f"{self._path}:{line}: the environment variable {match[1]} is not set"] = None
            return ""
        program = keys[-2:] in (("command", "0"), ("stop", "0"))
        if not program and keys[-1] not in _PLACES:
            self.secrets.append(value)
        return value
