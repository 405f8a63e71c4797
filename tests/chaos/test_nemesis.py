"""Every fault bites and is witnessed on a real lab; the same fault made a no-op is not: then I12 names its window."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from chaos.faults import (
    Bandwidth,
    DiskFull,
    Fault,
    Frames,
    HalfOpen,
    Kill,
    KillAtSyscall,
    Latency,
    LostReply,
    Pause,
    ProxyDown,
    Prune,
    Republish,
    Reset,
    Rotate,
    ServerKill,
    ServerRestore,
    ServerWipe,
    Slicing,
    Sunk,
)
from chaos.nemesis import Nemesis
from chaos.schedule import Schedule, window
from chaos.stage import Stage
from harness.checkers.base import CheckResult, fired, judge
from harness.checkers.windows import FaultWithoutEffect
from harness.errors import UserError
from harness.evidence.judgement import windows_of
from harness.scenario import Scenario
from harness.setup import Setup
from harness.verdict import Verdict
from harness.wait import until, wait_until

pytestmark = pytest.mark.lab

CASES: tuple[tuple[Fault, str], ...] = (
    (ProxyDown(), "runtime"),
    (Reset(), "runtime"),
    (HalfOpen(), "runtime"),
    (Latency(ms=60), "runtime"),
    (Bandwidth(kb_per_s=20), "runtime"),
    (Slicing(bytes=64, delay_us=2_000), "runtime"),
    (LostReply(), "runtime"),
    (Sunk(), "runtime"),
    (ServerKill(), "server"),
    (ServerRestore(), "server"),
    (ServerWipe(), "server"),
    (Prune(keep=1), "server"),
    (Republish(compatible=True), "server"),
    (Republish(compatible=False), "server"),
    (Pause(), "desktop-1"),
    (Kill(), "desktop-1"),
    (Kill(after="apply", nth=2), "desktop-1"),
    (Kill(after="publish", nth=2), "runtime"),
    (Kill(after="publish", nth=2, delay_ms=5), "runtime"),
    (KillAtSyscall(nth=4), "runtime"),
    (Rotate(), "control"),
    (DiskFull(), "runtime"),
    *((Frames(what, every=2), "desktop") for what in ("duplicate", "drop", "delay", "reorder", "truncate", "corrupt")),  # type: ignore[arg-type]
)


async def play(setup: Setup, out: Path, fault: Fault, target: str, *, harmless: bool) -> CheckResult:
    """One window of this fault under traffic; what I12 says of it."""
    async with Scenario(setup, "nemesis", out=out) as scene:
        stage = Stage(scene)
        if isinstance(fault, DiskFull):
            scene.small_disk("runtime", 8_192)
        await stage.up(sessions=1, streams=1)
        if isinstance(fault, ServerRestore):
            await stage.keep_data()
        schedule = Schedule("chaos/one", 1, (window("w1", 100, 1_100, fault, target),))
        async with stage.traffic(per_s=30):
            await Nemesis(scene, schedule, harmless=harmless).play()
        history = scene.record.history()
        assert [(seen.kind, seen.target) for seen in windows_of(history)] == [(fault.kind, target)]
        return judge(FaultWithoutEffect(), history)


@pytest.mark.parametrize(("fault", "target"), CASES, ids=[f"{fault}" for fault, _ in CASES])
def test_a_fault_bites(setup: Setup, tmp_path: Path, fault: Fault, target: str) -> None:
    result = asyncio.run(play(setup, tmp_path, fault, target, harmless=False))
    assert result.verdict is Verdict.PASS, (result.reason, result.findings)


@pytest.mark.parametrize(("fault", "target"), CASES, ids=[f"{fault}" for fault, _ in CASES])
def test_a_fault_that_does_nothing_is_named(setup: Setup, tmp_path: Path, fault: Fault, target: str) -> None:
    result = asyncio.run(play(setup, tmp_path, fault, target, harmless=True))
    assert result.verdict is Verdict.UNKNOWN
    assert fired(result)
    assert "w1" in result.findings[0].message


def test_a_window_waits_for_an_attempt_that_comes_late(setup: Setup, tmp_path: Path) -> None:
    """Between two attempts a subject may wait for longer than a window lasts."""

    async def late() -> None:
        async with Scenario(setup, "late", out=tmp_path) as scene:
            stage = Stage(scene)
            await stage.up(sessions=1, streams=1)
            schedule = Schedule("chaos/one", 1, (window("w1", 0, 200, LostReply(), "runtime"),))
            nemesis = asyncio.create_task(Nemesis(scene, schedule).play())

            async def on() -> bool:
                return bool(scene.record.tally["fault_on", "ok"])

            await wait_until(on, timeout_ms=10_000, what="the window to be open")
            await until(time.monotonic_ns() + 1_000_000_000)
            async with stage.traffic(per_s=30):
                await nemesis
            (seen,) = windows_of(scene.record.history())
            assert seen.until_ms is not None
            assert seen.until_ms - seen.from_ms > 800
            assert judge(FaultWithoutEffect(), scene.record.history()).verdict is Verdict.PASS

    asyncio.run(late())


def test_an_interrupt_heals_what_is_on(setup: Setup, tmp_path: Path) -> None:
    async def interrupted() -> None:
        async with Scenario(setup, "interrupted", out=tmp_path) as scene:
            await scene.start_control()
            await scene.start_runtime()
            schedule = Schedule("chaos/one", 1, (window("w1", 0, 60_000, ProxyDown(), "runtime"),))
            nemesis = asyncio.create_task(Nemesis(scene, schedule).play())
            while not scene.record.tally["fault_on", "ok"]:
                await asyncio.wait([nemesis], timeout=0.05)
            nemesis.cancel()
            await asyncio.gather(nemesis, return_exceptions=True)
            assert scene.record.tally["fault_off", "ok"] == 1
            assert scene.lab.toxics._fresh("runtime").enabled

    asyncio.run(interrupted())


def test_a_fault_on_what_is_not_there_is_named(setup: Setup, tmp_path: Path) -> None:
    async def lost() -> None:
        async with Scenario(setup, "lost", out=tmp_path) as scene:
            schedule = Schedule("chaos/one", 1, (window("w1", 0, 100, ProxyDown(), "nowhere"),))
            with pytest.raises(ExceptionGroup) as raised:
                await Nemesis(scene, schedule).play()
            assert raised.group_contains(UserError, match="nowhere")

    asyncio.run(lost())
