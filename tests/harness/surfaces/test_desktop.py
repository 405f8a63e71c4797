"""A desktop as a child process: real processes that speak, stammer, lie or fall silent."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.config import DesktopConfig, HashConfig, TablesConfig
from harness.errors import SubjectError
from harness.evidence.recorder import Recorder
from harness.history import History
from harness.surfaces.child import Child
from harness.surfaces.control import Session
from harness.surfaces.desktop import DesktopSurface
from harness.wait import WaitedTooLong

READY = 'print(\'{"ev":"ready","contract":"signoff.desktop/1"}\', flush=True)\n'
HEAD = "import json, sys\ndef say(**e): print(json.dumps(e), flush=True)\n"
LOOP = "for line in sys.stdin:\n    c = json.loads(line)\n"
DEEP = '{"ev":"state","x":' + "[" * 50_000 + "]" * 50_000 + "}"
SESSION = Session("u", "d", {"bearer": "b-secret"})
Story = Callable[[DesktopSurface], Awaitable[None]]


def drive(tmp_path: Path, script: str, story: Story, ready_timeout_ms: int = 5_000) -> History:
    path = tmp_path / "desktop.py"
    path.write_text(HEAD + script)
    config = DesktopConfig(command=[sys.executable, str(path)], ready_timeout_ms=ready_timeout_ms)

    async def play() -> History:
        with Recorder(tmp_path / "history.jsonl", "s") as record:
            child = Child("desktop", config, tmp_path, tmp_path / "logs", scenario="desktop-test")
            desktop = DesktopSurface(child, config, TablesConfig(), HashConfig(), record)
            try:
                await desktop.start({})
                await story(desktop)
            finally:
                await desktop.kill()
            return record.history()

    return asyncio.run(play())


def test_events_become_ops_before_the_command_is_answered(tmp_path: Path) -> None:
    script = (
        READY
        + LOOP
        + (
            "    say(ev='connect', session='d1', phase='invoke', attempt=1)\n"
            "    say(ev='connect', session='d1', phase='ok', connection='c' * 32, identity='i' * 64)\n"
            "    say(ev='bootstrap', session='d1', stream='s', baseline=1, cursor=0, reason='first')\n"
            "    say(ev='apply', session='d1', stream='s', baseline=1, seq=1, idem_key='i', payload_hash='h',"
            " payload='{\"signoff_key\":\"k\"}', connection='c' * 32, live=True)\n"
            "    say(ev='done', re=c['id'], ok=True)\n"
        )
    )

    async def story(desktop: DesktopSurface) -> None:
        replica = await desktop.open("d1", SESSION, "i" * 64, ["s"])
        assert (replica.connection, replica.applied_seq("s")) == ("c" * 32, 1)

    history = drive(tmp_path, script, story)
    (applied,) = history.of("apply")
    assert (applied.replica, applied.key, applied.seq) == ("d1", "k", 1)
    invoke, ok = history.of("connect")
    assert (ok.op, ok.identity) == (invoke.index, "i" * 64)
    assert [op.phase for op in history.of("disconnect")] == ["ok"], "it was killed while connected"


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"ev":7}',
        '{"ev":"apply","seq":"x"}',
        '{"ev":"apply","session":"never-opened"}',
        "\\xff",
        DEEP,
    ],
    ids=["no JSON", "no object", "a number", "a text", "a stranger", "not UTF-8", "nested without end"],
)
def test_a_line_that_is_no_event_is_recorded_and_fails_the_next_command(tmp_path: Path, line: str) -> None:
    script = (
        READY
        + LOOP
        + f"    sys.stdout.buffer.write({line!r}.encode('latin-1') + b'\\n')\n    say(ev='done', re=c['id'])\n"
    )

    async def story(desktop: DesktopSurface) -> None:
        await desktop.command("state", {"session": "d1"})
        with pytest.raises(SubjectError, match="wrote 1 lines that are no events"):
            await desktop.command("state", {"session": "d1"})

    history = drive(tmp_path, script, story)
    assert [op.phase for op in history.of("reject")] == ["info"]


def test_an_unknown_event_and_unknown_fields_are_ignored(tmp_path: Path) -> None:
    script = READY + LOOP + "    say(ev='weather', sun=True)\n    say(ev='done', re=c['id'], extra=1)\n"

    async def story(desktop: DesktopSurface) -> None:
        assert (await desktop.command("state", {"session": "x"})).ok

    drive(tmp_path, script, story)


def test_a_failed_command_says_why(tmp_path: Path) -> None:
    script = READY + LOOP + "    say(ev='done', re=c['id'], ok=False, error='no such session')\n"

    async def story(desktop: DesktopSurface) -> None:
        with pytest.raises(SubjectError, match="no such session"):
            await desktop.close_session("d9")

    drive(tmp_path, script, story)


def test_silence_is_not_waited_for_beyond_the_limit(tmp_path: Path) -> None:
    async def story(desktop: DesktopSurface) -> None:
        with pytest.raises(SubjectError, match="did not answer 'state' within 100 ms"):
            await desktop.command("state", {}, timeout_ms=100)

    drive(tmp_path, READY + LOOP + "    pass\n", story)


def test_an_end_in_the_middle_of_a_command_is_told_at_once(tmp_path: Path) -> None:
    async def story(desktop: DesktopSurface) -> None:
        with pytest.raises(SubjectError, match="ended before it answered"):
            await desktop.command("state", {})

    drive(tmp_path, READY + "sys.stdin.readline()\nsys.exit(3)\n", story)


def test_another_contract_is_never_ready(tmp_path: Path) -> None:
    async def story(desktop: DesktopSurface) -> None:
        raise AssertionError("must not be reached")

    with pytest.raises(WaitedTooLong, match="ready event"):
        drive(
            tmp_path, "say(ev='ready', contract='signoff.desktop/99')\nsys.stdin.read()\n", story, ready_timeout_ms=400
        )


def test_an_end_at_the_start_says_what_the_log_says(tmp_path: Path) -> None:
    async def story(desktop: DesktopSurface) -> None:
        raise AssertionError("must not be reached")

    with pytest.raises(SubjectError, match="DESKTOP_X is missing"):
        drive(tmp_path, "print('DESKTOP_X is missing', file=sys.stderr)\nsys.exit(78)\n", story)
