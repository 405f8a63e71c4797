"""Building once: two at once, an interrupted one, one that is there already.

The compiler is a stand-in here, so that a build takes no minutes; cache, lock and rename are the real ones.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.lab import build
from harness.lab.components import cache_root, read_component


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_root()


def make_counting(log: Path, started: threading.Event | None = None) -> build.Callable[[Path], Path]:
    def make(work: Path) -> Path:
        with log.open("a") as file:
            file.write("built\n")
        if started is not None:
            started.wait(0.3)
        binary = work / "made"
        binary.write_text(f"program of {os.getpid()}")
        return binary

    return make


def test_it_is_built_once_and_found_afterwards(tmp_path: Path, cache: Path) -> None:
    log = tmp_path / "log"
    first = build._install("thing", "1.0-aa", "a test", "1.0", make_counting(log))
    again = build._install("thing", "1.0-aa", "a test", "1.0", make_counting(log))
    assert first == again
    assert log.read_text() == "built\n"
    assert Path(first.path).read_text().startswith("program of")
    assert not list(cache.glob("thing/.building-*"))


def _install_elsewhere(log: str) -> str:
    return build._install("thing", "1.0-aa", "a test", "1.0", make_counting(Path(log), threading.Event())).sha256


def test_two_processes_at_once_build_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with multiprocessing.get_context("fork").Pool(2) as pool:
        digests = pool.map(_install_elsewhere, [str(log)] * 2)
    assert log.read_text() == "built\n"
    assert digests[0] == digests[1]


def test_an_interrupted_build_leaves_nothing_half_done(tmp_path: Path, cache: Path) -> None:
    def interrupted(work: Path) -> Path:
        (work / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build._install("thing", "1.0-aa", "a test", "1.0", interrupted)
    assert read_component(cache / "thing" / "1.0-aa") is None
    assert not list(cache.glob("thing/.building-*"))
    assert build._install("thing", "1.0-aa", "a test", "1.0", make_counting(tmp_path / "log")).version == "1.0"


def test_what_a_killed_build_left_is_cleared_by_the_next(tmp_path: Path, cache: Path) -> None:
    stale = cache / "thing" / ".building-1" / "target"
    stale.mkdir(parents=True)
    build._install("thing", "1.0-aa", "a test", "1.0", make_counting(tmp_path / "log"))
    assert not stale.exists()


def test_a_cache_that_is_no_folder_is_an_error_with_advice(cache: Path, tmp_path: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file")
    with pytest.raises(LabError, match="XDG_CACHE_HOME"):
        build._install("thing", "1.0-aa", "a test", "1.0", make_counting(tmp_path / "log"))


def test_the_estimate_moves_from_experience_to_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(build.time, "monotonic", lambda: clock[0])
    shown = build.BuildProgress("building", units=10, expected_minutes=10)
    assert shown.estimate() == "about 10 min left"
    clock[0] = 60.0
    for _ in range(5):
        shown.step()
    assert shown.estimate() == "about 5 min left"
    for _ in range(5):
        shown.step()
    assert shown.estimate() == "about 0 min left"
