"""Tells of a drill while it is played: each fault, restart, settling and probe, as it appears in the history.

Reads what the player's process writes, so that whoever watches sees what is recorded and nothing else.

    followed = Followed()
    for line in followed.news(bundle, bundle.events()): print(line)
"""

from __future__ import annotations

import contextlib

from harness.canonical import UNREADABLE
from harness.errors import EvidenceError
from harness.evidence.bundle import HISTORY, Bundle, RunEvent
from harness.evidence.signoff import Play
from harness.history import Faulted, Healed, History, Op, Restarted, unpack

_TOLD = frozenset({"fault_on", "fault_off", "restart", "settle", "probe"})


class Followed:
    """How far each play's history has been told."""

    def __init__(self) -> None:
        self._told: dict[Play, int] = {}

    def news(self, bundle: Bundle, events: list[RunEvent]) -> list[str]:
        """What came since the last look."""
        lines: list[str] = []
        for play in dict.fromkeys(event.play for event in events if event.seed is not None):
            history = _so_far(bundle, play)
            if history is not None:
                fresh = history.ops[self._told.get(play, 0) :]
                self._told[play] = len(history.ops)
                with contextlib.suppress(EvidenceError):  # the judgement says what is wrong with it
                    lines += [_line(history, op) for op in fresh if op.f in _TOLD]
        return lines


def _so_far(bundle: Bundle, play: Play) -> History | None:
    try:
        return History.parse((bundle.folder_of(play) / HISTORY).read_bytes())
    except (OSError, EvidenceError, *UNREADABLE):
        return None  # not begun, or a line is just being written: the next look sees it


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
