"""HTTP exchanges as evidence: bounded, in order, without secrets."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from harness.evidence import exchanges as exchanges_module
from harness.evidence.exchanges import MAX_TEXT_CHARS, Exchange, Exchanges, cleaned, dump
from harness.evidence.redact import Redactor


def one(t_ns: int, body: str = "", answer: str = "") -> Exchange:
    return Exchange(t_ns, 1.0, "harness", "runtime", "POST /events", body, 200, answer)


def test_only_the_last_ones_are_kept() -> None:
    log = Exchanges()
    for number in range(exchanges_module.MAX_KEPT + 5):
        log.add(one(number))
    assert [log.all()[0].t_ns, len(log.all())] == [5, exchanges_module.MAX_KEPT]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("authorization: Bearer of-anything", "authorization: Bearer [redacted]"),
        ("Authorization: pass word", "Authorization: [redacted]"),
        ("cookie: sid=1; b=2", "cookie: [redacted]"),
        ("x-api-key: abc", "x-api-key: [redacted]"),
        ("idempotency-key: k-1", "idempotency-key: k-1"),
        ("x-note: hunter2-hunter2", "x-note: [redacted]"),
    ],
)
def test_headers_say_no_credentials(line: str, shown: str) -> None:
    found = cleaned([replace(one(1), headers=(line,))], Redactor(["hunter2-hunter2"]))
    assert found[0].headers == (shown,)


def test_a_text_that_was_cut_within_a_secret_ends_before_it() -> None:
    """Two secrets: the first is struck out and brings the half of the second into what is kept."""
    first, second = "f" * 3_900, "hunter2-hunter2-hunter2"
    (found,) = cleaned([one(1, f"{first}{second}"[:3_910])], Redactor([first, second]))
    assert "hunter" not in found.body


def test_they_are_in_order_and_say_no_secret_whole_or_cut() -> None:
    secret = "hunter2-hunter2"
    long = "x" * (MAX_TEXT_CHARS - 7) + secret
    found = cleaned([one(2, long), one(1, f"bearer {secret}", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln")], Redactor([secret]))
    assert [exchange.t_ns for exchange in found] == [1, 2]
    written = dump(found)
    assert b"hunter2" not in written
    assert b"eyJ" not in written
    assert len(found[1].body) == MAX_TEXT_CHARS
    assert [msgspec.json.decode(line, type=Exchange) for line in written.splitlines()] == found
