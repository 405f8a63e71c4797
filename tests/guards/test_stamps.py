"""A file that nobody touched is known without reading it; any other is not."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from guards import scanner
from guards.config import GuardsConfig
from guards.rule import RULES, load
from guards.scan import Request, scan
from guards.stamps import REST_NS, Stamps
from guards.tree import Stamp

OLD = 1_000_000_000
NOW = OLD + 10 * REST_NS
STAMP: Stamp = (10, OLD, OLD, 1)


def kept(folder: Path, stamp: Stamp = STAMP) -> Stamps:
    Stamps.open(folder, "key", Path("/tree")).keep({"a": stamp}, {"a": b"digest"}, NOW)
    return Stamps.open(folder, "key", Path("/tree"))


@pytest.mark.parametrize(
    ("stamp", "digest"),
    [
        (STAMP, b"digest"),
        ((11, OLD, OLD, 1), None),
        ((10, OLD + 1, OLD, 1), None),
        ((10, OLD, OLD + 1, 1), None),
        ((10, OLD, OLD, 2), None),
    ],
)
def test_a_stamp_is_all_or_nothing(tmp_path: Path, stamp: Stamp, digest: bytes | None) -> None:
    assert kept(tmp_path).digest("a", stamp) == digest


def test_of_another_path_or_tree_nothing_is_known(tmp_path: Path) -> None:
    assert kept(tmp_path).digest("b", STAMP) is None
    assert Stamps.open(tmp_path, "key", Path("/other")).digest("a", STAMP) is None
    assert Stamps.open(tmp_path, "other key", Path("/tree")).digest("a", STAMP) is None
    assert Stamps.open(None, "key", Path("/tree")).digest("a", STAMP) is None


@pytest.mark.parametrize("young", [(10, NOW - 1, OLD, 1), (10, OLD, NOW - REST_NS, 1)])
def test_a_file_that_had_not_rested_is_read_again(tmp_path: Path, young: Stamp) -> None:
    assert kept(tmp_path, young).digest("a", young) is None


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    stamps = kept(tmp_path)
    stamps.keep({"b": STAMP}, {"b": b"other"}, NOW)
    again = Stamps.open(tmp_path, "key", Path("/tree"))
    assert (again.digest("a", STAMP), again.digest("b", STAMP)) == (None, b"other")


def test_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    kept(tmp_path)
    for path in tmp_path.glob("*.stamps"):
        path.write_bytes(b"\xc1")
    assert Stamps.open(tmp_path, "key", Path("/tree")).digest("a", STAMP) is None


def test_a_scan_reads_what_changed_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    for name in ("a.py", "b.py"):
        (tree / name).write_text("x = 1\n")
    later = time.time_ns() + 10 * REST_NS
    monkeypatch.setattr(time, "time_ns", lambda: later)  # as if they had rested
    request = Request([tree], GuardsConfig(), load(RULES), cache=tmp_path / "cache", jobs=1)
    assert [scan(request).from_cache for _ in range(2)] == [0, 2]
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr(
        scanner.os, "open", lambda path, *rest, **more: (opened.append(str(path)), real(path, *rest, **more))[1]
    )
    (tree / "b.py").write_text("y = 'phx_join'\n")
    report = scan(request)
    assert [Path(path).name for path in opened if path.startswith(str(tree))] == ["b.py"]
    assert [(hit.path, hit.symbol) for hit in report.hits] == [("b.py", "phx_join")]


def test_stamps_that_cannot_be_written_are_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the cache's own entries are: the next scan is slower, and nothing else."""
    tree = tmp_path / "tree"
    tree.mkdir()
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    (tree / "a.py").write_text("x = 1\n")
    later = time.time_ns() + 10 * REST_NS
    monkeypatch.setattr(time, "time_ns", lambda: later)  # as if it had rested
    (tmp_path / "cache").write_text("a file where the folder should be")
    report = scan(Request([tree], GuardsConfig(), load(RULES), cache=tmp_path / "cache", jobs=1))
    assert report.visited == 1
    assert [note for note in report.notes if "cannot be written" in note] == list(report.notes) != []
