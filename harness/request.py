"""What a user asks of a run, and the words that ask for the same again.

request = Request(config_path, reports=Path("reports"))
repeat_command(request)         # "signoff run --config ..."
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.evidence.signoff import Play, Profile, Selection


@dataclass(frozen=True)
class Request:
    """What a user asks for. `schedule` is a drill's saved one, to be played again; `aloud` tells of each fault as it
    comes; `told_config` is signoff.toml as the user wrote it."""

    config_path: Path
    reports: Path
    selection: Selection = Selection()
    profile: Profile = "standard"
    release: str = ""
    seed: int = 1
    jobs: int = 0
    schedule: Path | None = None
    aloud: bool = False
    told_config: str = ""

    @property
    def told(self) -> str:
        """signoff.toml in words that find it from where the user stands."""
        return self.told_config or os.path.relpath(self.config_path)

    @property
    def workers(self) -> int:
        """How many gates are played beside each other: as many as cores, at most 4, unless the user says so."""
        return self.jobs or min(4, psutil.cpu_count() or 1)


def repeat_command(request: Request) -> str:
    """What plays the same run again, from the folder where the user stands."""
    config = shlex.quote(request.told)
    return f"signoff run --config {config} --seed {request.seed} --profile {request.profile}"


def repeat_play(request: Request, play: Play) -> str:
    """What plays one gate or one drill again."""
    if play.seed is None:
        return f"{repeat_command(request)} --only {play.gate}"
    config = shlex.quote(request.told)
    return f"signoff drill {play.gate} --config {config} --seed {play.seed} --profile {request.profile}"
