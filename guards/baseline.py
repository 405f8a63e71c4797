"""Baseline mode: only what is new against a git revision blocks, for teams in the middle of a migration.

The revision's own files are scanned by the same engine; a hit that was there already, by its fingerprint and as
often, is covered.

    covered(report, known)
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from guards.git import git
from guards.hits import Hit
from guards.sarif import fingerprint
from harness.errors import UserError
from harness.process import WORK_PREFIX


def checkout(root: Path, revision: str, folder: Path) -> str:
    """The files of a revision in a folder, and its full name. UserError when there is no such revision."""
    named = git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    if named.returncode != 0:
        shallow = git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"
        hint = "the clone is shallow: fetch more of it" if shallow else "see 'git log'"
        raise UserError(f"there is no revision {revision!r}", where=str(root), hint=hint)
    commit = named.stdout.strip()
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX) as work:
        env = {"GIT_INDEX_FILE": str(Path(work) / "index")}  # the repository's own is not touched
        for arguments in (["read-tree", commit], ["checkout-index", "--all", f"--prefix={folder}/"]):
            done = git(root, *arguments, env=env)
            if done.returncode != 0:
                raise UserError(f"git cannot give the files of {commit}: {done.stderr.strip()}", where=str(root))
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
