"""Spellings of a route that must all be gone: as it stands, and as routers forgive it.

>>> sorted(spellings("/a/b"))[:2]
['/A/B', '/a//b']
"""

from __future__ import annotations

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def spellings(path: str) -> list[str]:
    """The path, then: a trailing slash, other cases, a doubled slash, an encoded letter, a query, a dot segment."""
    head, _, tail = path.rpartition("/")
    encoded = f"{head}/%{ord(tail[0]):02x}{tail[1:]}" if tail else path
    found = [
        path,
        path.rstrip("/") + "/",
        path.upper(),
        path.title(),
        f"{head}//{tail}",
        encoded,
        f"{path}?x=1",
        f"{head}/./{tail}",
    ]
    return list(dict.fromkeys(found))
