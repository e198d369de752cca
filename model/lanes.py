"""Work on two cores: compiled loops that let go of Python's lock run side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

LANES: Final = 2
"""Threads that work; fixed, since what one sees of another's work may decide bytes."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def share(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Do ``work`` on every item, each by whichever lane is free; this thread is one of them.

    Raises
    ------
    Exception
        What ``work`` raised; of what the other lane does, only after this one is done.
    """
    results: dict[int, Result] = {}
    todo = iter(range(len(items)))  # its next() is one step under Python's lock

    def lane() -> None:
        for k in todo:
            results[k] = work(items[k])

    if len(items) == 1:
        lane()
    else:
        with ThreadPoolExecutor(LANES - 1) as pool:
            others = [pool.submit(lane) for _ in range(LANES - 1)]
            lane()
            for other in others:
                other.result()
    return [results[k] for k in range(len(items))]
