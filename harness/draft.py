"""A signoff.toml to begin with: what a survey found is filled in, what it did not find stands as comments that say what
to give.

A key that must be there and is not known has the value "?": loading the file then names its line. Surfaces that were
not found are commented out as a whole, for a file without them is whole too.

Every guess names the file that it was taken from.

    text = draft(survey(Path(".")), Path("."))
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UserError
from harness.survey.found import PARTS, Program, Setting, Survey
from harness.survey.look import survey
from harness.survey.variables import UNKNOWN, meant

_HEAD = """\
# Drawn up by `signoff init` from what it found, and by names: look through every line.
# "?" is for you to fill in, and so is what stands in comments. Every key is explained in docs/configuration.md.
# Then: signoff doctor --subject
version = 1
"""

_MODULE = """\
# Calls by the database's owner after publishing, such as one that lets your services in:
# after_publish = [{ reducer = "register_service", args = [{ __identity__ = "0x{runtime.identity}" }, "publisher"] }]
# The reducer through which events enter, for the harness's own writer:
# append = { reducer = "append_sync_event", args = ["{stream}", "{idem_key}", "{hash}", "{payload_json}", "{now_ms}"] }
# The one that moves a stream's retention floor:
# prune = { reducer = "prune_stream", args = ["{stream}", "{floor}"] }

# Where events are, when your table and columns are called otherwise:
# [module.tables.events]
# name = "sync_event"
# stream = "stream_id"
# seq = "seq"
# idem_key = "idempotency_key"
# hash = "payload_hash"
# payload = "payload_json"

# Who is connected; name = "" where there is no such table, connection = "" where it has one row for each identity:
# [module.tables.presence]
# name = "active_connection"
# connection = "connection_id"
# identity = "identity"
"""

# Under the names of its own variables: the addresses that the lab has for it.
_ENV = {
    "control": """\
[control.env]
BIND_ADDR = "127.0.0.1:{port}"
ISSUER_URL = "{control.url}"
SPACETIME_URL = "{server.url}"
SPACETIME_DATABASE = "{database}"
STATE_DIR = "{dir}"
""",
    "runtime": """\
[runtime.env]
BIND_ADDR = "127.0.0.1:{port}"
SPACETIME_URL = "{server.url}"
SPACETIME_DATABASE = "{database}"
SPACETIME_TOKEN = "{runtime.token}"
STATE_DIR = "{dir}"
""",
    "desktop": """\
[desktop.env]
SPACETIME_URL = "{server.url}"
SPACETIME_DATABASE = "{database}"
CONTROL_URL = "{control.url}"
STATE_DIR = "{dir}"
""",
}
_STEPS = {
    "control": """
# How a user signs in: requests, a command or fixed values, the last of which captures a bearer.
[[control.session]]
path = "?"
body = { user = "{user}", device = "{device}" }
capture = { bearer = "token" }

# How a sync token is asked for, and where it stands in the answer.
[control.mint]
path = "?"
headers = { authorization = "Bearer {bearer}" }
body = { streams = "{streams}", ttl_seconds = "{ttl_s}" }
capture = { token = "token" }
""",
    "runtime": """
# How an event is published, and where the answer says which seq, key and hash it was given.
[runtime.publish]
path = "?"
body = { idempotency_key = "{idem_key}", payload = "{payload}" }
expect = [200, 201]
capture = { seq = "seq" }
""",
    "desktop": "",
}
_ABOUT = {
    "control": "issues sessions and sync tokens over HTTP",
    "runtime": "takes events over HTTP and publishes them to the server",
    "desktop": "a process that hosts sync sessions and speaks docs/surface-contract.md on stdin and stdout",
}


def draft(found: Survey, home: Path) -> str:
    """The text. `home` is the folder that signoff.toml will stand in."""
    parts = [_HEAD, *_unread(found), _subject(found, home), "\n".join(_module(found, home)) + "\n" + _MODULE]
    parts += [_surface(name, found, home) for name in PARTS]
    used = [found.part(name) for name in PARTS]
    rest = [program for program in found.programs if program not in used]
    parts += ["# Found too, and given no part:\n" + "".join(f"#   {_told(one)}\n" for one in rest)] if rest else []
    return "\n".join(parts)


def write(folder: Path, out: Path, *, force: bool) -> Survey:
    """Look at a folder and write the draft. UserError when the file is there already, or cannot be written."""
    if out.exists() and not force:
        raise UserError("it is there already", where=str(out), hint="give another with --out, or --force to replace it")
    found = survey(folder)
    try:
        out.write_text(draft(found, out.parent), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(out)) from error
    return found


def _unread(found: Survey) -> list[str]:
    return ["".join(f"# Could not be read: {_plain(one)}\n" for one in found.unread)] if found.unread else []


def _subject(found: Survey, home: Path) -> str:
    return f"[subject]\nname = {_quoted(found.name)}\nroot = {_quoted(_from(found, Path(), home))}\n"


def _module(found: Survey, home: Path) -> Iterator[str]:
    """The module's table: a committed wasm before one that is to be built."""
    module = found.modules[0] if found.modules else None
    yield "# ---------------------------------------------------------------- the module that all parts share"
    yield "[module]"
    for other in found.modules[1:]:
        yield f"# another module: crate {_plain(other.name)} in {_plain(other.folder)}"
    for other_wasm in found.wasms:
        if other_wasm != found.wasm:
            yield f"# another wasm: {_plain(other_wasm)}"
    if found.wasm is not None:
        yield f"wasm = {_quoted(_from(found, found.wasm, home))}"
    elif module is not None:
        manifest = module.folder / "Cargo.toml"
        yield f"# build it: cargo build --release --target wasm32-unknown-unknown --manifest-path {_plain(manifest)}"
        yield f"wasm = {_quoted(_from(found, module.built, home))}"
    else:
        yield "# No crate with the dependency spacetimedb and crate-type cdylib was found, and no .wasm:"
        yield "# give the compiled module."
        yield f"wasm = {_quoted(UNKNOWN)}"
    if module is not None:
        yield f"# crate {_plain(module.name)}; tables: {', '.join(module.tables) or 'none seen'}"
        yield f"# reducers: {', '.join(module.reducers) or 'none seen'}"


def _surface(name: str, found: Survey, home: Path) -> str:
    program = found.part(name)
    title = f"# ---------------------------------------------------------------- {name}: {_ABOUT[name]}\n"
    if program is None:
        known = ", ".join(sorted(PARTS[name]))
        title += f"# No program with {known} in its name was found. Without [{name}] its gates are\n"
        title += "# MISSING and the signoff is INCOMPLETE. With one, take the first # from these lines:\n"
        ready = _ready(None) if name != "desktop" else ""
        return title + _commented(f'[{name}]\ncommand = ["?"]\n{ready}{_told_of_env(None)}\n{_ENV[name]}{_STEPS[name]}')
    return title + "".join(f"{line}\n" for line in _place(name, program, found, home)) + _STEPS[name]


def _place(name: str, program: Program, found: Survey, home: Path) -> Iterator[str]:
    """Where it is: how it is started, or the URL at which it runs already."""
    yield f"# from {_plain(program.source)}"
    if program.part is None:
        yield f"# A guess: nothing here is called after the {name}, and this is the one program that has no part."
    if program.build:
        yield f"# build it: {_plain(program.build)}"
    yield f"[{name}]"
    if program.command:
        first, *rest = program.command
        words = [_from(found, Path(first), home) if "/" in first else first, *rest]
        yield f"command = [{', '.join(_quoted(word.replace('{', '{{').replace('}', '}}')) for word in words)}]"
        if program.cwd is not None and (cwd := _from(found, program.cwd, home)) != ".":
            yield f"cwd = {_quoted(cwd)}"
    else:
        yield "# It runs already, in a container that you start; with a command in place of url the lab starts it."
        yield f"url = {_quoted(program.url)}"
    yield from _setting(name, program)


def _setting(name: str, program: Program) -> Iterator[str]:
    """What its files say of how it is run; one that runs already has its environment."""
    setting = program.setting
    if setting is not None and setting.command:
        yield f"# {_plain(setting.source)} starts it with: {_plain(setting.command)}"
    if name != "desktop":
        yield _ready(setting).rstrip()
    if program.command:
        yield f"{_told_of_env(setting)}\n{_commented(_env(name, setting))}".rstrip()
    elif setting is not None and setting.variables:
        yield f"# {_plain(setting.source)} gives it {_plain(', '.join(setting.variables))}"


def _ready(setting: Setting | None) -> str:
    known = setting if setting is not None and setting.ready else None
    told = f" ({_plain(known.source)} asks this one)" if known is not None else ""
    route = known.ready if known is not None else "/healthz"
    return f"# a route that answers 2xx when it is up{told}:\n# ready = {_quoted(route)}\n"


def _told_of_env(setting: Setting | None) -> str:
    source = f", from {_plain(setting.source)}" if setting is not None and setting.variables else ""
    return f"# the addresses that the lab has for it, under the names of its own variables{source}:"


def _env(name: str, setting: Setting | None) -> str:
    """Its own variables, where a file names them, with what the lab would give for each."""
    if setting is None or not setting.variables:
        return _ENV[name]
    return f"[{name}.env]\n" + "".join(f"{_key(one)} = {_quoted(meant(one, name))}\n" for one in setting.variables)


def _commented(text: str) -> str:
    return "".join(f"# {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _told(program: Program) -> str:
    how = " ".join(program.command) or program.url
    return _plain(f"{program.name}: {how} (from {program.source})")


def _from(found: Survey, path: Path, home: Path) -> str:
    """A path of the survey as it is written in a file that stands in `home`."""
    return Path(os.path.relpath(found.folder.resolve() / path, home.resolve())).as_posix()


def _quoted(text: str) -> str:
    """A TOML text: what JSON escapes, TOML reads in the same way."""
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _plain(value: object) -> str:
    """On one line of a comment."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(value)).split())
