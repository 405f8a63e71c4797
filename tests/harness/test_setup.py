"""What the scenes of a run share; without servers there is no lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.host import ROOT
from harness.loading import load
from harness.setup import Chosen, Setup


def test_without_servers_no_lab_is_made(tmp_path: Path) -> None:
    bare = Setup(load(ROOT / "fixtures" / "reference" / "signoff.toml"), None, b"")
    with pytest.raises(UserError, match="starts no lab"):
        bare.new_lab(tmp_path, tmp_path)


def test_nothing_asked_is_the_first_seed_shortly_played() -> None:
    assert (Chosen().seed, Chosen().profile, Chosen().schedule) == (1, "smoke", b"")
