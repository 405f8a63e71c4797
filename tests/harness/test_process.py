"""Children: their groups, their mark, their end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness import process
from harness.errors import UserError
from harness.process import Process
from harness.wait import wait_until

FORKING = """
import os, sys, time
child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_output_goes_to_the_log_and_the_code_is_known(tmp_path: Path) -> None:
    async def play() -> int | None:
        child = await Process.start(
            [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"],
            name="child",
            log=tmp_path / "logs" / "child.log",
        )
        return await child.wait(5_000)

    assert asyncio.run(play()) == 7
    assert sorted((tmp_path / "logs" / "child.log").read_text().split()) == ["err", "out"]


def test_the_environment_is_the_inherited_few_and_what_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")

    async def play() -> None:
        script = "import os; print(sorted(os.environ))"
        child = await Process.start(
            [sys.executable, "-c", script], name="child", log=tmp_path / "log", env={"GIVEN": "1"}
        )
        await child.wait(5_000)

    asyncio.run(play())
    seen = (tmp_path / "log").read_text()
    assert "'GIVEN'" in seen
    assert "'SIGNOFF_LAB'" in seen
    assert "SECRET_OF_OURS" not in seen


def test_a_program_that_is_not_there_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot start ghost"):
        asyncio.run(Process.start(["/no/such/program"], name="ghost", log=tmp_path / "log"))


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    async def play() -> tuple[int | None, float]:
        script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
        child = await Process.start([sys.executable, "-c", script], name="deaf", log=tmp_path / "log")

        async def ready() -> bool:
            return "ready" in (tmp_path / "log").read_text()

        await wait_until(ready, timeout_ms=5_000, what="the child to be ready")
        start = time.monotonic()
        await child.stop(grace_ms=200)
        return child.returncode, time.monotonic() - start

    code, took = asyncio.run(play())
    assert code == -signal.SIGKILL
    assert took < 3


def test_sweep_finds_forks_that_left_their_group(tmp_path: Path) -> None:
    async def play() -> tuple[int, list[int]]:
        file = tmp_path / "pid"
        child = await Process.start(
            [sys.executable, "-c", FORKING, str(file)], name="forks", log=tmp_path / "log", scenario="sweep-test"
        )

        async def told() -> str:
            return file.read_text() if file.exists() else ""

        pid = int(await wait_until(told, timeout_ms=5_000, what="the grandchild's pid"))
        await child.kill()
        assert not gone(pid), "it left the group, so killing the group must not have reached it"
        return pid, process.sweep("sweep-test")

    pid, killed = asyncio.run(play())
    assert pid in killed


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1] + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"], {})
    os._exit(0)
time.sleep(600)
"""


def test_sweep_finds_a_daemon_without_our_mark(tmp_path: Path) -> None:
    """It has a session of its own, no environment and no parent but us."""

    async def play() -> tuple[int, list[int]]:
        file = tmp_path / "pid"
        child = await Process.start([sys.executable, "-c", DAEMON, str(file)], name="d", log=tmp_path / "log")

        async def told() -> str:
            return file.read_text() if file.exists() else ""

        pid = int(await wait_until(told, timeout_ms=5_000, what="the daemon's pid"))

        async def is_orphan() -> bool:
            return psutil.Process(pid).ppid() == os.getpid()

        await wait_until(is_orphan, timeout_ms=5_000, what="the daemon to be ours")
        await child.kill()
        return pid, process.sweep("another scenario")

    pid, killed = asyncio.run(play())
    assert pid in killed
    assert gone(pid)


def test_a_log_that_grows_too_long_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_LOG_BYTES", 100_000)
    monkeypatch.setattr(process, "KEPT_LOG_BYTES", 10_000)
    script = "for n in range(20_000): print(n, 'x' * 50, flush=n % 1000 == 0)\nprint('the end')"

    async def play() -> None:
        child = await Process.start([sys.executable, "-c", script], name="c", log=tmp_path / "log")
        assert await child.wait(20_000) == 0
        await child.stop()

    asyncio.run(play())
    text = (tmp_path / "log").read_text()
    assert len(text) <= 100_000
    assert text.startswith("[") and "bytes of this log were left out" in text.splitlines()[0]
    assert text.endswith("the end\n")


def test_follow_kills_its_tool_when_it_is_left(tmp_path: Path) -> None:
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        raise KeyboardInterrupt

    script = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        process.follow([sys.executable, "-c", script], env={}, on_line=on_line, log=tmp_path / "log")
    assert gone(int(seen[0]))


OWNER = """
import asyncio, sys, time
from pathlib import Path
from harness.process import Process

async def main():
    for number in range(2):
        argv = [sys.executable, "-c", "import time; time.sleep(600)"]
        child = await Process.start(argv, name="c", log=Path(sys.argv[1]) / "log")
        print(child.pid, flush=True)
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_children_of_a_killed_owner_are_reaped(tmp_path: Path, root: Path) -> None:
    """SIGKILL leaves no time for any clean-up of our own."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert owner.stdout is not None
    pids = [int(owner.stdout.readline()) for _ in range(2)]
    assert owner.stdout.readline().strip() == "ready"
    assert not any(gone(pid) for pid in pids)
    owner.kill()
    owner.wait()

    async def all_gone() -> bool:
        return all(gone(pid) for pid in pids)

    asyncio.run(wait_until(all_gone, timeout_ms=10_000, what="the reaper to end the children"))


def test_the_tail_of_a_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    async def play() -> str:
        script = "print('eyJ' + 'a' * 50 + '.b.c'); print('x' * 50); print('last')"
        child = await Process.start([sys.executable, "-c", script], name="child", log=tmp_path / "log")
        await child.wait(5_000)
        return child.tail(limit_bytes=80)

    assert asyncio.run(play()) == "x" * 50 + "\nlast"
