"""What counts as acknowledged, refused, or perhaps: one table."""

from __future__ import annotations

import pytest

from harness.surfaces.runtime import outcome
from harness.surfaces.web import NoAnswer, Reply


def reply(status: int, *, expected: bool = False) -> Reply:
    return Reply(status, "", None, {}, {}, expected)


@pytest.mark.parametrize(
    ("answer", "failure", "phase"),
    [
        (reply(201, expected=True), None, "ok"),
        (reply(409), None, "fail"),
        (reply(422), None, "fail"),
        (reply(500), None, "info"),
        (reply(503), None, "info"),
        (reply(302), None, "info"),
        (reply(200), None, "info"),
        (None, NoAnswer("refused", sent=False), "fail"),
        (None, NoAnswer("cut", sent=True), "info"),
        (None, None, "info"),
    ],
)
def test_outcome(answer: Reply | None, failure: NoAnswer | None, phase: str) -> None:
    assert outcome(answer, failure) == phase
