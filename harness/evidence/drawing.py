"""Draws a drill: a timeline of its sessions under its fault windows, and the latency of its events.

Pure: SVG from a history, readable in a browser without a network. Every name in it is escaped: what a subject says is
hostile input. `verify` draws again and compares.

    dict(drawings(history, windows_of(history)))["timeline.svg"]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import log10

from harness.evidence.judgement import WindowSeen, since_start_ms
from harness.history import Applied, History, Op, encode, unpack

WIDTH, LEFT, RIGHT, TOP, ROW = 1100, 130, 20, 70, 26
MAX_ROWS = 60  # sessions drawn; the rest is counted in the last row
MAX_MARKS = 4_000  # of one kind: beyond that every n-th is drawn, which no eye can tell
_MARKS = {
    "apply": ("#2f6fb0", "apply"),
    "connected": ("#2a9d4a", "connected"),
    "refused": ("#d03030", "attempt failed"),
    "ended": ("#777", "disconnected"),
    "answered": ("#c06000", "publish acknowledged"),
    "unanswered": ("#d03030", "publish failed or unanswered"),
    "restart": ("#000", "restart"),
}
_FAULT_COLOURS = ("#f4c26b", "#e8a0a0", "#c9b6e4", "#a9d0c8", "#d7d78e")


def drawings(history: History, windows: Sequence[WindowSeen]) -> Iterator[tuple[str, bytes]]:
    """(file name, bytes) of both pictures, and of the windows as lines."""
    yield "timeline.svg", timeline(history, windows).encode()
    yield "latency.svg", latency(history, windows).encode()
    yield "faults.jsonl", b"".join(encode(window) + b"\n" for window in windows)


class _Axis:
    """Time from left to right, in ms."""

    def __init__(self, history: History) -> None:
        self.span_ms = max((since_start_ms(history, op) for op in history.ops[-1:]), default=0) + 1

    def x(self, ms: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ms / self.span_ms

    def ticks(self) -> list[int]:
        step = next(
            (s for s in (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000) if self.span_ms / s <= 12), 120_000
        )
        return list(range(0, self.span_ms, step))


def _row_of(op: Op) -> str | None:
    if op.f in ("apply", "connect", "disconnect"):
        return op.replica or (f"{op.process}" if op.process == "sink" else None)
    if op.f == "publish":
        return "runtime"
    return (op.replica or "server") if op.f == "restart" else None


def _mark_of(op: Op) -> str | None:
    if op.f == "connect":
        return {"ok": "connected", "fail": "refused", "info": "refused"}.get(op.phase)
    if op.f == "publish":
        return None if op.phase == "invoke" else "answered" if op.phase == "ok" else "unanswered"
    return {"apply": "apply", "disconnect": "ended", "restart": "restart"}.get(op.f)


def timeline(history: History, windows: Sequence[WindowSeen]) -> str:
    """Rows are sessions, runtime, server; shaded are the windows; marks are what happened."""
    axis = _Axis(history)
    marks: dict[tuple[str, str], list[int]] = {}
    for op in history.ops:
        row, mark = _row_of(op), _mark_of(op)
        if row is not None and mark is not None:
            marks.setdefault((row, mark), []).append(since_start_ms(history, op))
    names = sorted({row for row, _ in marks}, key=_place)
    shown, hidden = names[:MAX_ROWS], len(names[MAX_ROWS:])
    height = TOP + ROW * max(1, len(shown)) + 60
    body = list(_shades(axis, windows, height))
    for number, name in enumerate(shown):
        y = TOP + ROW * number + ROW // 2
        body.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        body.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name[:18])}</text>')
        for mark, (colour, _) in _MARKS.items():
            body.append(_ticks(axis, marks.get((name, mark), []), y, mark, colour))
    if hidden:
        body.append(f'<text x="{LEFT}" y="{height - 34}">and {hidden} more sessions</text>')
    legend = {mark for _, mark in marks}
    return _page(f"{history.anchor.scenario}: sessions under faults", height, axis, [*body, *_legend(legend, height)])


def _place(name: str) -> tuple[bool, bool, int, str]:
    """Server, runtime and sink first, then the sessions in the order of their numbers."""
    number = re.search(r"\d+$", name)
    return name not in ("server", "runtime"), name != "sink", int(number[0]) if number else 0, name


def _ticks(axis: _Axis, times: list[int], y: int, mark: str, colour: str) -> str:
    """All marks of one kind in one row as a single path."""
    if not times:
        return ""
    step = -(-len(times) // MAX_MARKS)
    half = 4 if mark == "apply" else 9
    path = "".join(f"M{axis.x(ms):.1f} {y - half}v{2 * half}" for ms in times[::step])
    return f'<path d="{path}" stroke="{colour}" stroke-width="{1 if mark == "apply" else 2}"/>'


def _shades(axis: _Axis, windows: Sequence[WindowSeen], height: int) -> Iterator[str]:
    for number, window in enumerate(windows):
        until = window.until_ms if window.until_ms is not None else axis.span_ms
        x, width = axis.x(window.from_ms), max(2.0, axis.x(until) - axis.x(window.from_ms))
        colour = _FAULT_COLOURS[number % len(_FAULT_COLOURS)]
        said = f"{window.name} {window.kind} on {window.target}: {window.effect} {window.measured:g}, traffic "
        yield (
            f'<g><title>{escape(said)}{window.traffic}</title><rect x="{x:.1f}" y="{TOP - 8}" width="{width:.1f}" '
            f'height="{height - TOP - 44}" fill="{colour}" fill-opacity="0.45"/></g>'
        )
        label_y = TOP - 14 - 12 * (number % 2)
        yield f'<text x="{x:.1f}" y="{label_y}" font-size="10">{escape(f"{window.name} {window.kind}"[:40])}</text>'


def _legend(marks: set[str], height: int) -> Iterator[str]:
    x = LEFT
    for mark, (colour, said) in _MARKS.items():
        if mark in marks:
            yield f'<rect x="{x}" y="{height - 22}" width="10" height="10" fill="{colour}"/>'
            yield f'<text x="{x + 14}" y="{height - 13}">{said}</text>'
            x += 30 + 7 * len(said)


def latencies(history: History) -> dict[str, list[tuple[int, float]]]:
    """Per series, (ms since the start, latency in ms): from a publish to its answer, and to each apply of its event."""
    begun: dict[str, Op] = {}
    answered: list[tuple[int, float]] = []
    live: list[tuple[int, float]] = []
    late: list[tuple[int, float]] = []
    invoked: dict[int, Op] = {}
    for op in history.ops:
        if op.f == "publish" and op.phase == "invoke" and op.key is not None:
            begun.setdefault(op.key, op)
            invoked[op.index] = op
        elif op.f == "publish" and op.phase == "ok" and op.op in invoked:
            first = invoked[op.op]
            answered.append((since_start_ms(history, first), (op.t_ns - first.t_ns) / 1e6))
        elif op.f == "apply" and op.key in begun:
            first = begun[op.key]
            series = live if unpack(op, Applied).live else late
            series.append((since_start_ms(history, first), (op.t_ns - first.t_ns) / 1e6))
    return {"publish to answer": answered, "to live apply": live, "to apply by snapshot": late}


def latency(history: History, windows: Sequence[WindowSeen]) -> str:
    """Latency by the time of the publish, on a logarithmic scale: a fault and the time after it show at once."""
    axis, height = _Axis(history), 420
    series = latencies(history)
    highest = max((ms for points in series.values() for _, ms in points), default=1.0)
    scale = _log_scale(highest, TOP, height - 60)
    body = list(_shades(axis, windows, height))
    decade = 1
    while decade <= max(10.0, highest * 10):
        y = scale(decade)
        if y >= TOP - 10:
            body.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            body.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_told_ms(decade)}</text>')
        decade *= 10
    x = LEFT
    for (name, points), colour in zip(series.items(), ("#c06000", "#2f6fb0", "#a040a0"), strict=True):
        step = max(1, -(-len(points) // MAX_MARKS))
        path = "".join(f"M{axis.x(at) - 1.5:.1f} {scale(ms):.1f}h3" for at, ms in points[::step])
        body.append(f'<path d="{path}" stroke="{colour}" stroke-width="3" stroke-opacity="0.6"/>' if path else "")
        body.append(f'<rect x="{x}" y="{height - 22}" width="10" height="10" fill="{colour}"/>')
        told = f"{name}: {_summary([ms for _, ms in points])}"
        body.append(f'<text x="{x + 14}" y="{height - 13}">{escape(told)}</text>')
        x += 40 + 7 * len(told)
    return _page(f"{history.anchor.scenario}: latency", height, axis, body)


def _log_scale(highest: float, top: int, bottom: int) -> Callable[[float], float]:
    decades = max(1.0, log10(max(10.0, highest)))

    def y(ms: float) -> float:
        return bottom - (bottom - top) * log10(max(1.0, ms)) / decades

    return y


def _told_ms(ms: int) -> str:
    return f"{ms} ms" if ms < 1000 else f"{ms // 1000} s"


def _summary(values: list[float]) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"{len(values)}, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _page(title: str, height: int, axis: _Axis, body: list[str]) -> str:
    bottom = height - 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        *body,
    ]
    for ms in axis.ticks():
        place = f'x="{axis.x(ms):.1f}" y="{bottom + 8}" text-anchor="middle" fill="#555"'
        lines.append(f"<text {place}>{ms / 1000:g} s</text>")
    return "\n".join([line for line in lines if line] + ["</svg>", ""])
