"""Warm up, measure, drain: one run under traffic that goes on to its end (MEA-1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from model.engine.run import Simulation
from model.errors import require_int
from model.image import ConfigImage
from model.measure.meter import Meter
from model.measure.window import UNENDED
from model.schedule import NO_STALLS, StallPattern
from model.traffic import make_schedule

WARM_UP: Final = 5_000
MEASURED: Final = 20_000

STEP: Final = 256
"""Cycles of the drain between two looks whether it is done."""


def measure(
    image: ConfigImage,
    *,
    warm_up: int = WARM_UP,
    cycles: int = MEASURED,
    drain: int | None = None,
    stalls: StallPattern = NO_STALLS,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    **traffic: Any,
) -> dict[str, Any]:
    """Run drawn traffic and measure it.

    Parameters
    ----------
    image : ConfigImage
    warm_up, cycles : int
        Cycles before the measured ones, and those.
    drain : int, optional
        Most cycles after them, under the same traffic, for measured packets to end; as many as are
        measured by default.
    stalls, threads
        As for :func:`model.engine.simulate`.
    progress : callable, optional
        Called with the current cycle.
    **traffic
        Fields of :class:`model.traffic.Traffic`, but for ``cycles`` and ``packets``.

    Returns
    -------
    dict
        For JSON: what :meth:`Meter.figures` returns; the ``cycles`` run, and ``silent_sources``.

    Raises
    ------
    InputError
        When an argument is out of range.
    """
    require_int("warm_up", warm_up, 0, 10**8)
    require_int("cycles", cycles, 64, 10**8)
    drain = require_int("drain", cycles if drain is None else drain, 0, 10**8)
    begin, end = warm_up, warm_up + cycles
    schedule = make_schedule(image, cycles=end + drain, **traffic)
    run = Simulation(image, schedule, stalls=stalls, record_events=False, threads=threads)
    meter = Meter(image, begin, end)

    def go(to: int) -> None:
        run.advance(to, to)
        if progress is not None:
            progress(to)

    while not run.finished and meter.next_stop <= end:
        go(meter.next_stop)
        meter.look(run)
    measured = slice(*np.searchsorted(schedule.offered, (begin, end)))
    at = end
    while at < end + drain and np.isin(run.result().records.status[measured], UNENDED).any():
        at = min(end + drain, at + STEP)
        go(at)
    meter.packets.add(run.result().records)
    meter.close(run)
    return meter.figures() | {"cycles": run.cycle, "silent_sources": schedule.silent_sources}
