"""The one place that asks git. Its words are English and its surroundings ours: in a hook, GIT_DIR and GIT_INDEX_FILE
name the repository of the hook, which need not be the one that is scanned.

git(Path("."), "rev-parse", "--show-toplevel").stdout
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness import tool

TIMEOUT_S = 120  # for the index of a large repository on a cold disk, or the files of an old revision
NOT_FOUND = 127  # the return code of a program that is not there
# Where its configuration is: safe.directory is set there for the users of a container.
_KEPT = ("GIT_CONFIG", "XDG_CONFIG_HOME")


def git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tool.Completed:
    """What git says of the repository around `folder`; names of files keep bytes that are no UTF-8."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    argv = ["git", "--literal-pathspecs", "-C", str(folder), *arguments]
    return tool.run(argv, timeout_s=TIMEOUT_S, env={**kept, **(env or {}), "LC_ALL": "C"}, errors="surrogateescape")
