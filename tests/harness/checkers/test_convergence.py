"""I11: after the last fault, everything works again."""

from __future__ import annotations

from hypothesis import given

from harness import history as h
from harness.checkers.base import CheckResult, judge
from harness.checkers.convergence import NoConvergence
from harness.history import pack
from harness.verdict import Verdict
from tests.harness.checkers.cases import Case, Script, default, each_case, judge_case, kill_all, quick, seeds, sizes
from tests.model import generate

MS = 1_000_000


@each_case("no-convergence")
def test_no_convergence_by_hand(case: Case) -> None:
    judge_case("no-convergence", case)


@quick
@given(seeds, sizes)
def test_no_convergence_kills_its_mutants(seed: int, size: int) -> None:
    kill_all(default("no-convergence"), generate(seed, size), least=5)


def probe(script: Script, key: str = "p1", replicas: tuple[str, ...] = ("d1",), within_ms: int = 1_000) -> None:
    script.put("probe", "invoke", stream="s", key=key, data=pack(h.Probed(replicas, within_ms)))


def arrive(script: Script, key: str = "p1", at_ms: int = 0, live: bool = True) -> None:
    data = pack(h.Applied("", live))
    script.put("apply", t_ns=at_ms * MS + 500, replica="d1", baseline=1, stream="s", seq=1, key=key, data=data)


def fault(script: Script, name: str, on: bool = True, tolerable: bool = False) -> None:
    if on:
        script.put("fault_on", fault=name, data=pack(h.Faulted("down", "server", tolerable)))
    else:
        script.put("fault_off", fault=name, data=pack(h.Healed("down", "server", 1, "", 1, 1, 1, 1)))


def told(script: Script, bound_ms: int = 30_000) -> CheckResult:
    return judge(NoConvergence(bound_ms), script.history())


def test_only_the_last_attempt_counts() -> None:
    script = Script()
    probe(script)
    script.answer(script.invoke("s", "p1"), "info")
    script.publish("s", "p1", 1)
    arrive(script)
    assert told(script).verdict is Verdict.PASS
    script.invoke("s", "p1")
    assert "was never answered" in told(script).findings[0].message


def test_a_probe_that_nobody_published_shows_nothing() -> None:
    script = Script()
    script.publish("s", "p1", 1)
    probe(script)
    arrive(script)
    assert told(script).verdict is Verdict.UNKNOWN
    assert "never published" in told(script).reason


def test_a_probe_that_names_nobody_shows_nothing() -> None:
    script = Script()
    probe(script, replicas=())
    assert "names no replica" in told(script).reason


def test_the_smaller_limit_holds() -> None:
    script = Script()
    probe(script, within_ms=1_000)
    script.publish("s", "p1", 1)
    arrive(script, at_ms=800)
    assert told(script).verdict is Verdict.PASS
    assert told(script, bound_ms=500).verdict is Verdict.FAIL


def test_live_first_and_by_snapshot_later_is_live() -> None:
    script = Script()
    probe(script)
    script.publish("s", "p1", 1)
    arrive(script)
    arrive(script, live=False)
    assert told(script).verdict is Verdict.PASS


def test_overlapping_faults_excuse_until_the_last_one_is_over() -> None:
    script = Script()
    fault(script, "w1", tolerable=True)
    fault(script, "w2")
    probe(script, "p1")
    script.publish("s", "p1", 1)
    fault(script, "w2", on=False)
    probe(script, "p2")
    script.publish("s", "p2", 2)
    arrive(script, "p2")
    fault(script, "w1", on=False)
    assert "no probe after the last fault healed (op 10)" in told(script).reason
    probe(script, "p3")
    script.publish("s", "p3", 3)
    arrive(script, "p3")
    assert told(script).verdict is Verdict.PASS


def test_a_read_before_the_heal_excuses_itself() -> None:
    script = Script()
    fault(script, "w1")
    script.read("d1", "s", caught_up=False)
    script.put("settle", "info")
    fault(script, "w1", on=False)
    probe(script)
    script.publish("s", "p1", 1)
    arrive(script)
    assert told(script).verdict is Verdict.PASS
    script.read("d1", "s", caught_up=False)
    assert told(script).verdict is Verdict.FAIL
    script.read("d1", "s")
    assert told(script).verdict is Verdict.PASS


def test_a_sabotage_is_no_fault() -> None:
    script = Script()
    script.put("fault_on", fault="decoy")
    probe(script)
    script.publish("s", "p1", 1)
    arrive(script)
    assert told(script).verdict is Verdict.PASS
