"""Forks of this process that share out work over plain values; they start no program.

Leaves programs to harness.process. A worker ends with its parent, however that ends.

    list(shared_out(len, ["a", "bb"], jobs=2))
    [1, 2]
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from harness.errors import HarnessError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal that a process gets when its parent ends

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")
_work: Callable[[Any], Any] | None = None


class WorkerDied(Exception):
    """A worker ended before its work was done: killed, or crashed in a library."""


def shared_out(work: Callable[[_Part], _Result], parts: Sequence[_Part], jobs: int) -> Iterator[_Result]:
    """`work` done on each part, in order, by `jobs` forks of this process. WorkerDied when one of them ends early."""
    if jobs <= 1 or len(parts) <= 1:
        yield from map(work, parts)
        return
    fork = multiprocessing.get_context("fork")
    try:
        with concurrent.futures.ProcessPoolExecutor(jobs, fork, _adopt, (work,)) as pool:
            yield from pool.map(_do, parts)
    except concurrent.futures.BrokenExecutor as error:
        raise WorkerDied(str(error)) from error


def _adopt(work: Callable[[Any], Any]) -> None:
    """In a worker, once: what it does."""
    global _work
    _work = work
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _do(part: Any) -> Any:
    if _work is None:
        raise HarnessError("a worker has no work")
    return _work(part)
