"""findings.md: each finding of a gate as a bug report that the subject's developers can work with.

What was expected and why (the invariant, the clauses that the gate decides), what happened, the records that show it,
what was asked and answered about that event (by the harness, and by the subject at the server), the frames at the proxy
that carried it, the rows that the server held, the surface's log around the moment, and the shortest command that shows
it again. An event is followed by the harness's nonce, which is in its payload wherever it goes. Pure: only what was
recorded.

    page = report(GateReport(result, history, exchanges, frames, clauses, logs))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.checkers.base import CheckResult, Finding
from harness.evidence.exchanges import Exchange
from harness.evidence.frames import Frame
from harness.evidence.requirements import Requirement
from harness.evidence.signoff import GateResult
from harness.history import History, Op, encode
from harness.verdict import Verdict

IN_FULL, MAX_RECORDS, MAX_EXCHANGES, MAX_FRAMES, MAX_ROWS = 2, 6, 8, 8, 6
LAST_FRAMES = 3  # of a connection, for a finding that is about no event
MAX_LINE_CHARS = 400
BEFORE_CHARS, AFTER_CHARS = 60, 200  # of a frame, around the nonce in it

# What each invariant says: the reason of every finding of that name.
SAYS: Mapping[str, str] = {
    "I1": "every acknowledged publish is in the final read of the server and of every caught-up replica",
    "I2": "at most one apply of an event per replica, baseline and stream",
    "I3": "applied numbers are contiguous and increasing",
    "I4": "a persisted cursor never exceeds the applied state persisted with it; a resume never skips",
    "I5": "the payload's hash is the same at publish, row, delivery and apply",
    "I6": "all observers agree on the number of each event, and on order where one publish was acknowledged before "
    "another began",
    "I7": "a cursor that the server cannot serve is followed by a new start at the floor, and nothing is left out",
    "I8": "no token works after its end, outside its scope or after revocation; no identity changes across a reconnect",
    "I9": "clients retry neither too often nor too rarely nor all at once, as the sink timed them",
    "I10": "presence rows are the live connections, both ways",
    "I11": "after the last fault everybody catches up, and a fresh event arrives live",
    "I12": "every fault was seen to bite while something was attempted",
    "I13": "every kind of Op reached its floor",
    "I14": "the subject's counters lie within what the history counts",
    "I15": "the record is whole: each operation begun and completed once, time never runs back",
    "I16": "every connection from subject to server went through its proxy",
    "I17": "no retired route answers, no legacy frame is accepted, nothing is applied that did not cross the WebSocket",
    "I18": "a documented answer is what the contract says",
}


class GateReport(NamedTuple):
    """`log_around` gives some lines of a surface's log around an offset."""

    result: GateResult
    history: History
    exchanges: Sequence[Exchange]
    frames: Sequence[Frame]
    clauses: Sequence[Requirement]
    log_around: Callable[[str, int], str]


def report(gate: GateReport) -> bytes:
    """The page. Findings of each checker: the first ones in full, the others by their message."""
    result = gate.result
    name = result.id if result.seed is None else f"{result.id}, seed {result.seed}"
    lines = [f"# {result.verdict.value} {name}", "", f"Repeat: `{result.repeat}`", ""]
    lines += ["What it decides:", ""]
    lines += [f"- {one.id} (seed {one.seed}, {one.clause}): {one.text}" for one in gate.clauses]
    lines += ["", *([f"While it was played: {result.trouble}", ""] if result.trouble else [])]
    number = 0
    for check in result.checks:
        if check.verdict is not Verdict.FAIL:
            continue
        for finding in check.findings[:IN_FULL]:
            number += 1
            lines += _finding(gate, number, check, finding)
        lines += _others(check)
    return ("\n".join(lines) + "\n").encode()


def _finding(gate: GateReport, number: int, check: CheckResult, finding: Finding) -> Iterator[str]:
    ops = _ops(gate.history, finding)
    yield from (f"## {number}. {finding.invariant} {check.checker}: {_line(finding.message)}", "")
    yield from (f"**Expected.** {finding.invariant}: {SAYS[finding.invariant]}.", "")
    yield from (f"**Happened.** {finding.message}", "")
    yield from _block("Records (history.jsonl)", [encode(op).decode() for op in ops[:MAX_RECORDS]])
    about = _about(gate, ops)
    yield from _block("Asked and answered (exchanges.jsonl)", [_told(one, gate.history) for one in about])
    crossed = _crossed(gate, ops)
    yield from _block("Frames at the proxy (frames.jsonl)", [_shown(one, gate.history, _keys(ops)) for one in crossed])
    yield from _block("In the server", [encode(op).decode() for op in _rows(gate.history, ops)])
    for surface, at in {one.to: one.log_at for one in about if one.log_at is not None}.items():
        yield from _block(f"Log of {surface} around then", gate.log_around(surface, at or 0).splitlines())


def _others(check: CheckResult) -> Iterator[str]:
    more = check.findings[IN_FULL:]
    if more:
        yield from (f"And {check.total_findings - IN_FULL} more of {check.invariant} {check.checker}:", "")
        yield from (f"- {_line(finding.message)}" for finding in more)
        yield ""


def _block(title: str, lines: Sequence[str]) -> Iterator[str]:
    """A literal block that no text of a subject can end: its fence is longer than any run of backticks in it."""
    if lines:
        shown = [_line(line) for line in lines]
        longest = max(_ticks(line) for line in shown)
        fence = "`" * max(3, longest + 1)
        yield from (f"{title}:", "", fence, *shown, fence, "")


def _ticks(line: str) -> int:
    """The longest run of backticks."""
    longest = run = 0
    for char in line:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest


def _line(text: str) -> str:
    """One line, bounded, without what a terminal obeys."""
    flat = "".join(char if char.isprintable() else "�" for char in text.replace("\n", " "))
    return flat if len(flat) <= MAX_LINE_CHARS else flat[: MAX_LINE_CHARS - 1] + "…"


def _ops(history: History, finding: Finding) -> list[Op]:
    """The Ops that show it, and the invocations that they complete."""
    wanted = set(finding.ops)
    wanted |= {op.op for op in history.ops if op.index in wanted and op.op is not None}
    return [op for op in history.ops if op.index in wanted]


def _keys(ops: Sequence[Op]) -> re.Pattern[str] | None:
    """The nonces of these records, each as a whole text of some JSON, which may itself stand in a text: k-1 is not in
    k-10."""
    keys = sorted({op.key for op in ops if op.key is not None})
    return re.compile("|".join(re.escape(key) + r'["\\]' for key in keys)) if keys else None


def _about(gate: GateReport, ops: Sequence[Op]) -> list[Exchange]:
    """What was asked about this event, by anybody; of a finding without an event, what came right before its record."""
    keys = _keys(ops)
    if keys:
        found = [one for one in gate.exchanges if keys.search(one.body)]
        if found:
            return found[:MAX_EXCHANGES]
    if not ops:
        return []
    before = [one for one in gate.exchanges if one.by == "harness" and one.t_ns <= ops[-1].t_ns]
    return before[-1:]


def _told(one: Exchange, history: History) -> str:
    at = (one.t_ns - history.anchor.t_ns) / 1e9
    came = f"{one.status} in {one.ms:g} ms {one.answer}" if one.ms is not None else f"no answer: {one.error}"
    asked = f"{one.asked} {_short(one.body)}".rstrip()
    return f"{at:9.3f} s  {one.by} -> {one.to}  {asked}  =>  {_short(came)}"


def _crossed(gate: GateReport, ops: Sequence[Op]) -> list[Frame]:
    """Frames that carried this event, those of the finding's connections first; of a finding without any, the last of
    its connections before its record."""
    keys, carriers = _keys(ops), _carriers(gate.history, ops)
    about = [one for one in gate.frames if one.op in carriers or (keys is not None and keys.search(one.contents))]
    connections = {op.connection for op in ops if op.connection is not None}
    if not about:
        return [one for one in gate.frames if one.connection in connections and one.t_ns <= ops[-1].t_ns][-LAST_FRAMES:]
    nearest = sorted(about, key=lambda one: one.connection not in connections)[:MAX_FRAMES]
    return sorted(nearest, key=lambda one: one.t_ns)


def _carriers(history: History, ops: Sequence[Op]) -> set[int]:
    """The records of the messages with these events in them: what one message delivers is recorded right before it."""
    keys = {op.key for op in ops if op.key is not None}
    places = {(op.stream, op.seq) for op in ops if op.seq is not None}
    carriers, carries = set[int](), False
    for op in history.ops:
        if op.f == "deliver":
            carries = carries or op.key in keys or (op.stream, op.seq) in places
        elif op.f == "frame":
            if carries or op.key in keys:
                carriers.add(op.index)
            carries = False
    return carriers


def _shown(one: Frame, history: History, keys: re.Pattern[str] | None) -> str:
    at = (one.t_ns - history.anchor.t_ns) / 1e9
    made = " injected by the harness" if one.injected else " spoilt by a fault" if one.spoilt else ""
    what = f"{one.kind} ({one.size_bytes} bytes of {one.opcode}{made})"
    way = f"{one.path} {one.direction} on {(one.connection or 'no connection yet')[:12]}"
    said = "  ".join(text for text in (_around(one.contents, keys), f"[{one.note}]" if one.note else "") if text)
    return f"{at:9.3f} s  {way}  op {one.op}  {what}  {said}"


def _around(text: str, keys: re.Pattern[str] | None) -> str:
    """What stands around the event's nonce; of a text without it, how it begins."""
    found = keys.search(text) if keys is not None else None
    begin = max(0, found.start() - BEFORE_CHARS) if found is not None else 0
    part = text[begin : begin + BEFORE_CHARS + AFTER_CHARS]
    return f"{'…' if begin else ''}{part}{'…' if begin + len(part) < len(text) else ''}"


def _short(text: str) -> str:
    half = MAX_LINE_CHARS // 2 - 40
    return text if len(text) <= half else f"{text[: half - 1]}…"


def _rows(history: History, ops: Sequence[Op]) -> list[Op]:
    """Rows of the server's final read for these events and their places."""
    keys = {op.key for op in ops if op.key is not None}
    places = {(op.stream, op.seq) for op in ops if op.seq is not None}
    rows = [op for op in history.of("final_read") if op.replica == "server" and op.stream is not None]
    return [op for op in rows if op.key in keys or (op.stream, op.seq) in places][:MAX_ROWS]
