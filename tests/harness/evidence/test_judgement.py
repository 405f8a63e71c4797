"""A gate passes only beside proof that it can fail."""

from __future__ import annotations

import pytest

from harness.checkers import REGISTRY, build
from harness.checkers.base import CheckResult, Mutation
from harness.checkers.contract import ContractBroken
from harness.evidence.judgement import EXCEPTION, CheckerSpec, GateSpec, SabotageSpec, exceptions_of, judge_gate
from harness.evidence.requirements import load
from harness.history import SCHEMA, Anchor, Contract, History, Op, pack
from harness.host import ROOT
from harness.verdict import Verdict

CONTRACT = CheckerSpec("contract-broken", "I18", {})
SPEC = GateSpec("a/b", (CONTRACT,))


def history(*pairs: tuple[str, str]) -> History:
    ops = [
        Op(n, n, "gate", "request", "ok", data=pack(Contract("clause", expected, observed)))
        for n, (expected, observed) in enumerate(pairs)
    ]
    return History(Anchor(SCHEMA, "s", 1, 1), ops)


def troubled(history: History, trouble: str) -> History:
    return History(history.anchor, [*history.ops, Op(len(history.ops), 9, "gate", "trouble", "info", error=trouble)])


GREEN, RED = history(("1", "1"), ("2", "2")), history(("1", "2"))


def test_a_gate_stands_on_the_first_of_its_grounds_that_is_there() -> None:
    """And whether a connection went past its proxy is judged only where there are proxies."""
    spec = GateSpec("a/b", (CONTRACT, CheckerSpec("unproxied-path", "I16", {})), on=("lab", "remote"))
    assert spec.grounded(("lab", "remote", "source")) == GateSpec("a/b", spec.checkers)
    assert spec.grounded(("remote", "source")) == GateSpec("a/b", (CONTRACT,), on=("remote",))
    assert spec.grounded(("source",)) is None
    assert "no Toxiproxy before the remote one" in spec.groundless
    assert "[lab.remote]" in GateSpec("a/b", (), on=("remote",)).groundless


def test_green_with_its_mutations_red_is_pass() -> None:
    judged = judge_gate(SPEC, GREEN, {})
    assert judged.verdict is Verdict.PASS
    assert {f.outcome for f in judged.falsifications} <= {"red", "no-victim"}
    assert any(f.outcome == "red" for f in judged.falsifications)
    assert judged.checks[0].params == {}


def test_red_is_fail_with_its_findings_first() -> None:
    judged = judge_gate(SPEC, troubled(RED, "and it crashed"), {})
    assert judged.verdict is Verdict.FAIL
    assert "clause" in judged.reasons[0]
    assert "and it crashed" in judged.reasons
    assert judged.falsifications == ()


def test_exceptions_are_told_by_the_history() -> None:
    told = [
        Op(0, 0, EXCEPTION, "request", "ok", data=pack(Contract("EX-2 of ada", "covered", "covered"))),
        Op(1, 1, "gate", "request", "ok", data=pack(Contract("EX-3", "1", "1"))),
        Op(2, 2, EXCEPTION, "request", "ok", data=pack(Contract("EX-1 of ada", "covered", "covered"))),
        Op(3, 3, EXCEPTION, "request", "ok", data=pack(Contract("EX-2 of ada", "covered", "covered"))),
    ]
    assert exceptions_of(History(Anchor(SCHEMA, "s", 1, 1), told)) == ("EX-1 of ada", "EX-2 of ada")
    assert exceptions_of(GREEN) == ()


def test_trouble_is_unknown_even_when_all_is_green() -> None:
    assert judge_gate(SPEC, troubled(GREEN, "no end within 3 s"), {}).verdict is Verdict.UNKNOWN


def test_nothing_to_judge_is_unknown() -> None:
    assert judge_gate(SPEC, history(), {}).verdict is Verdict.UNKNOWN


def test_no_checker_is_unknown() -> None:
    assert judge_gate(GateSpec("a/b", ()), GREEN, {}).verdict is Verdict.UNKNOWN


def test_a_survivor_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContractBroken, "mutations", lambda self: (Mutation("nothing", lambda h: h),))
    judged = judge_gate(SPEC, GREEN, {})
    assert judged.verdict is Verdict.UNKNOWN
    assert "did not fire on a mutated history (nothing)" in judged.reasons[0]


def test_a_checker_without_any_victim_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContractBroken, "mutations", lambda self: (Mutation("none", lambda h: None),))
    assert "could not be shown to fail" in judge_gate(SPEC, GREEN, {}).reasons[0]
    monkeypatch.setattr(ContractBroken, "mutations", lambda self: ())
    assert judge_gate(SPEC, GREEN, {}).verdict is Verdict.UNKNOWN


def test_a_checker_that_raises_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: ContractBroken, history: History) -> CheckResult:
        raise KeyError("mine")

    monkeypatch.setattr(ContractBroken, "check", raises)
    judged = judge_gate(SPEC, GREEN, {})
    assert judged.verdict is Verdict.UNKNOWN
    assert "the checker raised KeyError" in judged.reasons[0]


def test_sabotages_must_be_red_for_their_invariant() -> None:
    spec = GateSpec("a/b", (CONTRACT,), (SabotageSpec("decoy", "I18"),))
    assert judge_gate(spec, GREEN, {"decoy": RED}).verdict is Verdict.PASS
    assert "did not fire on the sabotage (decoy)" in judge_gate(spec, GREEN, {"decoy": GREEN}).reasons[0]
    assert judge_gate(spec, GREEN, {}).verdict is Verdict.UNKNOWN
    other = GateSpec("a/b", (CONTRACT,), (SabotageSpec("decoy", "I1"),))
    assert judge_gate(other, GREEN, {"decoy": RED}).verdict is Verdict.UNKNOWN


def test_every_checker_of_every_gate_has_a_mutation() -> None:
    parts = [part for spec in load(ROOT / "gates").manifest for part in spec.checkers]
    assert {part.checker for part in parts} == set(REGISTRY), "each checker decides some gate"
    assert all(build(part.checker, part.params).mutations() for part in parts)
