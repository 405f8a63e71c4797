"""What each key of signoff.toml is for, in words: for docs/configuration.md, and for the schema that editors read.

Said once, where the key is declared: a surface has the keys of every surface.

    meaning_of(RuntimeConfig, "env")
"""

from __future__ import annotations

# Model -> key -> what it is for.
MEANING: dict[str, dict[str, str]] = {
    "Config": {"version": "of this file's form"},
    "SubjectConfig": {
        "name": "who is judged, as the signoff names it",
        "root": "folder of the subject's source tree; its git state is recorded",
        "guards": "guards.toml of the source tree; without it the guards take their defaults and judge no documents",
    },
    "LabConfig": {
        "provider": "where the servers come from: see Providers",
        "spacetimedb": "the server's program; needs provider `binary` or `auto`",
        "toxiproxy": "Toxiproxy's program; needs provider `binary` or `auto`",
        "spacetimedb_image": "image to run the server from, with provider `docker`; empty: the official one",
        "toxiproxy_image": "image to run Toxiproxy from, with provider `docker`; empty: the official one",
        "signing_key": "private key (PEM) of the server that a surface which runs already has its token from; absent: "
        "a fresh one",
    },
    "RemoteConfig": {
        "url": "where the server is, such as `https://maincloud.spacetimedb.com`",
        "database": "name or identity of the database there",
        "token": "token of the harness there, as `${NAME}`: it is secret",
        "writes": "whether gates may write there, under names of their own that are taken away again",
    },
    "ModuleConfig": {
        "wasm": "the compiled module that every scenario publishes to its server; not needed with provider `remote`",
        "database": "the database's name, for a surface that runs already and knows no other; empty: a fresh one",
        "after_publish": "reducer calls that the database's owner makes before anything of the subject starts",
        "reducers": "names that must be in the schema of the running module",
        "reads": "who may read what: `granted` (each session what was granted to it), or `open`: all is shown to "
        "everybody, and what needs it otherwise is UNKNOWN",
        "append": "the reducer through which events enter; without it, what needs our own writer is UNKNOWN",
        "prune": "the reducer that moves a stream's retention floor, with `{stream}` and `{floor}`",
        "recorded_schema": "the module's schema as it was agreed on: see Recorded contracts",
        "refusals": "reducer calls that must be refused, each always with the same text: see Recorded contracts",
    },
    "RefusedCall": {
        "name": "class of the error",
        "reducer": "its name",
        "args": "its arguments in order; placeholders are filled in",
        "caller": "who calls: the database's `owner`, or a `stranger` whom nobody granted anything",
        "text": "what the server's answer must hold",
    },
    "CallConfig": {"reducer": "its name", "args": "its arguments in order; placeholders are filled in"},
    "EventsTable": {
        "name": "the table that holds one row per event",
        "stream": "column: the stream's id",
        "seq": "column: the number within the stream, from 1, without a hole",
        "idem_key": "column: the idempotency key",
        "hash": "column: the payload hash, with `[hash] prefix`",
        "payload": "column: the payload as JSON text",
        "payload_path": "dotted path to what was published within that JSON; empty: it is the whole",
    },
    "PresenceTable": {
        "name": "the table that holds one row per live connection; empty: there is none",
        "connection": "column: the connection's id; empty: one row per identity, however many connections it has",
        "identity": "column: whose connection it is",
    },
    "HashConfig": {
        "prefix": 'what stands before the hex digits, for example `"sha256:"`',
        "envelope": "what is hashed, as canonical JSON: see Hash and envelope",
    },
    "StepConfig": {
        "method": "HTTP method",
        "path": "route, with placeholders",
        "body": "JSON body, with placeholders; absent: no body",
        "headers": "request headers, with placeholders",
        "expect": "statuses that count as success",
        "capture": "name = a place in the answer, such as `data.0.seq` or `cookie:sid`: see Captures",
    },
    "SessionStep": {
        "path": "route, with placeholders; or give `command` or `values`",
        "command": "argv of a program that prints a session: what it prints is the answer",
        "values": "name = what is known without asking, such as a static bearer",
    },
    "StreamConfig": {
        "name": "what the module calls the stream, a template over what this step captured",
        "events": "how many events of its own the runtime writes into a stream that it opens",
    },
    "RetiredRoute": {
        "path": "a route that must answer 404 or 410 in every spelling",
        "methods": "tried on the path as it is",
    },
    "SurfaceConfig": {
        "command": "argv that starts it; `{python}` is the interpreter of the harness",
        "stop": "argv that stops it; absent: SIGTERM to the command",
        "env": "its environment, beside `PATH`, `HOME` and the locale",
        "cwd": "working directory, relative to signoff.toml",
        "ready_timeout_ms": "limit for its start",
        "optional_env": "variables of `env` that it can do without; all others must be demanded by it at its start",
    },
    "HttpSurfaceConfig": {
        "url": "where it runs already, in place of `command`; it cannot be stopped, killed or told another environment",
        "server": "where a surface that runs already at `url` looks for its server: the lab stands there in its place",
        "ready": "route that answers 2xx once the surface serves",
        "retired": "routes that must be gone: see Retired routes",
        "errors": "requests that must be refused, each always in the same way: see Recorded contracts",
    },
    "ControlConfig": {
        "service_subject": "`sub` of the token by which control speaks to the server; gives `{control.identity}`",
        "session": "steps that sign a user in, of which one captures `bearer`: see Sessions",
        "mint": "step that mints a sync token; captures `token`",
        "mint_append": "the same for a token that may append to its streams too; optional",
        "rotate": "step by which the next key signs; optional",
        "retire": "step that takes the key `{kid}` out of what is published; optional",
        "revoke": "step that ends a session, with what its own steps captured; optional",
    },
    "TokenContract": {
        "ttl_s": "lifetime that is asked for",
        "max_ttl_s": "longest lifetime allowed",
        "min_ttl_s": "shortest lifetime that can be asked for; gates that need an expired token wait for it",
        "issuer": "what `iss` must be",
        "audience": "what `aud` must be; empty: not asked",
        "key": "where the server finds the key: `published` by the issuer (OpenID discovery), or `server`: its own, "
        "which control is given as `{server.signing_key}`",
        "claims": "claims that must be there",
        "values": "claims and what they must be, as templates with what the mint step knows; compared as JSON",
        "refused_bodies": "bodies of the mint step that must be answered with 4xx and no token",
    },
    "RuntimeConfig": {
        "stream": "step that opens a stream, for a runtime that names its streams itself; optional",
        "service_subject": "`sub` of the token `{runtime.token}`, which the lab signs; gives `{runtime.identity}`",
        "publish": "step that publishes one event; captures `seq`, `idem_key`, `hash` as far as the answer has them",
        "metrics": "step that captures `counters`, an object of numbers; optional",
        "state": "step that captures `state_hash`; optional",
        "publish_after": "as `publish`, and only if the stream's last seq is `{previous_seq}`; optional",
        "rebuild": "step that has the projection rebuilt; absent: the runtime sees by itself that the server lost it",
    },
    "CountersConfig": {
        "accepted": "counter of distinct events that it took",
        "duplicates": "counter of answers that said that an event is known already",
        "published": "counter of distinct events that it knows to be in the server",
        "failures": "counter of failed attempts towards the server",
        "outbox": "gauge of events that are not yet in the server",
    },
    "ErrorCase": {
        "name": "class of the error, such as `auth_denied` or `payload_limit`",
        "code": "what the captured `code` must be; empty: the status decides alone",
    },
}


def meaning_of(model: type, key: str) -> str:
    """What a key of a table is for; "" when nothing is said."""
    return next((MEANING[c.__name__][key] for c in model.__mro__ if key in MEANING.get(c.__name__, {})), "")
