"""What a revision had already does not block; one more of the same does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from guards.baseline import checkout, covered
from harness.errors import UserError
from tests.guards.repository import commit, git, repository, write
from tests.guards.test_hits import HIT

COMMIT = "0123456789abcdef"


def test_the_same_hit_is_known_wherever_its_line_is_now() -> None:
    moved = msgspec.structs.replace(HIT, line=70)
    (hit,) = covered((moved,), (HIT,), COMMIT)
    assert (hit.blocks, hit.covered) == (False, "known at 0123456789ab")


def test_one_more_of_the_same_is_new() -> None:
    hits = covered((HIT, msgspec.structs.replace(HIT, line=8)), (HIT,), COMMIT)
    assert [hit.blocks for hit in hits] == [False, True]


@pytest.mark.parametrize("change", [{"path": "src/b.ts"}, {"source": "y = Convex"}, {"rule": "other"}])
def test_another_place_line_or_rule_is_new(change: dict[str, str]) -> None:
    (hit,) = covered((msgspec.structs.replace(HIT, **change),), (HIT,), COMMIT)
    assert hit.blocks


def test_what_did_not_block_then_excuses_nothing_now() -> None:
    (hit,) = covered((HIT,), (msgspec.structs.replace(HIT, blocks=False, cls="comment"),), COMMIT)
    assert hit.blocks


def test_what_does_not_block_stays_as_it_is() -> None:
    noted = msgspec.structs.replace(HIT, blocks=False)
    assert covered((noted,), (HIT,), COMMIT) == (noted,)


def test_the_files_of_a_revision_whatever_an_archive_would_leave_out(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree", {"src/a b.ts": "one", ".gitattributes": "src/** export-ignore\n"})
    write(tree, {"src/a b.ts": "two", "new.ts": ""})
    commit(tree)
    write(tree, {"src/a b.ts": "three"})
    before = (git(tree, "status", "--porcelain"), git(tree, "rev-parse", "HEAD"))
    name = checkout(tree, "HEAD~1", tmp_path / "out")
    assert name == git(tree, "rev-parse", "HEAD~1").strip()
    assert {path.name: path.read_text() for path in (tmp_path / "out").rglob("*.ts")} == {"a b.ts": "one"}
    assert (git(tree, "status", "--porcelain"), git(tree, "rev-parse", "HEAD")) == before


def test_a_revision_that_is_not_there(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree", {"a": ""})
    for revision in ("main~7", "--output=x", "v1.0"):
        with pytest.raises(UserError, match=r"there is no revision .*see 'git log'"):
            checkout(tree, revision, tmp_path / "out")


def test_a_shallow_clone_is_told_to_fetch(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin", {"a": ""})
    commit(origin)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{origin}", "shallow")
    with pytest.raises(UserError, match="the clone is shallow: fetch more of it"):
        checkout(tmp_path / "shallow", "HEAD~1", tmp_path / "out")
