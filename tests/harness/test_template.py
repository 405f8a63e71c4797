"""Placeholders: filled in by name and type; one that is not known is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.template import fill, fill_text


def test_a_whole_placeholder_keeps_its_type_and_others_become_text() -> None:
    known = {"payload": {"a": [1]}, "seq": 7, "control.url": "http://x"}
    template = {"p": "{payload}", "s": "n-{seq}", "u": ["{control.url}/a"], "{seq}": True, "none": None}
    assert fill(template, known) == {"p": {"a": [1]}, "s": "n-7", "u": ["http://x/a"], "7": True, "none": None}


def test_doubled_braces_are_braces() -> None:
    assert fill_text("{{seq}} {seq}", {"seq": 1}) == "{seq} 1"


def test_values_are_not_filled_again() -> None:
    assert fill_text("{a}", {"a": "{b}", "b": "no"}) == "{b}"


@pytest.mark.parametrize(
    ("known", "said"), [({"stream": "s"}, "did you mean {stream}"), ({"xyz": 1}, "known here are xyz")]
)
def test_an_unknown_placeholder_is_named_with_a_suggestion(known: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        fill_text("/a/{streem}", known)  # type: ignore[arg-type]
    assert "{streem}" in str(caught.value)
    assert said in str(caught.value)


@given(st.text(st.characters(exclude_characters="{}"), max_size=30))
def test_text_without_braces_stays(text: str) -> None:
    assert fill_text(text, {}) == text
