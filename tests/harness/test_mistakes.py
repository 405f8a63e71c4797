"""Lines and suggestions for what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from harness.mistakes import in_words, line_of

TEXT = """version = 1
[part]
name = "x"
command = ["run"]
[part.publish]
path = "/a"
[[part.errors]]
expect = [1]
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("version",), 1),
        (("part",), 2),
        (("part", "name"), 3),
        (("part", "publish"), 5),
        (("part", "publish", "path"), 6),
        (("part", "errors", "0", "expect"), 8),
        (("elsewhere",), 1),
    ],
)
def test_the_line_of_a_key(keys: tuple[str, ...], line: int) -> None:
    assert line_of(TEXT, keys) == line


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: str
    secret: str = ""

    @model_validator(mode="after")
    def _never(self) -> Inner:
        if self.secret:
            raise ValueError("colour and secret exclude each other")
        return self


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner
    several: list[Inner] = []


def told(value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    return in_words(caught.value, Path("f.toml"), "[inner]\n", Outer)


def test_a_near_key_is_suggested_and_others_are_listed() -> None:
    assert "did you mean 'colour'?" in told({"inner": {"color": "red", "colour": "red"}})
    assert "known are colour, secret" in told({"inner": {"colour": "red", "zzz": 1}})
    assert "did you mean 'colour'?" in told({"inner": {"colour": "red"}, "several": [{"colour": "x", "colours": 1}]})


def test_what_is_wrong_with_a_table_does_not_tell_its_values() -> None:
    said = told({"inner": {"colour": "red", "secret": "hunter2"}})
    assert said == "f.toml:1: inner: colour and secret exclude each other"
