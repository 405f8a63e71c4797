"""What tests share: the reference subject, ready to start."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import load
from harness.runner import ROOT, prepare
from harness.scenario import Setup

REFERENCE = ROOT / "fixtures" / "reference" / "signoff.toml"


@pytest.fixture(scope="session")
def setup() -> Setup:
    """Servers and module of the reference subject."""
    return prepare(load(REFERENCE))


@pytest.fixture
def root() -> Path:
    return ROOT
