"""A surface as a child: its command, its environment, its markers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.config import SurfaceConfig
from harness.errors import ConfigError, SubjectError, UserError
from harness.surfaces.child import Child


def child(tmp_path: Path, script: str, **env: str) -> Child:
    config = SurfaceConfig(command=["{python}", "-c", script, "{word}"], env=env)
    return Child("part", config, tmp_path, tmp_path / "logs", scenario="child-test")


def run(part: Child, **variables: str) -> int | None:
    async def play() -> int | None:
        process = await part.spawn(variables)  # type: ignore[arg-type]
        return await process.wait(5_000)

    return asyncio.run(play())


def test_command_and_environment_are_filled_in(tmp_path: Path) -> None:
    part = child(tmp_path, "import os, sys; print(sys.argv[1], os.environ['PLACE'])", PLACE="{word}/x")
    assert run(part, word="here") == 0
    assert part.log.read_text().strip() == "here here/x"
    assert part.incarnation == 0


def test_markers_are_found_among_other_lines(tmp_path: Path) -> None:
    part = child(tmp_path, "import sys; print('a'); print('SIGNOFF-MARKER D01 memory', file=sys.stderr)")
    assert part.markers() == []
    run(part, word="x")
    assert part.markers() == ["SIGNOFF-MARKER D01 memory"]


def test_an_early_end_says_what_the_log_says(tmp_path: Path) -> None:
    part = child(tmp_path, "import sys; print('NAME is missing'); sys.exit(78)")
    run(part, word="x")
    assert "ended with 78" in str(part.ended_early())
    assert "NAME is missing" in str(part.ended_early())


def test_mistakes_of_the_configuration_are_the_users(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\{word\}"):
        run(child(tmp_path, "pass"))
    missing = Child("part", SurfaceConfig(command=["/no/such"]), tmp_path, tmp_path / "logs", scenario="s")
    with pytest.raises(UserError, match="cannot start part"):
        run(missing)
    with pytest.raises(SubjectError, match="was not started"):
        _ = missing.process


def test_a_stop_command_stops_what_ignores_sigterm(tmp_path: Path) -> None:
    """As a container's client may: the process ends by its own command, and what that said is in the log."""
    flag = tmp_path / "stop"
    script = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "while not os.path.exists(os.environ['FLAG']): time.sleep(0.01)\nprint('stopped well')"
    )
    config = SurfaceConfig(
        command=["{python}", "-u", "-c", script],
        stop=["{python}", "-c", "import os; open(os.environ['FLAG'], 'w'); print('asked to stop')"],
        env={"FLAG": str(flag)},
    )
    part = Child("part", config, tmp_path, tmp_path / "logs", scenario="child-test")

    async def play() -> int | None:
        process = await part.spawn({})
        await part.stop()
        return process.returncode

    assert asyncio.run(play()) == 0
    assert set(part.log.read_text().split("\n")) >= {"stopped well", "asked to stop"}
