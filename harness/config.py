"""signoff.toml, parsed once into frozen models: what the harness knows of a subject.

Owns the file's shape, `${ENV}` expansion, and messages with a line and a suggestion; leaves the meaning of
`{placeholders}` to harness.template. docs/configuration.md explains each key.

    config = load(Path("signoff.toml"))
    config.runtime.command
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.canonical import Json
from harness.errors import ConfigError

FILE_NAME = "signoff.toml"
_ENV = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SubjectConfig(_Model):
    """Who is judged. `root` is the folder of its source tree, `guards` its guards.toml, relative to signoff.toml."""

    name: str = Field(min_length=1)
    root: Path = Path()
    guards: Path | None = None


class RemoteConfig(_Model):
    """A server that runs already, elsewhere. The token is secret, so it is written as `${NAME}`. `writes` allows more
    than connections: under a name that nobody else has, and taken away again."""

    url: str = Field(pattern=r"^https?://[^/]+/?$")
    database: str = Field(min_length=1)
    token: str = Field(min_length=1)
    writes: bool = False


class LabConfig(_Model):
    provider: Literal["auto", "binary", "build", "docker", "remote"] = "auto"
    spacetimedb: Path | None = None
    toxiproxy: Path | None = None
    spacetimedb_image: str = ""
    toxiproxy_image: str = ""
    remote: RemoteConfig | None = None


class CallConfig(_Model):
    """A reducer call that the owner makes after publishing."""

    reducer: str
    args: list[Json] = []


class RefusedCall(_Model):
    """A reducer call that is refused, and how: `text` stands in the server's answer."""

    name: str
    reducer: str
    args: list[Json] = []
    caller: Literal["owner", "stranger"] = "owner"
    text: str = Field(min_length=1)


class EventsTable(_Model):
    """Where events are in the module: table and columns."""

    name: str = "sync_event"
    stream: str = "stream_id"
    seq: str = "seq"
    idem_key: str = "idempotency_key"
    hash: str = "payload_hash"
    payload: str = "payload_json"


class PresenceTable(_Model):
    name: str = "active_connection"
    connection: str = "connection_id"
    identity: str = "identity"


class TablesConfig(_Model):
    events: EventsTable = EventsTable()
    presence: PresenceTable = PresenceTable()


class ModuleConfig(_Model):
    """The module to publish. `append` is the reducer through which events enter, `prune` the one
    that moves a stream's retention floor; their arguments are templates."""

    wasm: Path
    after_publish: list[CallConfig] = []
    tables: TablesConfig = TablesConfig()
    reducers: list[str] = []
    append: CallConfig | None = None
    prune: CallConfig | None = None
    recorded_schema: Path | None = None
    refusals: list[RefusedCall] = []


class HashConfig(_Model):
    """How payload hashes are written and over what: a prefix ("sha256:") and the hashed envelope."""

    prefix: str = ""
    envelope: Json = "{payload}"

    @field_validator("envelope")
    @classmethod
    def _has_the_payload(cls, envelope: Json) -> Json:
        if "{payload}" not in str(envelope):
            raise ValueError("the hashed envelope must hold {payload}, or the hash says nothing about the event")
        return envelope


class StepConfig(_Model):
    """One HTTP request as a template, and what to take out of its answer (dotted paths)."""

    method: str = "POST"
    path: str = Field(pattern=r"^/")
    body: Json = None
    headers: dict[str, str] = {}
    expect: list[int] = [200]
    capture: dict[str, str] = {}


class ErrorCase(StepConfig):
    """A request that is refused, and how: `expect` has the status, `capture` the code."""

    name: str
    code: str = ""
    expect: list[int]


class RetiredRoute(_Model):
    """A route that must not answer, and the methods to try it with."""

    path: str = Field(pattern=r"^/")
    methods: list[str] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class SurfaceConfig(_Model):
    """A part of the subject that the harness starts: command, environment, ready check."""

    command: Annotated[list[str], Field(min_length=1)]
    env: dict[str, str] = {}
    cwd: Path = Path()
    ready_timeout_ms: Annotated[int, Field(gt=0)] = 15_000
    optional_env: list[str] = []


class HttpSurfaceConfig(SurfaceConfig):
    ready: str = Field(default="/healthz", pattern=r"^/")
    retired: list[RetiredRoute] = []
    errors: list[ErrorCase] = []


class TokenContract(_Model):
    """What a minted token must be: bounds in seconds, and what the claims must say."""

    ttl_s: int = 300
    max_ttl_s: int = 900
    min_ttl_s: Annotated[int, Field(gt=0)] = 2
    issuer: str = "{control.url}"
    audience: str = ""
    claims: list[str] = ["iss", "sub", "iat", "exp"]
    values: dict[str, Json] = {}
    refused_bodies: list[Json] = []


class ControlConfig(HttpSurfaceConfig):
    """`session` steps end with a captured `bearer`; `mint` captures `token`, `expires_at` and `identity`. `rotate`
    makes the next key sign, `retire` takes the key {kid} out of what is published, `revoke` ends a session by what its
    steps captured; a check that needs one which is absent says so."""

    service_subject: str = "control"
    session: list[StepConfig] = []
    mint: StepConfig
    mint_append: StepConfig | None = None
    rotate: StepConfig | None = None
    retire: StepConfig | None = None
    revoke: StepConfig | None = None
    token: TokenContract = TokenContract()


class CountersConfig(_Model):
    """What the runtime's own counters are called: events taken (`accepted`), answers "known already" (`duplicates`),
    events known to be in the server (`published`), failed attempts towards it (`failures`), events not yet there
    (`outbox`). One that is not named is not judged."""

    accepted: str = ""
    duplicates: str = ""
    published: str = ""
    failures: str = ""
    outbox: str = ""


class RuntimeConfig(HttpSurfaceConfig):
    """`publish` captures `seq`, `idem_key` and `hash`; `metrics` and `state` are optional."""

    counters: CountersConfig = CountersConfig()

    service_subject: str = "runtime"
    publish: StepConfig
    metrics: StepConfig | None = None
    state: StepConfig | None = None
    publish_after: StepConfig | None = None
    rebuild: StepConfig | None = None


class DesktopConfig(SurfaceConfig):
    """A child process that speaks docs/surface-contract.md."""


class Config(_Model):
    version: Literal[1]
    subject: SubjectConfig
    lab: LabConfig = LabConfig()
    module: ModuleConfig
    hash: HashConfig = HashConfig()
    control: ControlConfig | None = None
    runtime: RuntimeConfig | None = None
    desktop: DesktopConfig | None = None

    _path: Path = Path()
    _secrets: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What `${ENV}` stood for: it never reaches a bundle."""
        return self._secrets

    @property
    def path(self) -> Path:
        return self._path

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return self._path.parent

    @property
    def root(self) -> Path:
        return (self.folder / self.subject.root).resolve()


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
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{path}:{line[1]}" if line else str(path)
        raise ConfigError(f"not valid TOML: {error}", where=where) from error
    secrets: list[str] = []
    expanded = _expand(raw, path, text, secrets)
    try:
        config = Config.model_validate(expanded)
    except ValidationError as error:
        raise _explain(error, path, text) from error
    config._path, config._secrets = path.resolve(), tuple(secrets)
    _check_remote(config, path, text)
    wasm = config.folder / config.module.wasm
    if not wasm.is_file():
        raise ConfigError(f"module.wasm: {wasm} does not exist", where=f"{path}:{_line_of(text, ('module', 'wasm'))}")
    return config


def _check_remote(config: Config, path: Path, text: str) -> None:
    """ConfigError for a remote lane without its server, and for a token that a bundle's copy of the file would keep."""
    remote = config.lab.remote
    if config.lab.provider == "remote" and remote is None:
        where = f"{path}:{_line_of(text, ('lab', 'provider'))}"
        raise ConfigError("lab.provider: 'remote' needs the table [lab.remote]: url, database, token", where=where)
    if remote is not None and remote.token not in config.secrets:
        where = f"{path}:{_line_of(text, ('lab', 'remote', 'token'))}"
        raise ConfigError('lab.remote.token: write it as "${NAME}", a variable of the environment', where=where)


def _expand(value: Json, path: Path, text: str, secrets: list[str]) -> Json:
    """`${ENV}` in every text, the values kept in `secrets`; ConfigError for a variable that is not set."""
    if isinstance(value, dict):
        return {key: _expand(item, path, text, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, path, text, secrets) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            line = text[: text.index(match[0])].count("\n") + 1
            raise ConfigError(f"the environment variable {match[1]} is not set", where=f"{path}:{line}")
        secrets.append(os.environ[match[1]])
        return os.environ[match[1]]

    return _ENV.sub(replace, value)


def _explain(error: ValidationError, path: Path, text: str) -> ConfigError:
    """All problems in one message, each with its line."""
    lines = []
    for problem in error.errors():
        keys = tuple(str(part) for part in problem["loc"])
        dotted = ".".join(keys)
        line = _line_of(text, keys)
        if problem["type"] == "extra_forbidden":
            guess = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1)
            advice = f"; did you mean {guess[0]!r}?" if guess else f"; known are {', '.join(_known_keys(keys[:-1]))}"
            lines.append(f"{path}:{line}: unknown key {dotted!r}{advice}")
        elif problem["type"] == "missing":
            lines.append(f"{path}:{line}: {dotted!r} is missing")
        else:
            lines.append(f"{path}:{line}: {dotted}: {problem['msg']}, got {problem['input']!r}")
    return ConfigError("\n".join(lines))


def _known_keys(prefix: tuple[str, ...]) -> list[str]:
    """The keys that the model at this place knows."""
    model: type[BaseModel] = Config
    for key in prefix:
        if key.isdigit() or key not in model.model_fields:
            continue
        inner = _model_in(model.model_fields[key].annotation)
        if inner is None:
            return []
        model = inner
    return sorted(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def _line_of(text: str, keys: tuple[str, ...]) -> int:
    """The line where this key, or the nearest table above it, stands: good enough to look there."""
    named = [key for key in keys if not key.isdigit()]
    lines = text.splitlines()
    table = 0
    for depth in range(len(named), 0, -1):
        header = re.compile(rf"^\s*\[\[?\s*{re.escape('.'.join(named[:depth]))}\s*\]\]?")
        found = next((number for number, line in enumerate(lines) if header.match(line)), None)
        if found is not None:
            table = found
            break
    if named:
        assignment = re.compile(rf"^\s*(?:[\w.]+\.)?{re.escape(named[-1])}\s*=|[{{,]\s*{re.escape(named[-1])}\s*=")
        for number in range(table, len(lines)):
            if assignment.search(lines[number]):
                return number + 1
    return table + 1
