"""Tells of a drill while it is played: each fault, restart, settling and probe, as it appears in the history.

Reads what the player's process writes, so that whoever watches sees what is recorded and nothing else.

    followed = Followed()
    for line in followed.news(bundle, bundle.events()): print(line)
"""

from __future__ import annotations

import contextlib

from harness.errors import EvidenceError
from harness.evidence.bundle import HISTORY, Bundle, RunEvent
from harness.evidence.signoff import Play
from harness.history import Faulted, Healed, History, Op, Restarted, unpack

_TOLD = frozenset({"fault_on", "fault_off", "restart", "settle", "probe"})


class Followed:
    """How far each play's history has been read: its anchor's line, and the offset of what has not been read yet."""

    def __init__(self) -> None:
        self._read: dict[Play, tuple[bytes, int]] = {}

    def news(self, bundle: Bundle, events: list[RunEvent]) -> list[str]:
        """What came since the last look."""
        lines: list[str] = []
        for play in dict.fromkeys(event.play for event in events if event.seed is not None):
            with contextlib.suppress(OSError, EvidenceError):  # not begun; or the judgement says what is wrong with it
                history = History.parse(self._unread(bundle, play))
                lines += [_line(history, op) for op in history.ops if op.f in _TOLD and op.marker is None]
        return lines

    def _unread(self, bundle: Bundle, play: Play) -> bytes:
        """The anchor's line and the lines that came since the last look; one that is just being written waits."""
        anchor, offset = self._read.get(play, (b"", 0))
        with (bundle.folder_of(play) / HISTORY).open("rb") as file:
            file.seek(offset)
            fresh = file.read()
        fresh = fresh[: fresh.rfind(b"\n") + 1]
        self._read[play] = anchor or fresh[: fresh.find(b"\n") + 1], offset + len(fresh)
        return anchor + fresh


def _line(history: History, op: Op) -> str:
    seconds = (op.t_ns - history.anchor.t_ns) / 1e9
    return f"  {seconds:7.2f} s  {_what(op)}"


def _what(op: Op) -> str:
    if op.f == "fault_on":
        on = unpack(op, Faulted)
        settings = ", ".join(
            f"{name}={value if isinstance(value, str) else format(value, 'g')}"
            for name, value in on.params.items()
            if value
        )
        return f"{op.fault}: {on.kind} on {on.target}{f' ({settings})' if settings else ''}"
    if op.f == "fault_off":
        off = unpack(op, Healed)
        bit = "witnessed" if off.measured >= off.needed > 0 and off.traffic else "NOT WITNESSED"
        measured = f"{off.effect} {off.measured:g} (needed {off.needed:g})"
        return f"{op.fault}: healed, {bit}: {measured}, traffic {off.traffic}"
    if op.f == "restart":
        return f"{op.replica or 'server'} {unpack(op, Restarted).how}"
    if op.f == "settle":
        return "everything acknowledged is everywhere" if op.phase == "ok" else f"not settled: {op.error}"
    came = {"invoke": "sent", "ok": "live everywhere"}.get(op.phase, op.error)
    return f"fresh event {op.key or ''}: {came}"
