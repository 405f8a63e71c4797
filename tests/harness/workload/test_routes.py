"""Spellings of a route: the forgiving forms that routers know."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.workload.routes import METHODS, spellings


def test_the_forms() -> None:
    found = spellings("/api/sync/token")
    assert found[0] == "/api/sync/token"
    assert set(found) >= {
        "/api/sync/token/",
        "/API/SYNC/TOKEN",
        "/api/sync//token",
        "/api/sync/%74oken",
        "/api/sync/./token",
    }
    assert "HEAD" in METHODS


@given(st.from_regex(r"(/[a-z]{1,8}){1,4}", fullmatch=True))
def test_all_are_different_and_absolute(path: str) -> None:
    found = spellings(path)
    assert len(found) == len(set(found)) >= 6
    assert all(spelling.startswith("/") for spelling in found)
