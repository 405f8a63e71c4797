"""Followed: each line once, as it appears in the history; what is half written waits."""

from __future__ import annotations

from pathlib import Path

from harness import history as h
from harness.evidence.bundle import Bundle, RunEvent
from harness.evidence.signoff import Play
from harness.follow import Followed
from harness.history import Anchor, History, Op, pack

PLAY = Play("chaos/one", 7)
EVENTS = [RunEvent("started", "chaos/one", 1, 1, seed=7), RunEvent("started", "gates/plain", 1, 1)]


def ops() -> list[Op]:
    on = pack(h.Faulted("latency", "runtime", True, {"ms": 60, "after": ""}))
    off = pack(h.Healed("latency", "runtime", 3, "slower by ms:", 58.5, 30, 2, 3))
    weak = pack(h.Healed("latency", "runtime", 0, "slower by ms:", 1, 30, 2, 3))
    return [
        Op(0, 1_000_000_000, "lab", "fault_on", "ok", fault="w1", data=on),
        Op(1, 2_000_000_000, "runtime", "publish", "invoke", key="k"),
        Op(2, 3_000_000_000, "lab", "fault_off", "ok", fault="w1", data=off),
        Op(3, 3_500_000_000, "lab", "fault_off", "ok", fault="w2", data=weak),
        Op(4, 4_000_000_000, "lab", "restart", "ok", data=pack(h.Restarted("kill", 12))),
        Op(5, 5_000_000_000, "lab", "settle", "info", error="d1 is behind"),
        Op(6, 6_000_000_000, "gate", "probe", "invoke", key="k9"),
        Op(7, 7_000_000_000, "d1", "probe", "info", marker="SIGNOFF-MARKER D13"),  # of a log, and no fresh event
    ]


def test_each_line_is_told_once_and_a_half_written_one_later(tmp_path: Path) -> None:
    bundle, followed = Bundle(tmp_path), Followed()
    assert followed.news(bundle, EVENTS) == []
    raw = History(Anchor(h.SCHEMA, "s", 1, 0), ops()).dump()
    lines = raw.splitlines(keepends=True)
    path = bundle.folder_of(PLAY) / "history.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:10])
    assert followed.news(bundle, EVENTS) == ["     1.00 s  w1: latency on runtime (ms=60)"]
    path.write_bytes(raw)
    assert [line[12:].strip() for line in followed.news(bundle, EVENTS)] == [
        "w1: healed, witnessed: slower by ms: 58.5 (needed 30), traffic 3",
        "w2: healed, NOT WITNESSED: slower by ms: 1 (needed 30), traffic 0",
        "server kill",
        "not settled: d1 is behind",
        "fresh event k9: sent",
    ]
    assert followed.news(bundle, EVENTS) == []


def test_what_was_told_is_not_read_again(tmp_path: Path) -> None:
    bundle, followed = Bundle(tmp_path), Followed()
    lines = History(Anchor(h.SCHEMA, "s", 1, 0), ops()).dump().splitlines(keepends=True)
    path = bundle.folder_of(PLAY) / "history.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines[:5]))
    assert len(followed.news(bundle, EVENTS)) == 3
    path.write_bytes(b"".join(b"x" * (len(line) - 1) + b"\n" for line in lines[:5]) + lines[5])
    assert followed.news(bundle, EVENTS) == ["     4.00 s  server kill"]


def test_a_line_that_is_no_op_stops_nobody(tmp_path: Path) -> None:
    bundle, followed = Bundle(tmp_path), Followed()
    lines = History(Anchor(h.SCHEMA, "s", 1, 0), ops()).dump().splitlines(keepends=True)
    path = bundle.folder_of(PLAY) / "history.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(lines[0] + b"{}\n")
    assert followed.news(bundle, EVENTS) == []
    path.write_bytes(lines[0] + b"{}\n" + lines[5])
    assert followed.news(bundle, EVENTS) == ["     4.00 s  server kill"]


def test_an_op_that_cannot_be_read_stops_nobody(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    path = bundle.folder_of(PLAY) / "history.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(History(Anchor(h.SCHEMA, "s", 1, 0), [Op(0, 1, "lab", "fault_on", "ok", fault="w")]).dump())
    assert Followed().news(bundle, EVENTS) == []
