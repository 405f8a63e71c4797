"""What a variable of a program's environment is given, by its name."""

from __future__ import annotations

import pytest

from harness.survey.variables import meant


@pytest.mark.parametrize(
    ("variable", "part", "value"),
    [
        ("PORT", "runtime", "{port}"),
        ("RUNTIME_HTTP_PORT", "runtime", "{port}"),
        ("PORT", "desktop", "?"),
        ("REDIS_PORT", "runtime", "?"),
        ("RUNTIME_BIND_ADDR", "runtime", "127.0.0.1:{port}"),
        ("LISTEN_HOST", "control", "127.0.0.1"),
        ("RUNTIME_SPACETIME_HTTP_BASE_URL", "runtime", "{server.url}"),
        ("SPACETIMEDB_URI", "desktop", "{server.url}"),
        ("SPACETIME_DATABASE", "runtime", "{database}"),
        ("SPACETIME_DB_NAME", "runtime", "{database}"),
        ("DATABASE_URL", "runtime", "?"),
        ("RUNTIME_SPACETIME_AUTH_TOKEN", "runtime", "{runtime.token}"),
        ("SPACETIME_TOKEN", "desktop", "?"),
        ("CONTROL_ISSUER_URL", "control", "{control.url}"),
        ("STATE_DIR", "control", "{dir}"),
        ("LOG_LEVEL", "runtime", "?"),
    ],
)
def test_a_value_by_the_words_of_the_name(variable: str, part: str, value: str) -> None:
    assert meant(variable, part) == value
