"""What is shown while gates run, on a terminal and in a log."""

from __future__ import annotations

import io

from harness.progress import Lines, Live, Silent, for_stream


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_lines_and_a_heartbeat() -> None:
    stream = io.StringIO()
    with Lines(stream, heartbeat_s=0) as progress:
        progress.line("PASS one")
        progress.running(["two", "three"])
        progress.running([])
    assert stream.getvalue().splitlines() == [
        "PASS one",
        "... still running: two, three",
        "... still running: collecting the gates",
    ]


def test_no_heartbeat_before_its_time() -> None:
    stream = io.StringIO()
    with Lines(stream, heartbeat_s=3600) as progress:
        progress.running(["two"])
    assert stream.getvalue() == ""


def test_a_terminal_gets_what_runs_and_hostile_text_as_it_is() -> None:
    stream = Terminal()
    with for_stream(stream) as progress:
        assert isinstance(progress, Live)
        progress.line("FAIL one [bold]no markup[/bold]")
        progress.running(["two"])
    assert "[bold]no markup[/bold]" in stream.getvalue()


def test_silence_is_silent() -> None:
    stream = io.StringIO()
    with for_stream(stream, silent=True) as progress:
        assert isinstance(progress, Silent)
        progress.line("one")
        progress.running(["two"])
    assert stream.getvalue() == ""
