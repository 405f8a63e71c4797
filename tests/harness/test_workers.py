import os
import signal

import pytest

from harness.workers import WorkerDied, shared_out


def test_results_come_in_order_from_other_processes() -> None:
    done = list(shared_out(lambda part: (part, os.getpid()), range(8), jobs=2))
    assert [part for part, _ in done] == list(range(8))
    assert os.getpid() not in {pid for _, pid in done}


def test_one_job_stays_here() -> None:
    assert set(shared_out(lambda part: os.getpid(), range(3), jobs=1)) == {os.getpid()}


def test_a_worker_that_is_killed_is_told() -> None:
    with pytest.raises(WorkerDied):
        list(shared_out(lambda part: os.kill(os.getpid(), signal.SIGKILL), range(4), jobs=2))


def test_an_error_in_a_worker_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        list(shared_out(lambda part: 1 // part, range(3), jobs=2))
