"""gates/manifest.json, generated from the code: each built gate with its checkers, parameters and floors.

Committed, so that `verify` needs no gate's code; a test refuses a stale one.

    python -m harness.manifest          # writes it
"""

from __future__ import annotations

import importlib
from pathlib import Path

from harness.evidence.bundle import pretty
from harness.evidence.judgement import GateSpec
from harness.gate import Gate

ROOT = Path(__file__).resolve().parent.parent


def collect() -> tuple[GateSpec, ...]:
    """Every gate that the gate and drill suites declare, sorted by id."""
    found: dict[str, GateSpec] = {}
    for folder in ("gates", "chaos", "guards"):
        for file in sorted((ROOT / folder).glob("test_*.py")):
            module = importlib.import_module(f"{folder}.{file.stem}")
            for value in vars(module).values():
                gate = getattr(value, "gate", None)
                if isinstance(gate, Gate):
                    found[gate.id] = gate.spec()
    return tuple(found[name] for name in sorted(found))


def generate() -> bytes:
    return pretty(collect())


if __name__ == "__main__":
    (ROOT / "gates" / "manifest.json").write_bytes(generate())
