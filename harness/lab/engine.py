"""The docker engine, asked through its own client, which knows the user's contexts.

Owns how it is asked, what a container is labelled with, and the sweep by these labels; leaves images to
harness.lab.images and what runs in containers to harness.lab.launch. A container carries the run's id, the process of
the harness that started it, and its scenario, so that each can be swept alone:

    docker ps --filter label=signoff.run=20261120T184205Z-3f9c1a-7719

    ready().version
    sweep("scenario", "3f9c1a")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness import process, tool
from harness.errors import LabError, PrerequisiteError

ASK_TIMEOUT_S = 30  # an engine answers in 0.1 s; one that starts containers on a busy machine in a few
CLIENT = "docker"
# How the client finds its engine; a child of ours inherits nothing else of the environment (harness.process).
_SETTINGS = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")
Label = Literal["run", "owner", "scenario"]


@dataclass(frozen=True)
class EngineSeen:
    """Which engine answers."""

    version: str
    system: str


def settings() -> dict[str, str]:
    """The variables by which the client finds its engine, for a child of ours."""
    return {name: os.environ[name] for name in _SETTINGS if name in os.environ}


def ask(words: Sequence[str], *, timeout_s: float = ASK_TIMEOUT_S) -> str:
    """What `docker words...` prints. LabError with what it says when it fails."""
    done = tool.run([CLIENT, *words], timeout_s=timeout_s, inherit=True)
    if done.returncode != 0:
        raise LabError(f"docker {words[0]} failed with {done.returncode}: {_last_line(done.stderr)}")
    return done.stdout.strip()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def ready() -> EngineSeen:
    """The engine that answers. PrerequisiteError when there is none, or none that we may use."""
    try:
        version, _, system = ask(["version", "--format", "{{.Server.Version}}|{{.Server.Os}}"]).partition("|")
    except LabError as error:
        raise PrerequisiteError(
            f"no docker engine answers: {error.what}",
            hint="install one (Debian: docker.io), start it, and be allowed to use it; or take another [lab] provider",
        ) from error
    if system != "linux":
        raise PrerequisiteError(f"the docker engine runs {system} containers, and the servers need linux ones")
    return EngineSeen(version, system)


def labels(scenario: str) -> dict[Label, str]:
    """What a container of this process is labelled with."""
    return {"run": os.environ.get(process.RUN, process.OWNER), "owner": process.OWNER, "scenario": scenario}


def _filter(label: Label, value: str) -> str:
    return f"label=signoff.{label}={value}"


def label_words(scenario: str) -> list[str]:
    return [word for name, value in labels(scenario).items() for word in ("--label", f"signoff.{name}={value}")]


def sweep(label: Label, value: str) -> list[str]:
    """Remove whatever containers carry this label, running or not; their ids."""
    found = ask(["ps", "--all", "--quiet", "--filter", _filter(label, value)]).split()
    if found:
        # One that is on its way out by itself is refused, and one that is gone is no error: what counts is the end.
        tool.run([CLIENT, "rm", "--force", "--volumes", *found], timeout_s=ASK_TIMEOUT_S, inherit=True)
    return found


def sweep_at_end() -> None:
    """Have our containers removed when this process is gone, whatever ends it."""
    ours = _filter("owner", process.OWNER)
    process.at_end(["sh", "-c", f"docker ps --all --quiet --filter '{ours}' | xargs -r docker rm --force --volumes"])
