import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from harness.workers import WorkerDied, Workers


def shared(work: Callable[[int], Any], parts: int, jobs: int) -> list[Any]:
    with Workers(work, jobs) as workers:
        return list(workers.share(range(parts)))


def test_results_come_in_order_from_other_processes() -> None:
    done = shared(lambda part: (part, os.getpid()), 8, jobs=2)
    assert [part for part, _ in done] == list(range(8))
    assert os.getpid() not in {pid for _, pid in done}


def test_one_job_stays_here() -> None:
    assert set(shared(lambda part: os.getpid(), 3, jobs=1)) == {os.getpid()}


def test_a_worker_that_is_killed_is_told() -> None:
    with pytest.raises(WorkerDied):
        shared(lambda part: os.kill(os.getpid(), signal.SIGKILL), 4, jobs=2)


def test_an_error_in_a_worker_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        shared(lambda part: 1 // part, 3, jobs=2)
