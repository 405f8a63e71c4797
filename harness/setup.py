"""What all scenes of a run share, and what was asked for one of them.

setup = Setup(config, components, wasm)
lab = setup.new_lab(work, logs)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.config import Config
from harness.errors import UserError
from harness.lab.providers import Components
from harness.lab.topology import Lab


@dataclass(frozen=True)
class Setup:
    """Configuration, servers and module. Without components no server is started, and nothing is published."""

    config: Config
    components: Components | None
    wasm: bytes

    def new_lab(self, work: Path, logs: Path) -> Lab:
        """A lab that is not up yet. UserError when there are no servers to start."""
        if self.components is None:
            raise UserError("[lab] provider 'remote' starts no lab", hint="take another provider")
        config, key = self.config, self.config.lab.signing_key
        return Lab(
            self.components,
            work,
            logs,
            self.wasm,
            database=config.module.database,
            signing_key=config.folder / key if key is not None else None,
        )


@dataclass(frozen=True)
class Chosen:
    """What was asked for one play: its seed, its profile, and for a drill perhaps the schedule to play again."""

    seed: int = 1
    profile: str = "smoke"
    schedule: bytes = b""
