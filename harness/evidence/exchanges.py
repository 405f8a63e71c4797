"""HTTP exchanges around a finding: what was asked and what came, with times on the history's clock.

Two kinds, told apart by who asked: the harness at a surface, and a part of the subject at the server (as it crossed the
part's path). Kept in memory, bounded, and written only beside a gate that did not pass; secrets are struck out then,
when all of them are known.

    log = Exchanges()
    log.add(Exchange(t_ns, 3.1, "harness", "runtime", "POST /events", "{}", 500, "no"))
    dump(cleaned(log.all(), redactor))      # bytes of exchanges.jsonl
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

import msgspec

from harness.evidence.redact import MARK, Redactor
from harness.history import Record, encode

MAX_KEPT = 3_000  # the last ones of each kind
MAX_TEXT_CHARS = 2_000  # of a body, so that a flood fills no bundle
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|api-?key|session|password", re.IGNORECASE)
_CREDENTIALS = re.compile(r"((?:Bearer|Basic|Digest|DPoP|Token) )?.*", re.IGNORECASE | re.DOTALL)
_HIDDEN = rf"\1{MARK}"


class Exchange(Record, frozen=True):
    """`t_ns` when it was asked; `ms` until the answer, absent when none came. `headers` are lines, those of a request
    that the harness made. `log_at` is how long the surface's log was at its end."""

    t_ns: int
    ms: float | None
    by: str
    to: str
    asked: str
    body: str = ""
    status: int | None = None
    answer: str = ""
    error: str = ""
    log_at: int | None = None
    headers: tuple[str, ...] = ()


class Exchanges:
    """The last ones."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque(maxlen=MAX_KEPT)

    def add(self, exchange: Exchange) -> None:
        self._kept.append(exchange)

    def all(self) -> list[Exchange]:
        return list(self._kept)


def cleaned(exchanges: Iterable[Exchange], redactor: Redactor) -> list[Exchange]:
    """In the order of their beginning, without secrets, cut to their limit: in this order, so that no half of a secret
    is left."""
    ordered = sorted(exchanges, key=lambda one: one.t_ns)
    return [
        msgspec.structs.replace(
            one,
            asked=redactor.clean(one.asked),
            body=_cleaned(one.body, redactor),
            answer=_cleaned(one.answer, redactor),
            error=_cleaned(one.error, redactor),
            headers=tuple(_header(line, redactor)[:MAX_TEXT_CHARS] for line in one.headers),
        )
        for one in ordered
    ]


def _header(line: str, redactor: Redactor) -> str:
    """A header that carries credentials says its scheme alone, whether its value is known as a secret or not."""
    name, _, value = line.partition(": ")
    known = redactor.clean(value)
    return f"{name}: {_CREDENTIALS.sub(_HIDDEN, known, count=1) if _SECRET_HEADER.search(name) else known}"


def _cleaned(text: str, redactor: Redactor) -> str:
    """A long one was cut when it was heard, perhaps within a secret."""
    clean = redactor.clean_beginning if len(text) >= MAX_TEXT_CHARS // 2 else redactor.clean
    return clean(text)[:MAX_TEXT_CHARS]


def dump(exchanges: Iterable[Exchange]) -> bytes:
    """One JSON line each."""
    return b"".join(encode(one) + b"\n" for one in exchanges)
