"""Processes that compile and simulate, so that the page stays fluid whatever they do."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, ParamSpec, TypeVar

from tools.explore.film import measure, pulse_reel
from tools.explore.outcome import make_outcome
from tools.explore.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

PROCESSES: Final = 2
"""One for a long job, one that answers meanwhile."""


class Workers:
    """A pool of processes that is made anew when one of them dies (out of memory, say).

    Parameters
    ----------
    processes : int
        At least 1.
    """

    def __init__(self, processes: int = PROCESSES) -> None:
        self._processes = processes
        self._pool = self._make()

    def _make(self) -> ProcessPoolExecutor:
        """Processes are started afresh: a copy of a server with threads may hang."""
        return ProcessPoolExecutor(
            self._processes,
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(os.getpid(),),
        )

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call ``work`` in a process; what it raises is raised here.

        Raises
        ------
        BrokenProcessPool
            When the process died; the next call finds a new pool.
        """
        pool = self._pool
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wrap_future(pool.submit(work, *args, **kwargs), loop=loop)
        except BrokenProcessPool:
            if pool is self._pool:
                self._pool = self._make()
            raise

    def start(self) -> None:
        """Let all processes begin to load the compiler and the engine."""
        for _ in range(self._processes):
            self._pool.submit(_warm_up)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for process in multiprocessing.active_children():
            process.terminate()
        self._pool.shutdown(cancel_futures=True)


def _begin(server: int) -> None:
    """See that this process ends with the server, however that ends; then get ready."""

    def watch() -> None:
        while os.getppid() == server:
            time.sleep(1.0)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    _warm_up()


def _warm_up() -> None:
    """Load what Numba has compiled: the first picture need not wait for it."""
    outcome = make_outcome(Settings(width=6, height=6))
    pulse_reel(outcome.image, *outcome.pair)
    measure(Settings(width=6, height=6), outcome.image)
