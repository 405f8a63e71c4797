"""Secrets stay out of what is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.redact import Redactor

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.bm8tc2lnbmF0dXJl"


def test_tokens_go_by_their_shape_and_others_by_their_value() -> None:
    clean = Redactor({"hunter2hunter2"}).clean(f'{{"a":"{TOKEN}","b":"x hunter2hunter2 y"}}')
    assert clean == '{"a":"[redacted]","b":"x [redacted] y"}'


def test_a_short_secret_does_not_black_out_ordinary_words() -> None:
    assert Redactor({"ok"}).clean("ok ok") == "ok ok"


@given(st.text(min_size=6, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_a_secret_is_never_left(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    assert secret not in redactor.clean(f"{before}{secret}{after}").replace("[redacted]", "")
