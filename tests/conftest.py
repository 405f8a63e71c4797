"""What tests share: the reference subject, ready to start."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.host import ROOT
from harness.lab import engine, providers
from harness.loading import load
from harness.runner import prepare
from harness.setup import Setup

REFERENCE = ROOT / "fixtures" / "reference" / "signoff.toml"


@pytest.fixture(scope="session")
def setup() -> Setup:
    """Servers and module of the reference subject."""
    return prepare(load(REFERENCE))


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def contained() -> providers.Components:
    """The servers in containers. Without an engine this fails, and says so: the lane has not run then."""
    engine.ready()
    return providers.prepare(providers.LabChoice("docker"))
