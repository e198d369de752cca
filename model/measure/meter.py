"""Everything that is measured of a run while it is driven: packets, links, buffers (MEA-1)."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.measure.buffers import Occupancy
from model.measure.links import LinkUse
from model.measure.window import Measurement
from model.runlog import Counters

LOOKS: Final = 256
"""At the buffers in the measured cycles; where their end is not known, one in so many cycles, and
half as often whenever there were as many."""

APART: Final = 16
"""Least cycles from one to the next, so that looking takes little of the time."""

STEP: Final = 256
"""Cycles of the drain between two looks whether it is done."""

NEVER: Final = 1 << 62


class Run(Protocol):
    """What is looked at: :class:`model.engine.run.Simulation`."""

    @property
    def cycle(self) -> int: ...

    @property
    def ended(self) -> bool: ...

    @property
    def oldest(self) -> int: ...

    def counters(self) -> Counters: ...

    def occupancy(self) -> npt.NDArray[np.uint8]: ...


class Meter:
    """Measures a run that stops where it is asked to, in bounded memory.

    Whoever drives the run advances it to :meth:`stop_after` and not beyond, calls :meth:`look`
    there, adds the packets that come out to ``packets``, and calls :meth:`close` at the end. It can
    be pickled into a checkpoint at any time.

    Parameters
    ----------
    image : ConfigImage
    begin : int
        First measured cycle.
    end : int, optional
        The cycle after the last measured one; None where that is where the run ends.
    stretches : int
        Into which the measured cycles are divided for links and buffers; 1 without ``end``.

    Members
    -------
    packets : Measurement
    links : LinkUse
    buffers : Occupancy
    """

    def __init__(
        self, image: ConfigImage, begin: int = 0, end: int | None = None, *, stretches: int = 1
    ) -> None:
        self.begin, self.end = begin, end
        self.packets = Measurement(image, begin, end)
        self.links = LinkUse(image, stretches)
        self.buffers = Occupancy(image, stretches)
        self._stretches, self._looks, self._reads, self._weight = stretches, 0, 0, 1

    def stop_after(self, cycle: int) -> int:
        """The next cycle, after this one, at which a run has to stop."""
        drain = NEVER
        if self.end is not None:
            drain = self.end + max(0, (cycle - self.end) // STEP + 1) * STEP
        return min(self._next_stop, drain)

    @property
    def _next_stop(self) -> int:
        """The next cycle at which to look; ``NEVER`` when all was seen."""
        return min(self._next_look, self._next_read)

    @property
    def _next_look(self) -> int:
        if self.end is None:
            return self.begin + self._looks * LOOKS * self._weight
        span = self.end - self.begin
        looks = max(1, min(LOOKS, span // APART))
        return self.begin + self._looks * span // looks if self._looks < looks else NEVER

    @property
    def _next_read(self) -> int:
        if self.end is None:
            return NEVER if self._reads else self.begin
        span = self._reads * (self.end - self.begin)
        return self.begin + span // self._stretches if self._reads <= self._stretches else NEVER

    def look(self, run: Run) -> None:
        """Look at a run, if it is time to."""
        if run.cycle == self._next_stop and not run.ended:
            self._look(run, run.cycle)

    def _look(self, run: Run, cycle: int) -> None:
        if cycle == self._next_read:
            self.links.read(cycle, run.counters().moved, self._reads - 1)
            self._reads += 1
        if cycle == self._next_look:
            self.buffers.look(cycle, run.occupancy(), self._reads - 1, self._weight)
            self._looks += 1
            if self.end is None and self._looks == LOOKS:
                self.buffers.thin()
                self._looks, self._weight = LOOKS // 2, 2 * self._weight

    def drained(self, run: Run) -> bool:
        """All measured packets have ended and been added up; asked for every ``STEP`` cycles."""
        if self.end is None or run.cycle < self.end or (run.cycle - self.end) % STEP:
            return False
        return run.oldest >= self.end

    def close(self, run: Run, cycles: int) -> None:
        """Take note of the end of the run, before the packets that have not ended.

        Parameters
        ----------
        run : Run
            A fabric that is empty stays so to ``end``.
        cycles : int
            Of the run, not less than ``run.cycle``.
        """
        if self.end is None:
            if self._reads:
                self.links.read(cycles, run.counters().moved)
            self.packets.close(cycles)
        while self.end is not None and run.ended and self._next_stop < NEVER:
            self._look(run, self._next_stop)

    def figures(self) -> dict[str, Any]:
        """After the end: what :meth:`Measurement.figures` returns, ``links`` and ``buffers``."""
        return self.packets.figures() | {
            "links": self.links.figures(),
            "buffers": self.buffers.figures(),
        }
