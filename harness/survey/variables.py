"""What the lab would put into a variable of a program's environment, judged by the words of its name.

meant("SPACETIME_DATABASE", "runtime")      # "{database}"
"""

from __future__ import annotations

UNKNOWN = "?"

_SERVER = {"spacetime", "spacetimedb", "stdb"}
_ADDRESS = {"url", "uri", "base", "host", "endpoint"}
_SERVING = {"http", "listen", "bind", "server", "service", "api", "app", "web", "port", "control", "runtime"}
# The first row whose every set has a word of the name decides: one of another program's (REDIS_PORT) is not known.
_MEANT: tuple[tuple[tuple[set[str], ...], str], ...] = (
    ((_SERVER, {"token", "jwt"}), "{runtime.token}"),
    ((_SERVER, _ADDRESS), "{server.url}"),
    ((_SERVER, {"database", "db", "module", "name"}), "{database}"),
    (({"control", "auth", "issuer"}, _ADDRESS), "{control.url}"),
    (({"bind", "listen"}, {"addr", "address"}), "127.0.0.1:{port}"),
    (({"bind", "listen"}, {"host"}), "127.0.0.1"),
    (({"state", "data", "store", "storage", "checkpoint", "outbox"}, {"dir", "path", "folder", "file"}), "{dir}"),
)
_NOT_FOR = {"{port}": {"desktop"}, "{runtime.token}": {"control", "desktop"}}


def meant(variable: str, part: str) -> str:
    """A value of signoff.toml; "?" where the name does not say."""
    words = variable.lower().split("_")
    value = next((value for row, value in _MEANT if all(known & set(words) for known in row)), UNKNOWN)
    if words[-1] == "port" and set(words) <= _SERVING | {part}:
        value = "{port}"
    return UNKNOWN if part in _NOT_FOR.get(value, set()) else value
