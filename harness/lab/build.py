"""Builds the pinned servers from the package registries into the user cache, once.

Rules: a build happens in a temporary folder of the cache and appears by one rename, so that an
interrupted one leaves nothing half done; a lock lets two processes that want it at once build once;
there is a progress bar with an estimate on a terminal and a line every 30 s elsewhere.

    component = spacetimedb()     # minutes the first time, a digest of 50 MB afterwards
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import msgspec
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from harness import process
from harness.errors import LabError
from harness.lab import prerequisites
from harness.lab.components import Component, cache_root, pins, read_component, recipe_key, sha256_file

HEARTBEAT_S = 30.0
_STALE = ".building-"


class BuildProgress:
    """Shows how far a build is: `step()` per unit; an estimate from the units done and the time they took."""

    def __init__(self, what: str, units: int, expected_minutes: int) -> None:
        self._what, self._units, self._expected_s = what, max(1, units), expected_minutes * 60
        self._done, self._started = 0, time.monotonic()
        self._stop = threading.Event()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn()
        )
        self._terminal = sys.stderr.isatty()
        self._task = self._bar.add_task(what, total=self._units, left="")
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def step(self) -> None:
        self._done = min(self._units, self._done + 1)
        if self._terminal:
            self._bar.update(self._task, completed=self._done, left=self.estimate())

    def estimate(self) -> str:
        """Time left. The pinned experience counts first, this machine's own pace more and more."""
        elapsed = time.monotonic() - self._started
        share = self._done / self._units
        by_pace = elapsed / share if share else self._expected_s
        total = by_pace * share + self._expected_s * (1 - share)
        return f"about {max(0.0, total - elapsed) / 60:.0f} min left"

    def _tick(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            elapsed = time.monotonic() - self._started
            print(
                f"signoff: {self._what}: {self._done} of {self._units} units after {elapsed:.0f} s, {self.estimate()}",
                file=sys.stderr,
                flush=True,
            )

    def __enter__(self) -> BuildProgress:
        print(f"signoff: {self._what} (once; about {self._expected_s // 60} min)", file=sys.stderr, flush=True)
        self._bar.start() if self._terminal else self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._terminal:
            self._bar.stop()
        if kind is None:
            elapsed = time.monotonic() - self._started
            print(f"signoff: {self._what}: done after {elapsed:.0f} s", file=sys.stderr, flush=True)


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Held while one process installs something; another waits and says so."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / f"{name}.lock").open("w")
    except OSError as error:
        raise LabError(
            f"the cache cannot be written: {error}", where=str(root), hint="set XDG_CACHE_HOME to a folder of yours"
        ) from error
    with file:
        told = 0.0
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - told > HEARTBEAT_S:
                    told = time.monotonic()
                    print(f"signoff: another process installs {name}: waiting for it", file=sys.stderr, flush=True)
                threading.Event().wait(0.2)
        yield


def _install(name: str, key: str, source: str, version: str, make: Callable[[Path], Path]) -> Component:
    """Build with `make(temporary folder) -> binary` unless it is there; move it into place when complete."""
    folder = cache_root() / name / key
    ready = read_component(folder)
    if ready is not None:
        return ready
    with locked(cache_root(), name):
        ready = read_component(folder)
        if ready is not None:
            return ready
        for stale in (cache_root() / name).glob(f"{_STALE}*"):
            shutil.rmtree(stale, ignore_errors=True)
        work = cache_root() / name / f"{_STALE}{os.getpid()}"
        try:
            complete = work / "complete"
            complete.mkdir(parents=True)
            binary = complete / name
            shutil.move(make(work), binary)
            component = Component(name, version, sha256_file(binary), source, name)
            (complete / "component.json").write_bytes(msgspec.json.encode(component))
            complete.rename(folder)
        except OSError as error:
            raise LabError(f"{name} cannot be put into the cache: {error}", where=str(work)) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    installed = read_component(folder)
    if installed is None:
        raise LabError(f"{name} vanished after it was installed", where=str(folder))
    return installed


def _build_failed(name: str, log: Path) -> LabError:
    lines = log.read_text(errors="replace").strip().splitlines()[-15:]
    return LabError(f"building {name} failed; the last lines were:\n    " + "\n    ".join(lines))


def spacetimedb() -> Component:
    """The pinned standalone server, built with cargo when the cache does not hold it."""
    pin = pins().spacetimedb
    key = recipe_key(pin.version, *(f"{name}={value}" for name, value in sorted(pin.profile.items())))

    def make(work: Path) -> Path:
        prerequisites.check(need_rust=True, need_go=False)
        log = work / "build.log"
        argv = ["cargo", "install", pin.crate, "--version", pin.version, "--locked", "--root", str(work / "root")]
        env = {**pin.profile, "CARGO_TARGET_DIR": str(work / "target"), "CARGO_TERM_COLOR": "never"}
        with BuildProgress(
            f"building SpacetimeDB {pin.version} from the crate registry", pin.units, pin.minutes
        ) as shown:

            def on_line(line: str) -> None:
                if line.lstrip().startswith("Compiling "):
                    shown.step()

            if process.follow(argv, env=env, on_line=on_line, log=log) != 0:
                raise _build_failed("SpacetimeDB", log)
        return work / "root" / "bin" / pin.crate

    return _install(pin.crate, key, f"crate {pin.crate} {pin.version}, built here", pin.version, make)


def toxiproxy() -> Component:
    """The pinned Toxiproxy, built with Go when the cache does not hold it."""
    pin = pins().toxiproxy

    def make(work: Path) -> Path:
        prerequisites.check(need_rust=False, need_go=True)
        log = work / "build.log"
        env = {"GOBIN": str(work / "bin")}
        with BuildProgress(f"building Toxiproxy {pin.version} from the Go module proxy", 1, pin.minutes):
            if process.follow(
                ["go", "install", f"{pin.module}@v{pin.version}"], env=env, on_line=lambda _: None, log=log
            ):
                raise _build_failed("Toxiproxy", log)
        return work / "bin" / "server"

    source = f"Go module {pin.module} {pin.version}, built here"
    return _install("toxiproxy-server", recipe_key(pin.version), source, pin.version, make)
