"""Errors say whose fault it is, where, and what to do; their exit codes are part of the interface."""

from __future__ import annotations

import pytest

from harness import errors


def test_the_text_names_place_and_advice() -> None:
    error = errors.ConfigError("unknown key 'tabel'", where="signoff.toml:12", hint="did you mean 'table'?")
    assert str(error) == "signoff.toml:12: unknown key 'tabel' (did you mean 'table'?)"
    assert str(errors.LabError("no port")) == "no port"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UserError, 2),
        (errors.ConfigError, 2),
        (errors.LabError, 4),
        (errors.PrerequisiteError, 4),
        (errors.EvidenceError, 5),
        (errors.HarnessError, 70),
        (errors.WireError, 70),
    ],
)
def test_exit_codes(kind: type[errors.SignoffError], code: int) -> None:
    assert kind("x").exit_code == code


def test_our_own_bug_is_never_exit_1() -> None:
    ours = [errors.HarnessError, errors.SignoffError]
    assert all(kind("x").exit_code != 1 for kind in ours)
