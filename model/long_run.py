"""Runs of any length: fed by a stream, measured block by block, interrupted and gone on with."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from model.checkpoint import read_checkpoint, write_checkpoint
from model.engine import RecordBlock, Simulation
from model.engine.run import last_cycle
from model.errors import InputError
from model.measure import Meter
from model.spill import Spill

STEP: Final = 0.2
"""Seconds between two looks at a run, about."""

MOST: Final = 1 << 16
"""Cycles between them, at most."""


class Consumer(Protocol):
    """What adds up the records of a run; can be pickled."""

    def add(self, block: RecordBlock) -> None:
        """Take the next packets, in the order of ids."""
        ...


class Summing(Consumer, Protocol):
    """A consumer that is told where the run ends, before the packets that did not.

    Members
    -------
    meter : Meter or None
        Has the run stop where it looks at it.
    """

    @property
    def meter(self) -> Meter | None: ...

    def end(self, cycles: int) -> None: ...


class LongRun:
    """Drives a run to its end in steps, and hands out its records.

    Parameters
    ----------
    run : Simulation
        Fed by a stream.
    stop : int
        Cycles to run at most.
    fixed : bool
        Whether it runs so many in any case; else it ends when nothing is left to do.
    summing : Summing
        Kept in checkpoints.
    until_drained : bool
        The run is over when the packets that the meter measures have ended.
    records : Consumer, optional
        A :class:`Spill` where there are checkpoints.

    Members
    -------
    cycles : int
        Of the run, once it has ended.
    """

    def __init__(
        self,
        run: Simulation,
        stop: int,
        fixed: bool,
        summing: Summing,
        records: Consumer | None = None,
        *,
        until_drained: bool = False,
    ) -> None:
        self.run, self.summing, self.records = run, summing, records
        self._stop, self._fixed, self._chunk = stop, fixed, 64
        self._until_drained = until_drained

    @property
    def done(self) -> bool:
        """The run has come to its end; :meth:`finish` is next."""
        return self.run.ended or self.run.cycle >= self._stop or self._drained

    @property
    def _drained(self) -> bool:
        meter = self.summing.meter
        return self._until_drained and meter is not None and meter.drained(self.run)

    @property
    def cycles(self) -> int:
        """Of the run, once it is done."""
        if self._drained:
            return self.run.cycle
        return last_cycle(self.run, self._stop, self._fixed)

    def step(self) -> None:
        """Run on for about ``STEP`` seconds."""
        begin, started = self.run.cycle, time.perf_counter()
        meter = self.summing.meter
        stop = self._stop if meter is None else min(self._stop, meter.stop_after(begin))
        self.run.advance(min(stop, begin + self._chunk), stop)
        if meter is not None:
            meter.look(self.run)
        self._hand_out(self.run.take())
        seconds = max(1e-6, time.perf_counter() - started)
        # Steps may end early because many packets come, and leap where nothing happens.
        within = min(self._chunk, self.run.cycle - begin) * STEP / seconds
        self._chunk = max(1, min(MOST, 2 * self._chunk, round(within)))

    def finish(self) -> None:
        """Hand out what is left; of a run that has drained, what was offered by now."""
        cycles, drained = self.cycles, self._drained
        if self.summing.meter is not None:
            self.summing.meter.close(self.run, cycles)
        self.summing.end(cycles)
        for block in self.run.take_rest():
            self._hand_out(block)
            if drained:
                return

    def save(self, path: str | Path, sums: Mapping[str, str]) -> None:
        """Write a checkpoint; the run can go on."""
        arrays = self.run.freeze()
        spill = self.records if isinstance(self.records, Spill) else None
        if spill is not None:
            spill.sync()
        arrays["rows"] = np.array([spill.rows if spill else 0])
        arrays["summing"] = np.frombuffer(pickle.dumps(self.summing), np.uint8)
        write_checkpoint(path, sums, arrays)

    def _hand_out(self, block: RecordBlock) -> None:
        if len(block):
            self.summing.add(block)
            if self.records is not None:
                self.records.add(block)


def thaw(run: Simulation, path: str | Path, sums: Mapping[str, str]) -> tuple[Any, int]:
    """Bring a run to where a checkpoint stands.

    Returns
    -------
    summing : Summing
    rows : int
        Records written until then.

    Raises
    ------
    InputError
        When the file is damaged or belongs to another run.
    """
    arrays = read_checkpoint(path, sums)
    run.thaw(arrays)
    return _Careful(io.BytesIO(arrays["summing"].tobytes())).load(), int(arrays["rows"][0])


class _Careful(pickle.Unpickler):
    """Makes objects of ours and of NumPy only."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] not in ("model", "numpy"):
            raise InputError(f"checkpoint holds {module}.{name}; allowed: what runs add up")
        return super().find_class(module, name)
