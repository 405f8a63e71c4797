"""Places in an answer: every kind, and none that raises."""

from __future__ import annotations

import pytest

from harness.canonical import Json
from harness.surfaces.capture import Answer, capture, cookies_of, dig, secret_places, taken

ANSWER = Answer(
    ' {"a": 1} ',
    {"run": {"events": [{"key": "k-1", "seq": 1}, {"key": "k.2", "seq": 2}, 7]}, "none": None, "flag": True},
    {"x-session": "s-1"},
    {"sid": "abc", "theme": "dark"},
)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("run.events.0.seq", 1),
        ("run.events.[key=k-1].seq", 1),
        ("run.events.[key={key}].seq", 2),
        ("run.events.[seq=2].key", "k.2"),
        ("run.events.[key=other].seq", None),
        ("run.events.9", None),
        ("run.events.x", None),
        ("run.[key=k-1]", None),
        ("none", None),
        ("none.deeper", None),
        ("flag", True),
        ("header:X-Session", "s-1"),
        ("header:absent", None),
        ("cookie:sid", "abc"),
        ("cookie:absent", None),
        ("cookie:*", "sid=abc; theme=dark"),
        ("", '{"a": 1}'),
        ("...", ANSWER.body),
    ],
)
def test_a_place(place: str, value: Json) -> None:
    assert taken(ANSWER, place, {"key": "k.2"}) == value


def test_only_what_is_there_is_captured() -> None:
    assert capture(ANSWER, {"seq": "run.events.1.seq", "no": "run.none"}, {}) == {"seq": 2}
    assert capture(Answer("", None), {"all": "", "every": "cookie:*"}, {}) == {}


def test_dig_never_raises() -> None:
    value: Json = {"a": [1, {"b": None}], "c": "text"}
    assert [dig(value, path) for path in ("a.1.b", "a.7", "a.x", "c.d", "", "z.z.z", "a.[")] == [None] * 7
    assert dig(value, "a.0") == 1


def test_cookies_are_names_and_values_without_attributes() -> None:
    lines = ["sid=a=b; Path=/; HttpOnly", "theme=dark", "broken", "empty=; Max-Age=0"]
    assert cookies_of(lines) == {"sid": "a=b", "theme": "dark", "empty": ""}


def test_what_came_by_header_or_cookie_is_a_credential() -> None:
    assert secret_places({"seq": "data.seq", "a": "cookie:*", "b": "header:x"}) == ["a", "b"]
