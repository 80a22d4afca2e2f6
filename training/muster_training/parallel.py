"""The same function over many jobs, here or in worker processes: results do not depend on how many there are."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TypeVar

from muster_core.errors import MusterError, WorkFailed

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST_PROCESSES = 256
"""More are refused: each takes its own memory and compiled kernels."""


def in_processes(
    function: Callable[[Job], Result], jobs: Sequence[Job], processes: int = 1
) -> Iterator[tuple[int, Result]]:
    """Yield each job's place and result, as they come: in order where ``processes`` is 1, which runs them here.

    Workers are spawned (a fork after parallel numba or torch hangs), and end with this process, however that ends.

    Args:
        function: found by its module's name in the workers.
        jobs: what it takes, one each; everything that decides a result is in there.
        processes: how many run at a time.

    Raises:
        MusterError: ``processes`` is out of range, or what ``function`` raises.
        WorkFailed: a worker died.
    """
    check_processes(processes)
    if processes == 1 or len(jobs) < 2:
        for place, job in enumerate(jobs):
            yield place, function(job)
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(jobs)), mp_context=context, initializer=_follow_parent)
    try:
        places = {pool.submit(function, job): place for place, job in enumerate(jobs)}
        for done in as_completed(places):
            yield places[done], done.result()
    except BrokenProcessPool as error:
        raise WorkFailed("A worker process died, perhaps for want of memory; start again with fewer") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()


def check_processes(processes: int) -> None:
    """Refuse a number of processes that cannot be.

    Raises:
        MusterError: names it and the range.
    """
    if not 1 <= processes <= MOST_PROCESSES:
        raise MusterError(f"processes is {processes}; it must lie in 1 … {MOST_PROCESSES}")


def _follow_parent() -> None:
    """End silently on Ctrl-C and when the parent is gone, even killed: a pool's workers would wait forever."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
