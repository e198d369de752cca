"""Run the golden engine over an image and a schedule (design.md §8)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from model.engine import kernel
from model.engine.check import accepting, check_image, check_schedule, check_stalls
from model.engine.control import (
    CYCLE,
    IN_FLIGHT,
    PART_TILES,
    POSITIONS,
    TO_ACCEPT,
    Window,
    make_control,
)
from model.engine.registers import Registers, read_registers
from model.engine.result import (
    EngineResult,
    make_counters,
    make_events,
    make_records,
    make_trace,
)
from model.engine.state import OCCUPANCY, make_fabric, make_packets, make_state
from model.engine.tables import make_tables
from model.errors import require_int
from model.image import ConfigImage
from model.runlog import Counters, RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern

MARGIN: Final = 8
"""Cycles that a run of open length goes on after the last thing happened."""

MAX_CYCLES: Final = 10_000_000
"""Default bound of a run of open length."""

CHUNK: Final = 4096
"""Cycles between two calls of ``progress``."""


def simulate(
    image: ConfigImage,
    schedule: PacketSchedule,
    *,
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
    stalls : StallPattern
        When receivers refuse (STL-1).
    cycles : int, optional
        Cycles to run. By default the run ends ``MARGIN`` cycles after nothing is left to do.
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
        movements are kept, or without Numba. The result does not depend on it.
    progress : callable, optional
        Called with the current cycle about every ``CHUNK`` cycles.

    Returns
    -------
    EngineResult

    Raises
    ------
    InputError
        When the image contradicts itself (FUS-1, RMP-2), or a packet of the schedule has no
        hosted source or a value out of range.
    """
    stop = require_int("cycles", max_cycles if cycles is None else cycles, 0, 2**32 - 1)
    run = Simulation(
        image,
        schedule,
        stalls=stalls,
        compiled=compiled,
        record_events=record_events,
        occupancy_window=occupancy_window,
        trace_window=trace_window,
        descending=descending,
        threads=threads,
    )
    while run.cycle < stop and not run.finished:
        run.advance(min(stop, run.cycle + CHUNK), stop)
        if progress is not None:
            progress(run.cycle)
    return run.result(min(stop, run.cycle + MARGIN) if cycles is None and run.finished else stop)


class Simulation:
    """A run that stops where it is told to, and can go on. Arguments as for :func:`simulate`.

    Members
    -------
    cycle : int
        The next to be run.
    finished : bool
        Nothing is left to do.
    """

    def __init__(
        self,
        image: ConfigImage,
        schedule: PacketSchedule,
        *,
        stalls: StallPattern = NO_STALLS,
        compiled: bool = True,
        record_events: bool = True,
        occupancy_window: Window | None = None,
        trace_window: Window | None = None,
        descending: bool = False,
        threads: int = 1,
    ) -> None:
        require_int("threads", threads, 1, 64)
        check_image(image)
        check_schedule(image, schedule)
        check_stalls(stalls)
        spec = image.spec
        alone = occupancy_window is not None or trace_window is not None or not compiled
        threads = 1 if alone else min(threads, spec.height)
        rows = max(1, min(PART_TILES // spec.width, spec.height // threads))
        parts = spec.height // rows
        begin = np.arange(parts + 1) * spec.height // parts * spec.width
        leads = np.arange(threads) * parts // threads
        tables = make_tables(image)
        self._image, self._compiled, self._descending = image, compiled, descending
        self._packets = make_packets(image, schedule, begin)
        self._state = make_state(image, begin, tables)
        self._control = make_control(
            image, self._packets, begin, leads, record_events, occupancy_window, trace_window
        )
        self._windows = occupancy_window is not None, trace_window is not None
        self._position = self._control.position.reshape(parts, POSITIONS)
        self._work = functools.partial(
            kernel.compiled() if compiled else kernel.run_cycles,
            make_fabric(image, stalls, tables),
            self._packets,
            self._state,
        )

    @property
    def cycle(self) -> int:
        """The next cycle to be run."""
        return int(self._position[0, CYCLE])

    @property
    def finished(self) -> bool:
        """The fabric is empty, and what can be accepted was accepted."""
        return not self._position[:, [IN_FLIGHT, TO_ACCEPT]].sum()

    def advance(self, until: int, stop: int) -> None:
        """Run to cycle ``until``, or to the end.

        Idle cycles are skipped, also beyond ``until``, but not beyond ``stop``.
        """
        while self.cycle < until and not self.finished:
            control = self._control
            ends = (*control.leads[1:].tolist(), len(self._position))
            shares = list(zip(control.leads.tolist(), ends, strict=True))
            rest = (until, stop, self._descending)
            others = [
                threading.Thread(target=self._work, args=(control, *share, *rest))
                for share in shares[1:]
            ]
            for thread in others:
                thread.start()
            # Uncompiled, 64-bit scalars wrap with a warning; in STL-1 they are meant to.
            with np.errstate(over="ignore"):
                self._work(control, *shares[0], *rest)
            for thread in others:
                thread.join()
            if self.cycle < until and not self.finished:
                trace = np.concatenate([control.trace, control.trace])
                self._control = control._replace(trace=trace)

    def registers(self, tiles: npt.NDArray[np.int64]) -> Registers:
        """Registers of these tiles before the next cycle."""
        return read_registers(self._image.spec, self._state, tiles)

    def counters(self) -> Counters:
        """What the status tables hold so far (CFG-4)."""
        return make_counters(self._image, self._packets, self._state)

    def occupancy(self) -> npt.NDArray[np.uint8]:
        """uint8[tiles, 5, vcs]: flits in every input VC at the beginning of cycle ``cycle``."""
        spec = self._image.spec
        line = self._state.line.reshape(spec.tiles, 8, -1)
        return line[:, OCCUPANCY, : 5 * spec.vcs].reshape(spec.tiles, 5, spec.vcs)

    def result(self, cycles: int | None = None) -> EngineResult:
        """All that the run shows so far; of ``cycles`` cycles, or of those that were run."""
        image, packets, state, control = self._image, self._packets, self._state, self._control
        spec, (occupancy, traced) = image.spec, self._windows
        log = RunLog(
            cycles=self.cycle if cycles is None else cycles,
            events=make_events(image, packets, control),
            counters=self.counters(),
            quiet=bool(self.finished and accepting(image)[packets.sender].all()),
        )
        seen = control.occupancy.reshape(-1, spec.tiles, 5, spec.vcs)
        return EngineResult(
            log=log,
            records=make_records(image, packets, state),
            finished=self.finished,
            occupancy=seen if occupancy else None,
            trace=make_trace(control) if traced else None,
        )
