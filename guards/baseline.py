"""Baseline mode: only what is new against a git revision blocks, for teams in the middle of a migration.

The revision's own files are scanned by the same engine; a hit that was there already, by its fingerprint and as
often, is covered.

    covered(report, known)
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from guards.hits import Hit
from guards.sarif import fingerprint
from harness import process
from harness.errors import UserError

GIT_TIMEOUT_S = 120  # to write a large tree of an old revision
MAX_ARCHIVE_BYTES = 2_000_000_000


def checkout(root: Path, revision: str, folder: Path) -> str:
    """The files of a revision in a folder, and its full name. UserError when there is no such revision."""
    named = process.run(
        ["git", "-C", str(root), "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"],
        timeout_s=GIT_TIMEOUT_S, inherit=True,
    )  # fmt: skip
    if named.returncode != 0:
        shallow = "the clone is shallow: fetch more of it" if (root / ".git" / "shallow").exists() else "see 'git log'"
        raise UserError(f"there is no revision {revision!r}", where=str(root), hint=shallow)
    commit = named.stdout.strip()
    with tempfile.TemporaryDirectory(prefix=process.WORK_PREFIX) as work:
        path = Path(work) / "tree.tar"
        done = process.run(
            ["git", "-C", str(root), "archive", "--format=tar", "-o", str(path), commit],
            timeout_s=GIT_TIMEOUT_S,
            inherit=True,
        )
        if done.returncode != 0:
            raise UserError(f"git cannot give the files of {commit}: {done.stderr.strip()}", where=str(root))
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise UserError(f"the tree of {commit} has more than {MAX_ARCHIVE_BYTES // 1_000_000} MB")
        with tarfile.open(fileobj=io.BufferedReader(path.open("rb", buffering=0))) as archive:
            archive.extractall(folder, filter="data")
    return commit


def covered(hits: Iterable[Hit], known: Iterable[Hit], commit: str) -> tuple[Hit, ...]:
    """The hits, those marked that the revision had already. One more of the same is new."""
    left = Counter(fingerprint(hit) for hit in known if hit.blocks)
    marked = []
    for hit in hits:
        mark = fingerprint(hit)
        if hit.blocks and left[mark] > 0:
            left[mark] -= 1
            hit = msgspec.structs.replace(hit, blocks=False, covered=f"known at {commit[:12]}")
        marked.append(hit)
    return tuple(marked)
