"""What must be on the machine before the lab can be built, told in one message.

check(need_rust=True, need_go=True)   raises PrerequisiteError that names all that is missing
"""

from __future__ import annotations

import re

from harness import tool
from harness.errors import PrerequisiteError
from harness.lab.components import pins

_TOOL_TIMEOUT_S = 20


def version_of(text: str) -> tuple[int, int] | None:
    """The first major.minor in a tool's own words.

    >>> version_of("rustc 1.95.0 (59807616e 2026-04-14)")
    (1, 95)
    """
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _problem(argv: list[str], name: str, least: str, install: str) -> str | None:
    done = tool.run(argv, timeout_s=_TOOL_TIMEOUT_S, inherit=True)
    if done.returncode != 0:
        return f"{name} {least} or newer is not there: {install}"
    found = version_of(done.stdout)
    wanted = version_of(least)
    if found is None or wanted is None or found < wanted:
        return f"{name} {least} or newer is needed, found {done.stdout.strip() or 'no version'!r}: {install}"
    return None


def check(*, need_rust: bool, need_go: bool) -> None:
    """PrerequisiteError with one line for each tool that is absent or too old."""
    problems: list[str | None] = []
    if need_rust:
        rust = pins().spacetimedb.rust
        hint = "install it with rustup (Debian's own is too old)"
        problems.append(_problem(["cargo", "--version"], "cargo", rust, hint))
        problems.append(_problem(["rustc", "--version"], "rustc", rust, hint))
        if tool.run(["pkg-config", "--version"], timeout_s=_TOOL_TIMEOUT_S, inherit=True).returncode != 0:
            problems.append("pkg-config is not there: install the package pkg-config")
        elif tool.run(["pkg-config", "--exists", "openssl"], timeout_s=_TOOL_TIMEOUT_S, inherit=True).returncode != 0:
            problems.append("the OpenSSL headers are not there: install libssl-dev (Debian) or openssl-devel (Fedora)")
    if need_go:
        problems.append(_problem(["go", "version"], "Go", pins().toxiproxy.go, "install it from your system or go.dev"))
    missing = [problem for problem in problems if problem]
    if missing:
        raise PrerequisiteError("the lab cannot be built here:\n  - " + "\n  - ".join(missing))
