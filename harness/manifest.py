"""gates/manifest.json, generated from the code: each built gate with its checkers, parameters and floors; and
gates/defects.json, from the variants: each known bug with the gate that must see it and the digest of what makes it.

Committed, so that `verify` needs no gate's code and no variant; a test refuses stale ones.

    python -m harness.manifest          # writes both
"""

from __future__ import annotations

import importlib

from harness.evidence.bundle import pretty
from harness.evidence.defects import load_all
from harness.evidence.judgement import GateSpec
from harness.gate import Gate
from harness.host import ROOT


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


def generate_defects() -> bytes:
    return pretty(load_all(ROOT / "fixtures" / "defects"))


if __name__ == "__main__":
    (ROOT / "gates" / "defects.json").write_bytes(generate_defects())
    (ROOT / "gates" / "manifest.json").write_bytes(generate())
