"""Identities: our formula gives what the real server reported."""

from __future__ import annotations

from pathlib import Path

from harness.lab.keys import ISSUER
from harness.wire.identity import fingerprint, identity_of

RECORDED = (Path(__file__).with_name("frames") / "identity.txt").read_text().strip()


def test_the_formula_gives_what_a_server_reported() -> None:
    assert identity_of(ISSUER, "owner") == RECORDED


def test_issuer_and_subject_both_count() -> None:
    assert len({identity_of("a", "b"), identity_of("a", "c"), identity_of("c", "b")}) == 3
    assert identity_of("a", "b").startswith("c200")


def test_a_fingerprint_is_short_and_says_nothing() -> None:
    assert len(fingerprint("eyJ.token")) == 16
    assert fingerprint("a") != fingerprint("b")
