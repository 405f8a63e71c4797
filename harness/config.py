"""The shape of signoff.toml as frozen models: what the harness knows of a subject.

Leaves reading the file to harness.loading, and the meaning of `{placeholders}` to harness.template.
docs/configuration.md explains each key.

    config.runtime.command
    config.surfaces["runtime"]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.canonical import Json
from harness.template import placeholders

_HASHED = {"payload", "stored", "stream", "seq"}


def _reachable(url: str) -> str:
    """ValueError for a URL that names no host, or a port that there is none of."""
    try:
        parts = urlsplit(url)
        there = not url or (bool(parts.hostname) and parts.port != 0)
    except ValueError as error:
        raise ValueError(f"{url!r} is no address: {error}") from error
    if not there:
        raise ValueError(f"{url!r} is no address: it needs a host, and a port from 1 to 65535 if any")
    return url


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

    url: Annotated[str, Field(pattern=r"^https?://[^/]+/?$"), AfterValidator(_reachable)]
    database: str = Field(min_length=1)
    token: str = Field(min_length=1)
    writes: bool = False


class LabConfig(_Model):
    provider: Literal["auto", "binary", "build", "docker", "remote"] = "auto"
    spacetimedb: Path | None = None
    toxiproxy: Path | None = None
    spacetimedb_image: str = ""
    toxiproxy_image: str = ""
    signing_key: Path | None = None
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
    """Where events are in the module: table and columns, and where in the stored JSON what was published stands."""

    name: str = "sync_event"
    stream: str = "stream_id"
    seq: str = "seq"
    idem_key: str = "idempotency_key"
    hash: str = "payload_hash"
    payload: str = "payload_json"
    payload_path: str = ""


class PresenceTable(_Model):
    """`connection` "": one row per identity, however many connections it has. `name` "": there is no such table."""

    name: str = "active_connection"
    connection: str = "connection_id"
    identity: str = "identity"


class TablesConfig(_Model):
    events: EventsTable = EventsTable()
    presence: PresenceTable = PresenceTable()


class ModuleConfig(_Model):
    """The module to publish; a database that exists already, elsewhere, needs no `wasm`. `append` is the reducer
    through which events enter, `prune` the one that moves a stream's retention floor; their arguments are templates.
    `reads` says whether the module bounds what a session may read by what was granted to it, or shows everything to
    everybody."""

    wasm: Path | None = None
    database: str = Field(default="", pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")
    reads: Literal["granted", "open"] = "granted"
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
        names = placeholders(envelope)
        if not names & {"payload", "stored"}:
            raise ValueError("the hashed envelope must hold {payload} or {stored}, or the hash says nothing")
        if unknown := sorted(names - _HASHED):
            raise ValueError(f"{{{unknown[0]}}} is not known to a hash; {', '.join(sorted(_HASHED))} are")
        return envelope


class StepConfig(_Model):
    """One HTTP request as a template, and what to take out of its answer (see harness.surfaces.capture)."""

    method: str = "POST"
    path: str = Field(pattern=r"^/")
    body: Json = None
    headers: dict[str, str] = {}
    expect: list[int] = [200]
    capture: dict[str, str] = {}


class SessionStep(StepConfig):
    """One step of signing in: a request, or a command whose output is taken apart in the same way, or values that are
    known without asking (a static token)."""

    path: str = Field(default="", pattern=r"^(/|$)")
    command: list[str] = []
    values: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.path, self.command, self.values))) != 1:
            raise ValueError("a step has either path (a request), or command, or values")
        return self


class StreamConfig(StepConfig):
    """How the runtime opens a stream: `name` is a template over what the step captured, which the other steps of the
    runtime know too; `events` is how many events of its own it writes into a new stream."""

    name: str = Field(min_length=1)
    events: Annotated[int, Field(ge=0)] = 0


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
    """A part of the subject that the harness starts: command, environment, ready check; `stop` when SIGTERM to the
    command does not end it."""

    command: list[str] = []
    stop: list[str] = []
    env: dict[str, str] = {}
    cwd: Path = Path()
    ready_timeout_ms: Annotated[int, Field(gt=0)] = 15_000
    optional_env: list[str] = []

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not self.command and not self.runs_at:
            raise ValueError("it needs a command that starts it, or (not the desktop) the url where it runs already")
        return self

    @property
    def runs_at(self) -> str:
        """The URL of a surface that runs already; "" for one that is started."""
        return ""


class HttpSurfaceConfig(SurfaceConfig):
    """One that is spoken to over HTTP: started by `command`, or running already at `url`. `server` is where such a one
    looks for its server: the lab stands there in its place."""

    url: Annotated[str, Field(pattern=r"^(https?://[^/]+|$)"), AfterValidator(_reachable)] = ""
    server: Annotated[
        str, Field(pattern=r"^(http://(127\.0\.0\.1|localhost):[0-9]+/?|$)"), AfterValidator(_reachable)
    ] = ""
    ready: str = Field(default="/healthz", pattern=r"^/")
    retired: list[RetiredRoute] = []
    errors: list[ErrorCase] = []

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url and (self.command or self.stop or self.env):
            raise ValueError("it runs already at url: command, stop and env are for one that the harness starts")
        if self.server and not self.url:
            raise ValueError("server is for one that runs already at url: one that is started is told {server.url}")
        return self

    @property
    def runs_at(self) -> str:
        return self.url.rstrip("/")

    @property
    def server_port(self) -> int | None:
        """The port on which it looks for its server; None when it is told another for each scenario."""
        return urlsplit(self.server).port if self.server else None


class TokenContract(_Model):
    """What a minted token must be: bounds in seconds, what the claims must say, and where the server finds the key."""

    ttl_s: int = 300
    max_ttl_s: int = 900
    min_ttl_s: Annotated[int, Field(gt=0)] = 2
    issuer: str = "{control.url}"
    audience: str = ""
    key: Literal["published", "server"] = "published"
    claims: list[str] = ["iss", "sub", "iat", "exp"]
    values: dict[str, Json] = {}
    refused_bodies: list[Json] = []


class ControlConfig(HttpSurfaceConfig):
    """`session` steps end with a captured `bearer`; `mint` captures `token`, `expires_at` and `identity`. `rotate`
    makes the next key sign, `retire` takes the key {kid} out of what is published, `revoke` ends a session by what its
    steps captured; a check that needs one which is absent says so."""

    service_subject: str = "control"
    session: list[SessionStep] = []
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
    """`publish` captures `seq`, `idem_key` and `hash`; `metrics` and `state` are optional. Without `stream` the harness
    publishes into streams of its own naming."""

    counters: CountersConfig = CountersConfig()
    service_subject: str = "runtime"
    stream: StreamConfig | None = None
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

    @model_validator(mode="after")
    def _apart(self) -> Self:
        ports = [part.server_port for part in (self.control, self.runtime) if part is not None and part.server]
        if len(set(ports)) < len(ports):
            raise ValueError(
                f"control and runtime look for their server on the same port {ports[0]}, and could not be told apart: "
                "give one of them a port of its own"
            )
        return self

    _path: Path = Path()
    _secrets: tuple[str, ...] = ()

    def read_from(self, path: Path, secrets: tuple[str, ...]) -> Self:
        """The same, with where its file is and what it got from the environment."""
        read = self.model_copy()
        read._path, read._secrets = path.resolve(), secrets
        return read

    @property
    def surfaces(self) -> dict[str, SurfaceConfig]:
        """The parts of the subject that the file describes, by name."""
        parts = {"control": self.control, "runtime": self.runtime, "desktop": self.desktop}
        return {name: part for name, part in parts.items() if part is not None}

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
    def plays_alone(self) -> bool:
        """Whether scenarios must follow each other: a part that runs already is the same one in all of them, with its
        counters and its memory."""
        return any(part.runs_at for part in self.surfaces.values())

    def on_lab_of(self, other: Config) -> Config:
        """The same subject on the servers of another file."""
        there = self.model_copy(update={"lab": other.lab.model_copy(update={"signing_key": None})})
        there._secrets = (*self._secrets, *other._secrets)
        return there

    @property
    def root(self) -> Path:
        return (self.folder / self.subject.root).resolve()
