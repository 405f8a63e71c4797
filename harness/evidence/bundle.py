"""The evidence directory of a run: where each file is, and the manifest over all of them.

reports/runs/<id>/  plan.json  record.jsonl  signoff.json  SIGNOFF.md  manifest.json
                    subject/  gates/<gate>/{history.jsonl, checks.json, ...}  ci/junit.xml

bundle = Bundle.create(Path("reports"), seed=7719)
bundle.write("plan.json", msgspec.json.encode(plan))
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from harness.canonical import UNREADABLE
from harness.errors import EvidenceError
from harness.evidence.judgement import GateSpec
from harness.evidence.signoff import GateResult, Plan, Play
from harness.history import History, Record

MANIFEST = "manifest.json"
HISTORY = "history.jsonl"
INSIDE = "known-bad"  # the folder of a run's bundle that holds others
# The envelopes are made over the manifest, so they cannot be in it.
OUTSIDE_MANIFEST = frozenset({MANIFEST, "signoff.intoto.jsonl", "signoff.sigstore.json"})
_T = TypeVar("_T", bound=Record)


class FileSeal(Record, frozen=True):
    sha256: str
    size: int


class Manifest(Record, frozen=True):
    """sha256 and size of every file of the bundle but the manifest itself and the envelopes."""

    files: dict[str, FileSeal]


class RunEvent(Record, frozen=True):
    """One line of record.jsonl. A play is started once and finished once; `seed` is a drill's."""

    event: Literal["started", "finished"]
    gate: str
    t_ns: int
    pid: int
    verdict: str = ""
    duration_s: float = 0.0
    summary: str = ""
    seed: int | None = None

    @property
    def play(self) -> Play:
        return Play(self.gate, self.seed)


def pretty(record: object) -> bytes:
    """JSON for people and for diffs: indented, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


class Bundle:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, reports: Path, *, seed: int) -> Bundle:
        """A new run, named by UTC time, a nonce and the seed; its folder appears with its first file."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        return cls(reports.resolve() / "runs" / f"{stamp}-{secrets.token_hex(3)}-{seed}")

    @property
    def run_id(self) -> str:
        """The folder's name; of a bundle inside a run's, the way to it from that run's."""
        inside = self.folder.parent.name == INSIDE
        return "/".join(self.folder.parts[-3:]) if inside else self.folder.name

    def folder_of(self, play: Play) -> Path:
        return self.folder / play.base

    def write(self, name: str, data: bytes) -> None:
        """One file, whole or not at all. EvidenceError when it cannot be written."""
        target = self.folder / name
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        with _written(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(target)

    def write_once(self, name: str, data: bytes) -> bool:
        """Write a file that nobody wrote before; False when it is there already."""
        target = self.folder / name
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        with _written(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            try:
                os.link(partial, target)
            except FileExistsError:
                return False
            finally:
                partial.unlink()
        return True

    def read(self, name: str, kind: type[_T]) -> _T:
        """A JSON file of the bundle. EvidenceError when it is absent or of another shape."""
        path = self.folder / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except OSError as error:
            raise EvidenceError(f"cannot be read: {error.strerror}", where=str(path)) from error
        except UNREADABLE as error:
            raise EvidenceError(f"is not what it should be: {error}", where=str(path)) from error

    # the run's own record -----------------------------------------------------------------------------------------

    def note(self, event: RunEvent) -> None:
        """Append to record.jsonl; one write, so that several workers can."""
        path = self.folder / "record.jsonl"
        with _written(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                file.write(msgspec.json.encode(event) + b"\n")

    def events(self) -> list[RunEvent]:
        """The record so far. EvidenceError for a line that is none."""
        path = self.folder / "record.jsonl"
        if not path.is_file():
            return []
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
            return [msgspec.json.decode(line, type=RunEvent) for line in lines]
        except UNREADABLE as error:
            raise EvidenceError(f"a line of the run's record is none: {error}", where=str(path)) from error

    def plan(self) -> Plan | None:
        return self.read("plan.json", Plan) if (self.folder / "plan.json").is_file() else None

    def result(self, play: Play) -> GateResult | None:
        path = self.folder_of(play) / "verdict.json"
        return self.read(str(path.relative_to(self.folder)), GateResult) if path.is_file() else None

    def believed(self) -> dict[Play, GateResult]:
        """The results of what was planned, and started and finished once each: nothing else is believed."""
        plan, events = self.plan(), self.events()
        found = {}
        for play in plan.plays if plan is not None else ():
            starts = sum(event.play == play and event.event == "started" for event in events)
            ends = sum(event.play == play and event.event == "finished" for event in events)
            result = self.result(play) if starts == ends == 1 else None
            if result is not None:
                found[play] = result
        return found

    def history(self, play: Play) -> History:
        """What a play recorded. OSError when it is not there."""
        return _named(self.folder_of(play) / HISTORY, play.scenario)

    def histories(self, spec: GateSpec, play: Play) -> tuple[History, dict[str, History]]:
        """What a play and its sabotages left, each under the name of its own scenario: one of another gate proves
        nothing here. OSError when the play's own is not there."""
        folder, history = self.folder_of(play), self.history(play)
        sabotaged = {
            sabotage.name: _named(path, f"{play.scenario}#{sabotage.name}")
            for sabotage in spec.sabotages
            if (path := folder / "sabotage" / sabotage.name / HISTORY).is_file()
        }
        return history, sabotaged

    # sealing ------------------------------------------------------------------------------------------------------

    def files(self) -> Iterator[str]:
        """Every file, by its path in the bundle, sorted."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_symlink() or path.is_file():
                yield path.relative_to(self.folder).as_posix()

    def seal(self) -> Manifest:
        """Write the manifest over everything that is there now."""
        seals = {name: self._seal_of(name) for name in self.files() if name not in OUTSIDE_MANIFEST}
        manifest = Manifest(seals)
        self.write(MANIFEST, pretty(manifest))
        return manifest

    def _seal_of(self, name: str) -> FileSeal:
        path = self.folder / name
        if path.is_symlink():
            raise EvidenceError("a bundle holds no links", where=str(path))
        with path.open("rb") as file:
            return FileSeal(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)

    def check_seal(self) -> list[str]:
        """What differs from the manifest, in words: changed, missing, added."""
        manifest = self.read(MANIFEST, Manifest)
        present = set(self.files()) - OUTSIDE_MANIFEST
        problems = [f"{name}: in the manifest, but not there" for name in sorted(set(manifest.files) - present)]
        problems += [f"{name}: there, but not in the manifest" for name in sorted(present - set(manifest.files))]
        for name in sorted(present & set(manifest.files)):
            if self._seal_of(name) != manifest.files[name]:
                problems.append(f"{name}: its bytes are not those that were sealed")
        return problems

    def link_latest(self) -> None:
        """reports/latest -> this run, replaced in one step."""
        link = self.folder.parent.parent / "latest"
        partial = link.with_name(f".latest.{os.getpid()}")
        with _written(link):
            partial.unlink(missing_ok=True)
            partial.symlink_to(self.folder.relative_to(link.parent))
            partial.replace(link)


def _named(path: Path, scenario: str) -> History:
    history = History.parse(path.read_bytes())
    if history.anchor.scenario != scenario:
        raise EvidenceError(f"it is the history of {history.anchor.scenario!r}, expected {scenario!r}", where=str(path))
    return history


@contextlib.contextmanager
def _written(path: Path) -> Iterator[None]:
    """Turns a failure to write evidence into an EvidenceError that says what to do."""
    try:
        yield
    except OSError as error:
        raise EvidenceError(
            f"evidence cannot be written: {error.strerror}",
            where=str(path),
            hint="free space, or choose another folder with --out",
        ) from error
