"""I9: how often, how long, and in step."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import history as h
from harness.checkers.base import CheckResult, judge
from harness.checkers.retries import RetryStorm
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate

MS = 1_000_000
BASE_MS, CAP_MS = 200, 5_000
CONNECT_MS = 3
Wait = Callable[[Random, int, float], float]  # random, number of the wait, the wait before it


@each_case("retry-storm")
def test_retry_storm_by_hand(case: Case) -> None:
    judge_case("retry-storm", case)


@quick
@given(seeds, sizes)
def test_retry_storm_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("retry-storm"), generate(seed, size))


def test_a_herd_in_step_is_a_mutant_too() -> None:
    herds = [history for seed in range(8) if _clients(history := generate(seed, 200)) >= 10]
    assert herds
    for history in herds:
        kill_all(default("retry-storm"), history, least=3)


def _clients(history: h.History) -> int:
    return len({op.identity for op in history.of("connect") if op.process == "sink"})


def bound(number: int) -> float:
    return min(CAP_MS, BASE_MS * 2.0**number)


def full(random: Random, number: int, _: float) -> float:
    return random.uniform(0, bound(number))


def equal(random: Random, number: int, _: float) -> float:
    return bound(number) / 2 + random.uniform(0, bound(number) / 2)


def decorrelated(random: Random, _: int, before: float) -> float:
    return min(CAP_MS, random.uniform(BASE_MS, max(BASE_MS, before) * 3))


def exact(_: Random, number: int, __: float) -> float:
    return bound(number)


def fixed(low_ms: float, high_ms: float) -> Wait:
    return lambda random, _, __: random.uniform(low_ms, high_ms)


def attempts(random: Random, wait: Wait, window_ms: float, deep: int = 0, noise_ms: float = 0) -> list[float]:
    """When one client arrives; its backoff may have come far before."""
    times, at_ms, before, number = [], random.uniform(0, BASE_MS), float(BASE_MS), deep
    while at_ms < window_ms:
        times.append(at_ms)
        before = wait(random, number, before)
        at_ms += CONNECT_MS + before + random.uniform(0, noise_ms)
        number += 1
    return times


def outage(arrivals: dict[str, list[float]], window_ms: float, replica: str | None = None) -> Script:
    script = Script()
    script.put("fault_on", t_ns=0, fault="w", data=pack(h.Faulted("down", "server")))
    for at_ms, who in sorted((at_ms, who) for who, times in arrivals.items() for at_ms in times):
        attempt = {"process": "sink", "fault": "w", "identity": who or None, "replica": replica}
        script.put("connect", "fail", t_ns=int(at_ms * MS), **attempt)
    witness = h.Healed("down", "server", len(arrivals), "", 1, 1, 1, 1)
    script.put("fault_off", t_ns=int(window_ms * MS), fault="w", data=pack(witness))
    return script


def told(script: Script, **params: object) -> CheckResult:
    return judge(RetryStorm(**params), script.history())  # type: ignore[arg-type]


def herd(random: Random, wait: Wait, window_ms: float, clients: int = 10, noise_ms: float = 0) -> Script:
    many = {f"c{n}": attempts(random, wait, window_ms, random.choice((0, 0, 9)), noise_ms) for n in range(clients)}
    return outage(many, window_ms)


@pytest.mark.parametrize("wait", [full, equal, decorrelated], ids=["full", "equal", "decorrelated"])
@quick
@given(seeds, st.floats(2_000, 60_000), st.integers(1, 20))
def test_clients_with_jitter_pass(wait: Wait, seed: int, window_ms: float, clients: int) -> None:
    result = told(herd(Random(seed), wait, window_ms, clients))
    assert result.verdict is Verdict.PASS, result.findings


@pytest.mark.parametrize("wait", [full, equal, decorrelated], ids=["full", "equal", "decorrelated"])
def test_clients_with_jitter_practically_never_break_a_bound(wait: Wait) -> None:
    """The numbers in the checker's comments come from more of the same."""
    random, checker = Random(9), RetryStorm()
    for window_ms in (2_000, 5_000, 8_000, 12_000, 20_000, 60_000):
        counts = [len(attempts(random, wait, window_ms)) for _ in range(600)]
        assert max(counts) <= checker.most(window_ms)
        fives = [sum(counts[start : start + 5]) / 5 for start in range(0, len(counts), 5)]
        assert max(fives) <= 1.6 * checker.expected(window_ms) + 3


@pytest.mark.parametrize("wait", [fixed(0, 0), fixed(0, 20), fixed(100, 100), fixed(100, 200)])
@pytest.mark.parametrize("window_ms", [5_000, 8_000, 20_000])
def test_clients_without_backoff_are_found(wait: Wait, window_ms: float) -> None:
    for clients in (1, 5):
        result = told(herd(Random(1), wait, window_ms, clients))
        assert result.verdict is Verdict.FAIL
        assert "attempts" in result.findings[0].message


@quick
@given(seeds, st.sampled_from([6_500, 12_000, 30_000]), st.integers(10, 20))
def test_clients_without_jitter_are_found(seed: int, window_ms: float, clients: int) -> None:
    random = Random(seed)
    many = {f"c{n}": attempts(random, exact, window_ms, noise_ms=20) for n in range(clients)}
    result = told(outage(many, window_ms))
    assert any("in step" in finding.message for finding in result.findings), result


def test_few_clients_are_not_in_step() -> None:
    few = {f"c{n}": attempts(Random(n), exact, 12_000) for n in range(9)}
    assert told(outage(few, 12_000)).verdict is Verdict.PASS
    assert told(outage(few, 12_000), min_clients_for_step=9).verdict is Verdict.FAIL
    assert told(outage(few, 12_000), herd_required=True).verdict is Verdict.UNKNOWN


def test_nameless_attempts_excuse_silence_and_decide_nothing() -> None:
    times = {"alice": [100.0], "": [4_000.0, 8_000.0]}
    assert told(outage({"alice": [100.0]}, 12_000)).verdict is Verdict.FAIL
    assert told(outage(times, 12_000)).verdict is Verdict.UNKNOWN
    times["alice"] = [100.0, 200.0, 300.0]
    assert told(outage(times, 12_000)).verdict is Verdict.PASS


def test_a_restarted_client_is_not_judged_in_that_window() -> None:
    script = outage({"alice": [100.0]}, 12_000)
    off = script.ops.pop()
    script.put("restart", t_ns=200 * MS, replica="d1", data=pack(h.Restarted("kill", 1)))
    begun = script.put("connect", "invoke", t_ns=300 * MS, replica="d1")
    script.put("connect", t_ns=300 * MS, op=begun, replica="d1", identity="alice")
    script.put("fault_off", t_ns=off.t_ns, fault="w", data=off.data)
    assert told(script).verdict is Verdict.UNKNOWN


def test_lanes_are_clients_of_their_own() -> None:
    random = Random(3)
    lanes = sorted(at_ms for _ in range(8) for at_ms in attempts(random, full, 12_000))
    assert told(outage({"runtime-id": lanes}, 12_000, "runtime")).verdict is Verdict.FAIL
    assert told(outage({"runtime-id": lanes}, 12_000, "runtime"), lanes={"runtime": 8}).verdict is Verdict.PASS


def test_an_attempt_outside_every_window_is_undecided() -> None:
    script = Script()
    script.put("connect", "fail", process="sink", fault="w9", identity="alice")
    assert "window w9, which never began" in told(script).reason
    script.put("connect", "fail", process="sink", identity="alice")
    assert told(script).verdict is Verdict.UNKNOWN


def test_expected_attempts_fill_the_window() -> None:
    checker = RetryStorm()
    told_for = {ms: checker.expected(ms) for ms in (0, 99, 100, 5_000, 60_000)}
    assert told_for == {0: 1, 99: 1, 100: 2, 5_000: 6, 60_000: 28}
    assert checker.most(5_000) == 23
    assert checker.most(5_000, lanes=2) == 46
    assert RetryStorm(base_ms=0, cap_ms=0).expected(50) == 51
