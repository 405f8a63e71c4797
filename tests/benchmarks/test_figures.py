"""What the benchmarks compute: order statistics, tables, and the times that they take out of a history."""

from __future__ import annotations

import pytest

from benchmarks.end_to_end import Times, times_of
from benchmarks.figures import percentile, table
from benchmarks.lab_startup import PATH, PROXY, PUBLISH, REST, SERVER, WHOLE, parts, rows_of
from harness.history import Anchor, History, Op


def history(*ops: Op) -> History:
    return History(Anchor("signoff.history.v1", "s", 1, 0), ops)


def sent(index: int, key: str, at_ms: int) -> Op:
    return Op(index, at_ms * 1_000_000, "runtime", "publish", "invoke", key=key)


def applied(index: int, replica: str, key: str, at_ms: int) -> Op:
    return Op(index, at_ms * 1_000_000, "desktop", "apply", "ok", replica=replica, key=key)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50.0, 99.0, 100.0)
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError):
        percentile([], 50)


def test_a_table_lines_up() -> None:
    assert table(["a", "n"], [["bb", "1"], ["c", "23"]]) == "a    n\nbb   1\nc   23"


def test_latency_runs_from_the_invocation_to_each_apply() -> None:
    seen = history(
        sent(0, "k1", 0), applied(1, "d1", "k1", 10), sent(2, "k2", 20), applied(3, "d2", "k1", 30),
        applied(4, "d1", "k2", 60), applied(5, "d2", "k2", 100),
    )  # fmt: skip
    figures = times_of(seen, {"k1", "k2"}, sessions=2).figures()
    assert (figures["events"], figures["seconds"], figures["per_s"]) == (2, 0.1, 20.0)
    assert (figures["p50_ms"], figures["p99_ms"], figures["max_ms"]) == (30.0, 80.0, 80.0)


def test_figures_of_a_broken_system_are_refused() -> None:
    with pytest.raises(ValueError, match="0 of 1 events"):
        times_of(history(sent(0, "k1", 0)), {"k1"}, sessions=1)
    twice = history(sent(0, "k1", 0), applied(1, "d1", "k1", 1), applied(2, "d1", "k1", 2))
    with pytest.raises(ValueError, match="1 of them twice"):
        times_of(twice, {"k1"}, sessions=1)


def test_other_events_of_the_history_do_not_count() -> None:
    seen = history(sent(0, "k1", 0), sent(1, "other", 0), applied(2, "d1", "k1", 5), applied(3, "d9", "other", 9))
    assert times_of(seen, {"k1"}, sessions=1) == Times({"k1": 0.0}, {("d1", "k1"): 0.005})


def test_parts_of_a_start_up_leave_no_time_out() -> None:
    run = parts({"server": 100.0, "toxiproxy": 40.0, "publish": 200.0, "proxies": 50.0}, 400.0)
    assert run == {SERVER: 100.0, PUBLISH: 200.0, PROXY: 40.0, PATH: 50.0, REST: 50.0, WHOLE: 400.0}
    assert rows_of([run, {**run, WHOLE: 600.0}])[-1] == [WHOLE, "400", "500", "600"]
