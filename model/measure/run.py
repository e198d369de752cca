"""Warm up, measure, drain: one run under traffic that goes on to its end (MEA-1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.engine.run import Simulation
from model.errors import require_int
from model.image import ConfigImage
from model.measure.meter import Meter
from model.measure.steady import warm_up_needed
from model.measure.timeline import Timeline
from model.schedule import NO_STALLS, StallPattern
from model.traffic import DrawnStream, Traffic

WARM_UP: Final = 5_000
FIRST_WARM_UP, LAST_WARM_UP = 1_000, 32_000
"""Of those that are tried where the run shows how long it has to warm up; each twice the one
before."""

MEASURED: Final = 20_000

TAKEN: Final = 1 << 14
"""Packets that are added up together, about."""


def measure(
    image: ConfigImage,
    *,
    warm_up: int | None = WARM_UP,
    cycles: int = MEASURED,
    drain: int | None = None,
    stalls: StallPattern = NO_STALLS,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    **traffic: Any,
) -> dict[str, Any]:
    """Run drawn traffic and measure it, in memory for what waits or flies.

    Parameters
    ----------
    image : ConfigImage
    warm_up : int, optional
        Cycles before the measured ones; None for as many as it takes, see :func:`settle`.
    cycles : int
        Measured ones.
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
    most = LAST_WARM_UP if warm_up is None else require_int("warm_up", warm_up, 0, 10**8)
    require_int("cycles", cycles, 64, 10**8)
    drain = require_int("drain", cycles if drain is None else drain, 0, 10**8)
    stream = DrawnStream(image, Traffic(cycles=most + cycles + drain, **traffic))
    run = Simulation(image, stream, stalls=stalls, record_events=False, threads=threads)
    past = Timeline(latency_only=True)
    begin = settle(run, past) if warm_up is None else warm_up
    meter = Meter(image, begin, begin + cycles)
    meter.packets.whole.merge(past)
    drive(run, meter, begin + cycles + drain, progress)
    return meter.figures() | {"cycles": run.cycle, "silent_sources": stream.silent_sources}


def settle(run: Simulation, past: Timeline) -> int:
    """Advance a run that begins until it has settled; the cycle it has come to.

    That is the first of 1,000, 2,000, 4,000, … 32,000 of whose beginning MSER cuts off no more than
    half (MEA-6); the last of them, too, when it has not settled then.

    Parameters
    ----------
    run : Simulation
        Fed by a stream.
    past : Timeline
        Gets the packets that end by then.
    """
    cycle = FIRST_WARM_UP
    while True:
        while run.cycle < cycle and not run.ended:
            run.advance(cycle, cycle)
            past.add(run.take())
        # Of the packets offered later, some have not ended yet.
        needed = warm_up_needed(past, min(cycle, run.oldest))
        if (needed is not None and 2 * needed <= cycle) or cycle >= LAST_WARM_UP:
            return cycle
        cycle *= 2


def drive(
    run: Simulation, meter: Meter, stop: int, progress: Callable[[int], None] | None = None
) -> None:
    """Advance a run that is fed by a stream until its measured packets have ended.

    Parameters
    ----------
    run : Simulation
    meter : Meter
        With an end.
    stop : int
        Where the run ends at the latest.
    progress : callable, optional
        Called with the current cycle.
    """
    assert meter.end is not None
    while run.cycle < stop and not run.ended:
        to = min(stop, meter.stop_after(run.cycle))
        run.advance(to, to)
        meter.look(run)
        if run.cycle >= meter.end or len(run.loaded) >= TAKEN:
            meter.packets.add(run.take())
        if meter.drained(run):
            break
        if progress is not None:
            progress(run.cycle)
    meter.close(run, run.cycle)
    # Beyond are packets only that were offered after the end.
    meter.packets.add(next(run.take_rest()))
