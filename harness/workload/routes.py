"""Spellings of a route that must all be gone: as it stands, and as routers forgive it.

>>> sorted(spellings("/a/b"))[:2]
['/A/B', '/a//b']
"""

from __future__ import annotations

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def spellings(path: str) -> list[str]:
    """The path, then: a trailing slash, other cases, a doubled slash, encoded letters, suffixes, dot segments."""
    head, _, tail = path.rpartition("/")
    middle = len(tail) // 2
    encoded = [f"{head}/{tail[:at]}%{ord(tail[at]):02x}{tail[at + 1 :]}" for at in {0, middle} if tail]
    found = [
        path,
        path.rstrip("/") + "/",
        path.upper(),
        path.title(),
        f"{head}//{tail}",
        *encoded,
        f"{path}.",
        f"{path}.json",
        f"{path};v=1",
        f"{head}/x/%2e%2e/{tail}",
        f"{path}?x=1",
        f"{head}/./{tail}",
    ]
    return list(dict.fromkeys(found))
