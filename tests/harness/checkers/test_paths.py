"""I16: every connection was carried."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import judge
from harness.checkers.paths import UnproxiedPath
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate


@each_case("unproxied-path")
def test_unproxied_path_by_hand(case: Case) -> None:
    judge_case("unproxied-path", case)


@quick
@given(seeds, sizes)
def test_unproxied_path_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("unproxied-path"), generate(seed, size))


def test_a_bypass_fails_even_where_an_account_is_missing() -> None:
    script = Script()
    script.put("socket", "fail", data=pack(h.SocketSeen("", "metric")))
    assert judge(UnproxiedPath(), script.history()).verdict is Verdict.FAIL


def test_the_server_s_metric_is_no_socket_table() -> None:
    script = Script()
    script.put("socket", data=pack(h.SocketSeen("desktop", "carried")))
    script.put("socket", data=pack(h.SocketSeen("desktop", "metric")))
    assert judge(UnproxiedPath(), script.history()).verdict is Verdict.UNKNOWN
