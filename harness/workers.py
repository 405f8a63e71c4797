"""Forks of this process that share out work over plain values; they start no program.

Leaves programs to harness.process. A worker ends with its parent, however that ends.

    with Workers(len, jobs=2) as workers:
        list(workers.share(["a", "bb"]))
    [1, 2]
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from harness.errors import HarnessError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal that a process gets when its parent ends

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")
_work: Callable[[Any], Any] | None = None


class WorkerDied(Exception):
    """A worker ended before its work was done: killed, or crashed in a library."""


class Workers(Generic[_Part, _Result]):
    """`jobs` forks of this process that do `work`; with one job, this process does it when it is asked for the
    results."""

    def __init__(self, work: Callable[[_Part], _Result], jobs: int) -> None:
        self._work = work
        fork = multiprocessing.get_context("fork")
        self._pool = concurrent.futures.ProcessPoolExecutor(jobs, fork, _adopt, (work,)) if jobs > 1 else None

    def __enter__(self) -> Workers[_Part, _Result]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def share(self, parts: Sequence[_Part]) -> Iterator[_Result]:
        """`work` done on each part, in order. It begins at once; WorkerDied when one of them ends early."""
        if self._pool is None:
            return map(self._work, parts)
        try:
            return _results(self._pool.map(_do, parts))
        except concurrent.futures.BrokenExecutor as error:
            raise WorkerDied(str(error)) from error


def _results(results: Iterator[_Result]) -> Iterator[_Result]:
    try:
        yield from results
    except concurrent.futures.BrokenExecutor as error:
        raise WorkerDied(str(error)) from error


def _adopt(work: Callable[[Any], Any]) -> None:
    """In a worker, once: what it does."""
    global _work
    _work = work
    gc.freeze()  # what came with the fork stays: it need not be looked through again and again
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _do(part: Any) -> Any:
    if _work is None:
        raise HarnessError("a worker has no work")
    return _work(part)
