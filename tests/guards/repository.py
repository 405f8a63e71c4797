"""Little trees and repositories for the tests of the guards."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Files by name, in a folder that need not be there."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """What git says; it must end well."""
    done = subprocess.run(["git", *IDENTITY, "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A repository with one commit of these files."""
    write(folder, files)
    git(folder, "init", "--quiet")
    return commit(folder)


def commit(folder: Path) -> Path:
    """All that is there."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "all")
    return folder
