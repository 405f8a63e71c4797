"""What a step takes out of an answer: one small language of places, the same for requests and commands.

| place | is |
|---|---|
| `data.0.seq` | a dotted path into the JSON; a number indexes a list |
| `run.events.[id=k-1].seq` | in a list, the first object whose member `id` is written `k-1` |
| `header:x-session` | a header of the answer |
| `cookie:sid`, `cookie:*` | a cookie that the answer sets; all of them, as a `cookie` header sends them back |
| `` (nothing) | the whole text |

Pure. A place that leads nowhere gives None, and never an error: what must be there is said by whoever needs it.

    >>> dig({"data": [{"seq": 7}]}, "data.0.seq")
    7
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.canonical import Json
from harness.template import fill_text

_PART = re.compile(r"\[([^=\]]+)=([^\]]*)\]|[^.]+")


@dataclass(frozen=True)
class Answer:
    """What came, before anything is taken out of it. Header names in lower case."""

    text: str
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)


def capture(answer: Answer, places: Mapping[str, str], variables: Mapping[str, Json]) -> dict[str, Json]:
    """name -> what stands at its place, for those that lead somewhere. Places may hold placeholders."""
    found = {name: taken(answer, place, variables) for name, place in places.items()}
    return {name: value for name, value in found.items() if value is not None}


def taken(answer: Answer, place: str, variables: Mapping[str, Json]) -> Json:
    """What stands at one place."""
    if not place:
        return answer.text.strip() or None
    kind, colon, name = place.partition(":")
    if colon and kind == "header":
        return answer.headers.get(name.lower())
    if colon and kind == "cookie":
        every = "; ".join(f"{key}={value}" for key, value in answer.cookies.items())
        return (every or None) if name == "*" else answer.cookies.get(name)
    return dig(answer.body, place, variables)


def dig(value: Json, path: str, variables: Mapping[str, Json] | None = None) -> Json:
    """The value at a dotted path; None when there is none."""
    for part in _PART.finditer(path):
        if isinstance(value, list) and part[1] is not None:
            wanted = fill_text(part[2], variables or {})
            value = next((one for one in value if isinstance(one, dict) and str(one.get(part[1])) == wanted), None)
        elif isinstance(value, dict):
            value = value.get(part[0])
        elif isinstance(value, list) and part[0].isdigit() and int(part[0]) < len(value):
            value = value[int(part[0])]
        else:
            return None
    return value if path else None


def cookies_of(set_cookie: Sequence[str]) -> dict[str, str]:
    """Names and values out of Set-Cookie headers, without their attributes."""
    pairs = (line.partition(";")[0].partition("=") for line in set_cookie)
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def secret_places(places: Mapping[str, str]) -> list[str]:
    """The names whose values came by header or cookie: credentials, as a rule."""
    return [name for name, place in places.items() if place.startswith(("header:", "cookie:"))]
