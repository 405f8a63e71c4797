"""The bundle: sealed as it is; every difference is named."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import EvidenceError
from harness.evidence.bundle import Bundle, RunEvent
from harness.evidence.signoff import Plan
from tests.harness.evidence.bundles import GATE, make


def test_a_sealed_bundle_has_no_difference(tmp_path: Path) -> None:
    assert make(tmp_path).check_seal() == []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda f: (f / "SIGNOFF.md").write_text("all is well"), "SIGNOFF.md: its bytes are not those"),
        (
            lambda f: (f / "gates" / GATE / "logs" / "runtime.log").unlink(),
            "runtime.log: in the manifest, but not there",
        ),
        (lambda f: (f / "gates" / "note.txt").write_text("x"), "gates/note.txt: there, but not in the manifest"),
        (lambda f: (f / "extra").symlink_to("/etc/passwd"), "extra: there, but not in the manifest"),
    ],
)
def test_each_difference_is_named(tmp_path: Path, tamper: Callable[[Path], object], said: str) -> None:
    bundle = make(tmp_path)
    tamper(bundle.folder)
    (problem,) = bundle.check_seal()
    assert said in problem


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    bundle = make(tmp_path)
    target = bundle.folder / "SIGNOFF.md"
    copy = tmp_path / "copy"
    target.rename(copy)
    target.symlink_to(copy)
    with pytest.raises(EvidenceError, match="no links"):
        bundle.check_seal()


def test_what_is_written_once_is_never_replaced(tmp_path: Path) -> None:
    bundle = Bundle.create(tmp_path, seed=1)
    assert bundle.write_once("plan.json", b"first")
    assert not bundle.write_once("plan.json", b"second")
    assert (bundle.folder / "plan.json").read_bytes() == b"first"
    assert [path.name for path in bundle.folder.iterdir()] == ["plan.json"]


def _note_many(folder: str) -> None:
    for number in range(200):
        Bundle(Path(folder)).note(RunEvent("started", f"gate-{number}", number, 1, summary="x" * 200))


def test_several_workers_write_one_record(tmp_path: Path) -> None:
    bundle = Bundle.create(tmp_path, seed=1)
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.map(_note_many, [str(bundle.folder)] * 3, chunksize=1)
    assert len(bundle.events()) == 600


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    bundle = make(tmp_path)
    with (bundle.folder / "record.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(EvidenceError, match="run's record"):
        bundle.events()


def test_latest_is_replaced_in_one_step(tmp_path: Path) -> None:
    one, two = make(tmp_path, 1), make(tmp_path, 2)
    one.link_latest()
    two.link_latest()
    assert (tmp_path / "latest").resolve() == two.folder.resolve()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "runs"]


def test_reading_what_is_not_there_or_not_so_is_an_evidence_error(tmp_path: Path) -> None:
    bundle = make(tmp_path)
    with pytest.raises(EvidenceError, match="cannot be read"):
        bundle.read("nothing.json", Plan)
    with pytest.raises(EvidenceError, match="is not what it should be"):
        bundle.read("manifest.json", Plan)


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(EvidenceError, match="--out"):
        Bundle.create(tmp_path, seed=1).write("a", b"")


@pytest.mark.parametrize("damage", [b'{"run_id":"\xff"}', b'{"gates":[{"checkers":[{"params":{"a":' + b"[" * 100_000])
def test_a_plan_that_no_parser_takes_is_an_evidence_error(tmp_path: Path, damage: bytes) -> None:
    bundle = make(tmp_path)
    bundle.write("plan.json", damage)
    with pytest.raises(EvidenceError, match="is not what it should be"):
        bundle.plan()
    (bundle.folder / "record.jsonl").write_bytes(b'{"event":"started","gate":"\xff"}\n')
    with pytest.raises(EvidenceError, match="run's record"):
        bundle.events()
