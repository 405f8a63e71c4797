"""What must be refused is read off the configuration."""

from __future__ import annotations

from gates.environment import Spoilt, required, spoilt
from harness.config import SurfaceConfig

CONFIG = SurfaceConfig(
    command=["run"],
    env={
        "BIND": "127.0.0.1:{port}",
        "URL": "{server.url}",
        "DB": "{database}",
        "SCOPES": "a.b",
        "DIR": "{dir}",
        "LOG": "x",
    },
    optional_env=["LOG"],
)


def test_all_but_the_optional_ones_are_required() -> None:
    assert required(CONFIG) == ["BIND", "URL", "DB", "SCOPES", "DIR"]


def test_each_of_them_is_left_out_and_left_empty() -> None:
    cases = spoilt(CONFIG)
    for name in required(CONFIG):
        assert Spoilt(name, "missing", None) in cases
        assert Spoilt(name, "empty", "") in cases
    assert not [case for case in cases if case.name == "LOG"]


def test_what_is_malformed_depends_on_what_it_is_for() -> None:
    values = {name: [c.value for c in spoilt(CONFIG) if c.name == name and c.value] for name in required(CONFIG)}
    assert values["BIND"][0] == "127.0.0.1:"
    assert "not-a-url" in values["URL"]
    assert values["DIR"] == []
    assert all(len(values[name]) >= 2 for name in ("DB", "SCOPES"))
