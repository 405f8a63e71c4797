"""What all tests of checkers share: the hand-made histories, generated ones, and a script for odd ones.

script = Script()
script.publish("orders", "k1", 1)
judge(LostWrite(), script.history())
"""

from __future__ import annotations

import tomllib
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from harness import history as h
from harness.checkers import build
from harness.checkers.base import Checker, CheckResult, fired, judge
from harness.history import Anchor, F, History, Op, Phase, pack
from harness.verdict import Verdict
from tests.model import FLOORS

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "histories"

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32)
sizes = st.integers(200, 700)


class Case(h.Record, frozen=True):
    """One entry of a cases.toml."""

    file: str
    expected: Verdict
    why: str
    contains: str = ""
    params: dict[str, object] = msgspec.field(default_factory=dict)


class Cases(h.Record, frozen=True):
    case: list[Case]


def load(name: str) -> list[Case]:
    return msgspec.convert(tomllib.loads((FIXTURES / name / "cases.toml").read_text()), Cases).case


def each_case(name: str) -> pytest.MarkDecorator:
    """Parametrise a test over the hand-made histories of one checker."""
    cases = load(name)
    return pytest.mark.parametrize("case", cases, ids=[case.file.removesuffix(".jsonl") for case in cases])


def judge_case(name: str, case: Case) -> CheckResult:
    """Judge it, and check the expected verdict and text."""
    history = History.parse((FIXTURES / name / case.file).read_bytes())
    result = judge(build(name, case.params), history)
    texts = [finding.message for finding in result.findings] or [result.reason]
    assert result.verdict is case.expected, (case.why, texts)
    assert any(case.contains in text for text in texts), texts
    assert fired(result) == case.file.startswith("bad-"), texts
    return result


def default(name: str) -> Checker:
    """The checker as a typical gate has it."""
    return build(name, {"floors": FLOORS} if name == "idle-run" else {})


def kill_all(checker: Checker, history: History, least: int = 2) -> None:
    """The history is green; each mutation that has a victim fires, keeps the record whole (but for I15's
    own), and survives being written and read; at least `least` have a victim."""
    green = judge(checker, history)
    assert green.verdict is Verdict.PASS, (green.reason, green.findings)
    whole = build("record-broken", {})
    killed = 0
    for mutation in checker.mutations():
        mutant = mutation.mutate(history)
        if mutant is None:
            continue
        killed += 1
        result = judge(checker, mutant)
        assert fired(result), (mutation.name, result.verdict, result.reason)
        if checker.invariant != "I15":
            assert judge(whole, mutant).verdict is Verdict.PASS, mutation.name
            assert judge(checker, History.parse(mutant.dump())) == result
    assert killed >= least


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Script:
    """Writes a small history by hand."""

    def __init__(self) -> None:
        self.ops: list[Op] = []

    def put(self, f: F, phase: Phase = "ok", /, **fields: object) -> int:
        index = len(self.ops)
        given = {"t_ns": index * 10, "process": "test", **fields}
        self.ops.append(Op(index=index, f=f, phase=phase, **given))  # type: ignore[arg-type]
        return index

    def invoke(self, stream: str, key: str, f: F = "publish") -> int:
        return self.put(f, "invoke", stream=stream, key=key, hash=digest(key))

    def answer(self, invoke: int, phase: Phase = "ok", seq: int | None = None) -> int:
        own = self.ops[invoke]
        data = {"data": pack(h.Published(""))} if phase == "ok" else {}
        return self.put(own.f, phase, op=invoke, stream=own.stream, key=own.key, seq=seq, **data)

    def publish(self, stream: str, key: str, seq: int | None = None) -> int:
        return self.answer(self.invoke(stream, key), seq=seq)

    def row(self, f: F, stream: str, seq: int, key: str, **fields: object) -> int:
        """A deliver, apply or final_read."""
        if f == "apply":
            fields = {"replica": "d1", "baseline": 1, **fields}
        return self.put(f, stream=stream, seq=seq, key=key, hash=digest(key), data=pack(h.Applied("")), **fields)

    def bootstrap(self, stream: str, cursor: int = 0, replica: str = "d1", baseline: int = 1) -> int:
        data = pack(h.Bootstrapped("start"))
        return self.put("bootstrap", replica=replica, baseline=baseline, stream=stream, cursor=cursor, data=data)

    def read(self, replica: str, stream: str, *rows: tuple[int, str], caught_up: bool = True) -> int:
        for seq, key in rows:
            self.row("final_read", stream, seq, key, replica=replica)
        closing = h.FinalState((stream,), len(rows), "0" * 64, caught_up=caught_up)
        return self.put("final_read", replica=replica, data=pack(closing))

    def history(self) -> History:
        return History(Anchor(h.SCHEMA, "script", 1, 0), self.ops)
