"""I8: the truth table of tokens."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.tokens import TokenMisuse
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("token-misuse")
def test_token_misuse_by_hand(case: Case) -> None:
    judge_case("token-misuse", case)


@quick
@given(seeds, sizes)
def test_token_misuse_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("token-misuse"), generate(seed, size))


USE = h.TokenUse("00" * 8, "connect", at_s=100.0, expires_at_s=200.0)


def used(identity: str | None, seen: str | None, use: h.TokenUse = USE) -> Script:
    script = Script()
    invoke = script.put("use_token", "invoke", identity=identity, data=pack(use))
    script.put("use_token", op=invoke, identity=seen)
    return script


def test_a_use_that_names_no_bearer_is_not_compared() -> None:
    assert judge(TokenMisuse(), used(None, "id-1").history()).verdict is Verdict.PASS
    assert judge(TokenMisuse(), used("id-1", None).history()).verdict is Verdict.UNKNOWN


def test_leeway_and_window_are_exact() -> None:
    late = h.TokenUse("00" * 8, "call", at_s=260.0, expires_at_s=200.0)
    assert judge(TokenMisuse(leeway_s=60.0), used("i", "i", late).history()).verdict is Verdict.PASS
    assert judge(TokenMisuse(leeway_s=59.9), used("i", "i", late).history()).verdict is Verdict.FAIL
    revoked = h.TokenUse("00" * 8, "call", at_s=100.0, expires_at_s=200.0, revoked_at_s=90.0)
    assert judge(TokenMisuse(revoked_window_s=10.0), used("i", "i", revoked).history()).verdict is Verdict.PASS
    assert judge(TokenMisuse(revoked_window_s=9.0), used("i", "i", revoked).history()).verdict is Verdict.FAIL


def test_an_acknowledged_use_without_its_invocation_is_undecided() -> None:
    script = used("i", "i")
    script.put("use_token", identity="i")
    assert judge(TokenMisuse(), script.history()).verdict is Verdict.UNKNOWN


def test_a_mint_outside_its_scope_is_misuse() -> None:
    script = Script()
    invoke = script.put("mint", "invoke", identity="i")
    bad = h.TokenUse("00" * 8, "mint", at_s=100.0, expires_at_s=200.0, in_scope=False)
    script.put("mint", op=invoke, identity="i", data=pack(bad))
    assert judge(TokenMisuse(), script.history()).verdict is Verdict.FAIL
