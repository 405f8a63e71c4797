"""What a key is for is said once, and found for whoever inherits it."""

from __future__ import annotations

from harness.config import HttpSurfaceConfig, RuntimeConfig, StepConfig, StreamConfig
from harness.meanings import MEANING, meaning_of


def test_a_key_is_told_where_it_is_declared() -> None:
    assert meaning_of(RuntimeConfig, "env") == MEANING["SurfaceConfig"]["env"]
    assert meaning_of(StreamConfig, "body") == meaning_of(StepConfig, "body") != ""
    assert meaning_of(HttpSurfaceConfig, "nothing") == ""
