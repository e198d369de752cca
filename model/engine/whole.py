"""Run the golden engine over an image and a schedule, from beginning to end (design.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from model.engine.control import Window
from model.engine.result import EngineResult
from model.engine.run import Simulation, last_cycle
from model.errors import require_int
from model.image import ConfigImage
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.traffic.closed_loop import ClosedLoop

MAX_CYCLES: Final = 10_000_000
"""Default bound of a run of open length."""

CHUNK: Final = 4096
"""Cycles between two calls of ``progress``."""


def simulate(
    image: ConfigImage,
    schedule: PacketSchedule,
    *,
    loop: ClosedLoop | None = None,
    stalls: StallPattern = NO_STALLS,
    cycles: int | None = None,
    max_cycles: int = MAX_CYCLES,
    compiled: bool = True,
    record_events: bool = True,
    occupancy_window: Window | None = None,
    trace_window: Window | None = None,
    descending: bool = False,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> EngineResult:
    """Compute exactly what the fabric does.

    Parameters
    ----------
    image : ConfigImage
        Its arrays are read, never written.
    schedule : PacketSchedule
    loop : ClosedLoop, optional
        The schedule's packets are requests in a closed loop (WIN-1 to WIN-4).
    stalls : StallPattern
        When receivers refuse (STL-1).
    cycles : int, optional
        Cycles to run. By default the run ends ``MARGIN`` cycles after nothing is left to do, or
        nothing can happen any more because every window is stuck.
    max_cycles : int
        Bound of a run of open length; a run that reaches it returns with ``finished`` false.
    compiled : bool
        False runs the same source without Numba, some hundred times slower.
    record_events : bool
        False leaves ``log.events`` empty; records and counters are kept all the same.
    occupancy_window, trace_window : (first, end), optional
        Cycles first … end - 1 of which to keep the occupancy of every input VC, or every flit
        movement.
    descending : bool
        Visit tiles from the last to the first. The result does not depend on it.
    threads : int
        How many share the work, 1 to 64; at most one a row of tiles, and one when occupancies or
        movements are kept, without Numba, or in a closed loop without replies. The result does
        not depend on it.
    progress : callable, optional
        Called with the current cycle about every ``CHUNK`` cycles.

    Returns
    -------
    EngineResult

    Raises
    ------
    InputError
        When the image contradicts itself (FUS-1, RMP-2), or a packet of the schedule has no
        hosted source or a value out of range, or the loop has one.
    """
    stop = require_int("cycles", max_cycles if cycles is None else cycles, 0, 2**32 - 1)
    run = Simulation(
        image,
        schedule,
        loop=loop,
        stalls=stalls,
        compiled=compiled,
        record_events=record_events,
        occupancy_window=occupancy_window,
        trace_window=trace_window,
        descending=descending,
        threads=threads,
    )
    while run.cycle < stop and not run.ended:
        run.advance(min(stop, run.cycle + CHUNK), stop)
        if progress is not None:
            progress(run.cycle)
    return run.result(last_cycle(run, stop, cycles is not None))
