"""Runs that are fed by a stream, in any steps, as results to compare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.engine import EngineResult, Simulation, join_blocks
from model.engine.run import last_cycle
from model.schedule import PacketSchedule
from model.traffic.stream import part


class Cut:
    """A schedule as a stream of blocks of random sizes, which differ from call to call."""

    silent_sources = 0

    def __init__(self, schedule: PacketSchedule, rng: np.random.Generator, most: int) -> None:
        self._schedule, self._rng, self._most = schedule, rng, most

    def blocks(self, first: int = 0) -> Iterator[PacketSchedule]:
        while first < len(self._schedule):
            rows = int(self._rng.integers(1, self._most + 1))
            yield part(self._schedule, slice(first, first + rows))
            first += rows


def finish(
    run: Simulation, rng: np.random.Generator, stop: int, cycles: int | None = None
) -> EngineResult:
    """Run on to the end in random steps, and take records out in between, sometimes."""
    blocks = []
    while run.cycle < stop and not run.ended:
        run.advance(min(stop, run.cycle + int(rng.integers(1, 60))), stop)
        if rng.integers(3):
            blocks.append(run.take())
    result = run.result(last_cycle(run, stop, cycles is not None))
    result.records = join_blocks([*blocks, *run.take_rest()])
    return result
