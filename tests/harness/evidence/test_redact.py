"""Secrets stay out of what is written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
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


@pytest.mark.parametrize(
    "spelled",
    [
        "ab/cd=&ef'gé😀",
        r"ab\/cd=&ef'gé😀",
        r"ab\/cd\u003d\u0026ef\u0027g\u00e9\ud83d\ude00",
        r"ab/cd=\u0026ef\u0027gé😀",
        r"ab/cd=\u0026ef\u0027g\u00E9\uD83D\uDE00",
        "ab%2Fcd%3D%26ef%27g%C3%A9%F0%9F%98%80",
        "ab%2fcd=%26ef'g%c3%a9%f0%9f%98%80",
    ],
)
def test_a_secret_is_found_as_others_spell_it(spelled: str) -> None:
    """Writers of JSON and of URLs escape what nobody asks them to, each in its own way."""
    assert Redactor(["ab/cd=&ef'gé😀"]).clean(f'{{"a":"{spelled}"}}') == '{"a":"[redacted]"}'


def test_a_secret_within_another_leaves_no_tail() -> None:
    for _ in range(8):  # sets of texts are ordered anew in each process, not in each pass: both ways are asked for
        assert Redactor(["bearer-1", "bearer-1-and-more"]).clean("x bearer-1-and-more") == "x [redacted]"
        assert Redactor(["and-more", "bearer-1-and-more"]).clean("x bearer-1-and-more") == "x [redacted]"


@given(st.text(alphabet='ab"\\/\n\té‐', min_size=6, max_size=12))
def test_a_secret_is_found_as_json_writes_it(secret: str) -> None:
    """A history is redacted as lines of JSON, where quotes, backslashes and line ends are escaped."""
    line = msgspec.json.encode({"error": f"sent {secret}."}).decode()
    assert msgspec.json.decode(Redactor([secret]).clean(line)) == {"error": "sent [redacted]."}


@given(st.integers(25, len(TOKEN)))
def test_a_token_without_its_signature_or_with_half_a_payload_goes_too(length: int) -> None:
    assert Redactor().clean(f"answered {TOKEN[:length]}, expected none") == "answered [redacted], expected none"
    assert Redactor().clean("the word eyJ is no token. None.") == "the word eyJ is no token. None."


@given(st.integers(6, 20), st.text(alphabet="ab ", max_size=8))
def test_a_text_that_was_cut_ends_in_no_beginning_of_a_secret(length: int, before: str) -> None:
    redactor = Redactor(["secret-0123456789abcdef", "secret"])
    assert "secret" not in redactor.clean_beginning(before + "secret-0123456789abcdef"[:length])
    assert redactor.clean_beginning(f"{before}x secr") == f"{before}x secr", "shorter than any secret"
    assert redactor.clean_beginning("") == ""
    assert redactor.clean_beginning("half a character \ufffd") == "half a character "


def test_a_log_is_cleaned_and_its_other_bytes_stay(tmp_path: Path) -> None:
    log = tmp_path / "runtime.log"
    log.write_bytes(b"start\r\n\xff bearer-bearer\n" + TOKEN.encode() + b"\nlast")
    Redactor({"bearer-bearer"}).clean_file(log)
    assert log.read_bytes() == b"start\r\n\xff [redacted]\n[redacted]\nlast"
    before = log.stat().st_ino
    Redactor({"bearer-bearer"}).clean_file(log)
    assert log.stat().st_ino == before, "a log without secrets is left alone"
    assert [path.name for path in tmp_path.iterdir()] == ["runtime.log"]
