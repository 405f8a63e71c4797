"""Makes defect variants of the reference subject, and plays each through the gate that must see it.

First the green twins, in one session; then the variants, those of the longest gates first, as many beside each other
as were asked for. Each leaves a bundle inside the one that is given; what that shows is judged by
harness.evidence.known_bad.

    interrupted = play(defects, bundle, Asked(lab_of=config_path, jobs=2), progress)
"""

from __future__ import annotations

import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import process, tool
from harness.errors import ConfigError
from harness.evidence.bundle import Bundle, pretty
from harness.evidence.defects import PATCH, Defect, load
from harness.evidence.known_bad import DEFECT, SEED, gates_of, outcomes_of, twins_in, variant_in
from harness.evidence.signoff import Selection
from harness.host import ROOT, Session, start
from harness.progress import Progress

REFERENCE = ROOT / "fixtures" / "reference" / "signoff.toml"
FOLDER = ROOT / "fixtures" / "defects"
PATCH_TIMEOUT_S = 20
POLL_S = 0.05
LIMIT_S = 900  # for each gate of a session: the longest ends itself after 620 s
KILLED_AFTER_S = 30


@dataclass(frozen=True)
class Asked:
    """`lab_of` is the signoff.toml whose [lab] holds, `reference` that of the subject which the patches are for."""

    lab_of: Path
    jobs: int
    reference: Path = REFERENCE


def make_variant(defect: Defect, folder: Path, subject: Path, into: Path) -> Path:
    """A scratch copy of the subject with the defect in it; its signoff.toml.

    ConfigError when the patch does not apply, or is not the one that is known by this name."""
    if load(folder) != defect:
        raise ConfigError(f"{defect.id} is not what gates/defects.json says of it", where=str(folder))
    shutil.copytree(subject, into, ignore=shutil.ignore_patterns("__pycache__", "target"))
    patch = folder / PATCH
    argv = ["git", "apply", "--whitespace=nowarn", str(patch.resolve())]
    # Below a repository git would leave out what is not in its index, and say nothing.
    ceiling = {"GIT_CEILING_DIRECTORIES": str(into.resolve().parent)}
    done = tool.run(argv, timeout_s=PATCH_TIMEOUT_S, cwd=into, env=ceiling, inherit=True)
    if done.returncode != 0:
        raise ConfigError(f"the patch of {defect.id} does not apply: {done.stderr.strip()}", where=str(patch))
    config = into / "signoff.toml"
    if defect.wasm:
        wasm = tomllib.loads(config.read_text())["module"]["wasm"]
        shutil.copyfile(folder / defect.wasm, into / wasm)
    return config


def play(defects: Sequence[Defect], bundle: Bundle, asked: Asked, progress: Progress) -> bool:
    """Play the twins and the variants into the bundle, telling of each as it ends; whether we were interrupted."""
    gates = gates_of(defects)
    progress.line(f"known bugs: {len(defects)} variants of the reference subject, after {len(gates)} green twins")
    beside = Beside(bundle, progress)
    interrupted = beside.play(iter([("green twins", _twins(gates, bundle, asked))]), jobs=1, ended=lambda name: None)
    if interrupted:
        return True
    took = {play.gate: result.duration_s for play, result in twins_in(bundle).believed().items()}
    ordered = sorted(defects, key=lambda defect: -took.get(defect.gate, 0.0))

    def tell(name: str) -> None:
        for outcome in outcomes_of(bundle, [defect for defect in defects if defect.id == name]):
            progress.line(f"{outcome.caught:10}{name:15}{outcome.gate:28}{outcome.reason}")

    with tempfile.TemporaryDirectory(prefix=process.WORK_PREFIX) as work:
        return beside.play(_variants(ordered, bundle, asked, Path(work), progress), jobs=asked.jobs, ended=tell)


def _twins(gates: tuple[str, ...], bundle: Bundle, asked: Asked) -> Session:
    return Session(
        twins_in(bundle),
        asked.reference,
        Selection(gates),
        "smoke",
        SEED,
        jobs=asked.jobs,
        lab_of=asked.lab_of,
    )


def _variants(
    defects: Sequence[Defect], bundle: Bundle, asked: Asked, work: Path, progress: Progress
) -> Iterator[tuple[str, Session]]:
    """Each variant, made when its turn comes. One that cannot be made leaves no result."""
    for defect in defects:
        own = variant_in(bundle, defect)
        own.write(DEFECT, pretty(defect))
        try:
            config = make_variant(defect, FOLDER / defect.id, asked.reference.parent, work / defect.id)
        except (ConfigError, OSError) as error:
            progress.line(f"NO RESULT {defect.id:15}{error}")
            continue
        selection, repeat = Selection((defect.gate,)), f"signoff mutants --only {defect.id}"
        yield defect.id, Session(own, config, selection, "smoke", SEED, lab_of=asked.lab_of, repeat=repeat)


class Beside:
    """Plays sessions beside each other. One that does not end by itself is stopped: it has no result."""

    def __init__(self, bundle: Bundle, progress: Progress) -> None:
        self._run, self._progress = bundle.run_id, progress

    def play(self, sessions: Iterator[tuple[str, Session]], *, jobs: int, ended: Callable[[str], None]) -> bool:
        """Whether we were interrupted: then nothing more is started, and what plays is stopped."""
        playing: dict[str, process.Background] = {}
        limits: dict[str, float] = {}
        more, interrupted = True, False
        while more or playing:
            try:
                while more and len(playing) < jobs:
                    name, session = next(sessions, ("", None))
                    more = session is not None
                    if session is not None:
                        playing[name] = start(session, run=self._run)
                        limits[name] = time.monotonic() + LIMIT_S * len(session.selection.only)
                self._progress.running(list(playing))
                for name in [name for name, child in playing.items() if child.wait(POLL_S) is not None]:
                    del playing[name]
                    ended(name)
                for name in [name for name in playing if time.monotonic() > limits[name]]:
                    self._progress.line(f"NO RESULT {name:15}no end: it is stopped")
                    playing[name].interrupt()  # a second time it is killed
                    limits[name] += KILLED_AFTER_S
            except KeyboardInterrupt:
                more, interrupted = False, True
                for child in playing.values():
                    child.interrupt()
        return interrupted
