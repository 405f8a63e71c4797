"""Defect variants: known bugs as patches on a scratch copy of the reference subject, and whether its gates see them.

A variant is `fixtures/defects/<id>/`: defect.toml, a patch, and for the module a wasm with its sidecar (users have
no wasm toolchain). It counts as caught only when its gate is red for the named invariant, after the variant's marker
was received, beside a green twin of the same gate without it. A crash, a time-out or a failed set-up is NO RESULT,
never a catch.

    defect = load(Path("fixtures/defects/D01"))
    outcome = judge_variant(defect, twin=green, variant=red, history=history)
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from harness import process
from harness.errors import ConfigError
from harness.evidence.signoff import GateResult
from harness.history import History, Record
from harness.verdict import Verdict

PATCH_TIMEOUT_S = 20
MARKER = "SIGNOFF-MARKER "
Caught = Literal["CAUGHT", "SURVIVED", "NO RESULT"]


class Defect(Record, frozen=True):
    """defect.toml. `invariant` is the first-named one; `wasm` a file beside it that replaces the module's."""

    id: str
    title: str
    surface: str
    gate: str
    invariant: str
    wasm: str = ""

    @property
    def marker(self) -> str:
        return f"{MARKER}{self.id.partition('-')[0]}"


class Outcome(Record, frozen=True):
    defect: str
    caught: Caught
    reason: str


def load(folder: Path) -> Defect:
    """ConfigError when defect.toml is not what it should be, or is another's."""
    path = folder / "defect.toml"
    try:
        defect = msgspec.convert(tomllib.loads(path.read_text()), Defect)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"no defect can be read: {error}", where=str(path)) from error
    if defect.id != folder.name:
        raise ConfigError(f"the defect is called {defect.id!r}, its folder {folder.name!r}", where=str(path))
    return defect


def load_all(folder: Path) -> list[Defect]:
    return [load(path.parent) for path in sorted(folder.glob("*/defect.toml"))]


def make_variant(defect: Defect, folder: Path, subject: Path, into: Path) -> Path:
    """A scratch copy of the subject with the defect in it; its signoff.toml.

    ConfigError when the patch does not apply."""
    shutil.copytree(subject, into, ignore=shutil.ignore_patterns("__pycache__", "target"))
    patch = folder / "defect.patch"
    argv = ["git", "apply", "--whitespace=nowarn", str(patch.resolve())]
    done = process.run(argv, timeout_s=PATCH_TIMEOUT_S, cwd=into, inherit=True)
    if done.returncode != 0:
        raise ConfigError(f"the patch of {defect.id} does not apply: {done.stderr.strip()}", where=str(patch))
    config = into / "signoff.toml"
    if defect.wasm:
        wasm = tomllib.loads(config.read_text())["module"]["wasm"]
        shutil.copyfile(folder / defect.wasm, into / wasm)
    return config


def judge_variant(defect: Defect, *, twin: GateResult, variant: GateResult, history: History | None) -> Outcome:
    """Whether the gate caught it, and how we know."""

    def outcome(caught: Caught, reason: str) -> Outcome:
        return Outcome(defect.id, caught, reason)

    if twin.verdict is not Verdict.PASS:
        return outcome("NO RESULT", f"the green twin of {defect.gate} is {twin.verdict.value}")
    markers = [op.marker for op in history.ops if op.marker] if history is not None else []
    if not any(marker.startswith(defect.marker) for marker in markers):
        return outcome("NO RESULT", f"the marker {defect.marker!r} was not received")
    if variant.trouble:
        return outcome("NO RESULT", variant.trouble)
    named = [finding for check in variant.checks for finding in check.findings if finding.invariant == defect.invariant]
    if variant.verdict is Verdict.FAIL and named:
        return outcome("CAUGHT", f"{defect.invariant}: {named[0].message}")
    others = sorted({finding.invariant for check in variant.checks for finding in check.findings}) or "nothing"
    reason = f"{defect.gate} is {variant.verdict.value}, {defect.invariant} did not fire (fired: {others})"
    return outcome("SURVIVED", reason)
