"""The only spawner: every child of the harness is started, watched and ended here.

Each child leads its own process group and carries the owner's mark in its environment, so that whatever it
forks can be found again. A reaper (harness/reaper.py) holds a pipe from this process: when the pipe
ends, for whatever reason, SIGKILL included, it ends everything that still carries the mark, and runs what was left to
be done (`at_end`).

    process = await Process.start([sys.executable, "-c", "..."], name="runtime", log=path)
    await process.stop()
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from harness.errors import HarnessError, LabError, UserError

MARK = "SIGNOFF_LAB"
RUN = "SIGNOFF_RUN"  # the id of the run that we play gates for; absent outside of runs
OWNER = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
WORK_PREFIX = f"signoff-{OWNER}-"  # of every temporary folder: the reaper removes them with their owner
STOP_GRACE_MS = 1_000  # a subject that ignores SIGTERM longer than this is killed
MAX_LOG_BYTES = 64 * 1024 * 1024  # of one child; beyond it only the end is kept
KEPT_LOG_BYTES = 1024 * 1024
LOG_LOOK_MS = 250  # between two looks at its size
MAX_LINE_BYTES = 64 * 1024 * 1024  # one JSON line of a desktop; a snapshot of a large stream is one line

# What a child sees of our environment. Nothing else leaks into a subject, so a run is the same elsewhere.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT")

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

_reaper: subprocess.Popen[bytes] | None = None
_sessions: set[int] = set()  # that we gave to children of ours, by the pid of their leader
_at_end: list[bytes] = []  # what a reaper has to run when we are gone, one JSON line for each command


def _ensure_reaper() -> subprocess.Popen[bytes]:
    global _reaper
    if _reaper is not None and _reaper.poll() is None:
        return _reaper
    _adopt_orphans()
    script = Path(__file__).with_name("reaper.py")
    _reaper = subprocess.Popen(
        [sys.executable, "-I", str(script), MARK, OWNER, str(Path(tempfile.gettempdir()) / WORK_PREFIX)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Without the mark that we may carry ourselves: our owner's reaper must not end ours before it has swept.
        env={name: value for name, value in os.environ.items() if name != MARK},
        start_new_session=True,
    )
    _sessions.add(_reaper.pid)
    _tell(_reaper, *_at_end)
    return _reaper


def _tell(reaper: subprocess.Popen[bytes], *lines: bytes) -> None:
    assert reaper.stdin is not None
    for line in lines:
        reaper.stdin.write(line)
    reaper.stdin.flush()


def at_end(argv: Sequence[str]) -> None:
    """Have a command run once this process is gone, whatever ended it; the same one only once."""
    line = json.dumps(list(argv)).encode() + b"\n"
    if line in _at_end:
        return
    reaper = _ensure_reaper()
    _at_end.append(line)
    _tell(reaper, line)


def work_folder() -> Path:
    """A temporary folder that goes with this process, even when it is killed."""
    _ensure_reaper()
    return Path(tempfile.mkdtemp(prefix=WORK_PREFIX))


def environment(extra: Mapping[str, str], scenario: str = "") -> dict[str, str]:
    """The environment of a child: the inherited few, `extra`, and the mark."""
    base = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**base, **extra, MARK: f"{OWNER}.{scenario}"}


class Process:
    """One running child. stdout and stderr go to `log`; with `lines`, stdout is read as lines."""

    def __init__(self, name: str, log: Path, child: asyncio.subprocess.Process) -> None:
        self.name, self.log, self._child = name, log, child
        self.pid = child.pid  # of the program: in a container it is not the child that we started
        _sessions.add(child.pid)
        self._watch = asyncio.create_task(self._keep_log_small())

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        name: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        scenario: str = "",
        lines: bool = False,
    ) -> Self:
        """Spawn it. UserError when the program does not exist or may not be run."""
        _ensure_reaper()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            try:
                child = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.PIPE if lines else asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if lines else sink,
                    stderr=sink,
                    env=environment(env or {}, scenario),
                    cwd=cwd,
                    start_new_session=True,
                    limit=MAX_LINE_BYTES,
                )
            except OSError as error:
                raise UserError(
                    f"cannot start {name}: {error}", where=str(cwd or Path.cwd()), hint=f"the command is {list(argv)}"
                ) from error
        return cls(name, log, child)

    @property
    def alive(self) -> bool:
        return self._child.returncode is None

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._child.returncode

    @property
    def stdin(self) -> asyncio.StreamWriter:
        if self._child.stdin is None:
            raise HarnessError(f"{self.name} was not started with lines")
        return self._child.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        if self._child.stdout is None:
            raise HarnessError(f"{self.name} was not started with lines")
        return self._child.stdout

    def signal(self, number: signal.Signals) -> None:
        """To the whole process group; a group that is gone is no error."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)

    async def wait(self, timeout_ms: int) -> int | None:
        """The return code, or None when it still runs after the limit."""
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._child.wait()
        except TimeoutError:
            return None

    async def _keep_log_small(self) -> None:
        """Drop the beginning of a log that has grown too long, as often as it does. The child appends, so it goes on
        behind what is left."""
        while await self.wait(LOG_LOOK_MS) is None:
            self._cut_log()
        self._cut_log()

    def _cut_log(self) -> None:
        try:
            size = self.log.stat().st_size
            if size <= MAX_LOG_BYTES:
                return
            with self.log.open("r+b") as file:
                file.seek(size - KEPT_LOG_BYTES)
                end = file.read(KEPT_LOG_BYTES)
                file.truncate(0)
            with self.log.open("ab") as file:
                told = f"[{size - len(end)} bytes of this log were left out: it grew beyond {MAX_LOG_BYTES}]"
                file.write(told.encode() + b"\n" + end.partition(b"\n")[2])
        except OSError:
            return  # it is evidence only as far as it goes

    async def ended_within(self, timeout_ms: int) -> bool:
        """Whether it is gone, now or so soon."""
        return not self.alive or await self.wait(timeout_ms) is not None

    async def stop(self, grace_ms: int = STOP_GRACE_MS) -> None:
        """SIGTERM, then SIGKILL to what is left of the group."""
        if self.alive:
            self.signal(signal.SIGTERM)
            await self.wait(grace_ms)
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL to the group at once."""
        self.signal(signal.SIGKILL)
        if self.alive and await self.wait(STOP_GRACE_MS * 5) is None:
            raise LabError(f"{self.name} (pid {self.pid}) survived SIGKILL for {STOP_GRACE_MS * 5} ms")
        await asyncio.wait([self._watch], timeout=STOP_GRACE_MS / 1000)

    def tail(self, limit_bytes: int = 2_000) -> str:
        """The end of its log, for a message."""
        try:
            with self.log.open("rb") as file:
                start = max(0, self.log.stat().st_size - limit_bytes)
                file.seek(start)
                text = file.read().decode("utf-8", "replace")
                # A line that is cut may hold the end of a token, which nobody would know for one.
                return (text.partition("\n")[2] if start else text).strip()
        except OSError:
            return ""


def sweep(scenario: str) -> list[int]:
    """Kill whatever a scenario left behind, forks that changed their group included; the pids killed."""
    mark = f"{OWNER}.{scenario}"
    killed = kill_orphans()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                process.kill()
                killed.append(process.pid)
    return killed


def _adopt_orphans() -> None:
    """What our children leave behind becomes our child (prctl(2), Linux): a daemon that cleared its environment, and
    the mark with it, is found all the same."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_orphans() -> list[int]:
    """End the children that we never started: they have a session of their own, and it is none that we gave."""
    killed, ours = [], os.getsid(0)
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error, ProcessLookupError, ChildProcessError):
            if child.pid in _sessions or os.getsid(child.pid) in (ours, *_sessions):
                continue
            for one in (child, *child.children(recursive=True)):
                one.kill()
                killed.append(one.pid)
            os.waitpid(child.pid, 0)
    return killed


def follow(argv: Sequence[str], *, env: Mapping[str, str], on_line: Callable[[str], None], log: Path) -> int:
    """Run a long tool with our whole environment, giving each line of its output to `on_line` and to `log`.

    The tool's group is killed when this is left by an exception (Ctrl-C)."""
    _ensure_reaper()
    whole = {**os.environ, **env, MARK: f"{OWNER}.install"}
    with log.open("ab") as sink:
        child = subprocess.Popen(
            list(argv),
            env=whole,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _sessions.add(child.pid)
        assert child.stdout is not None
        try:
            for raw in child.stdout:
                sink.write(raw)
                on_line(raw.decode("utf-8", "replace").rstrip())
            return child.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise


class Background:
    """A child of ours that works in its own group while we watch (pytest under `signoff run`)."""

    def __init__(self, argv: Sequence[str], *, log: Path, cwd: Path, run: str) -> None:
        _ensure_reaper()
        with log.open("ab") as sink:
            self._child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env={**os.environ, MARK: f"{OWNER}.background", RUN: run},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _sessions.add(self._child.pid)

    def wait(self, seconds: float) -> int | None:
        """The return code, or None when it still runs after so long."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def interrupt(self) -> None:
        """SIGINT to the group; a second one kills it."""
        number = signal.SIGKILL if self._interrupted else signal.SIGINT
        self._interrupted = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)

    _interrupted = False
