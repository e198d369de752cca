"""Packets sorted by cycle in bounded memory: sorted runs on disk, then merged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from model.schedule import PacketSchedule
from model.traffic.stream import COLUMNS, DTYPES, packed, regroup

RUN: Final = 1 << 19
"""Packets of a run, and of all that are merged at a time: 24 bytes each."""

ROW: Final = np.dtype([(name, DTYPES[name]) for name in COLUMNS])

Rows = npt.NDArray[np.void]


def sort_blocks(
    blocks: Iterable[PacketSchedule], scratch: str | Path, run: int = RUN
) -> Iterator[PacketSchedule]:
    """Sort by ``offered``; packets of one cycle keep their order.

    Parameters
    ----------
    blocks : iterable of PacketSchedule
        In any order, within blocks too.
    scratch : path
        Folder for a temporary file of 24 bytes for each packet, unless one run holds them all.
    run : int
        Packets in memory at a time; twice that for a moment.
    """
    runs = regroup(blocks, run)
    first = next(runs, None)
    if first is None:
        return
    second = next(runs, None)
    if second is None:
        yield _schedule(_sorted(_rows(first)))
        return
    with tempfile.TemporaryFile(dir=scratch) as file:
        lengths = [_spill(file, first), _spill(file, second)]
        del first, second
        lengths += [_spill(file, block) for block in runs]
        yield from _merge(file, lengths, max(1, run // len(lengths)))


def _spill(file: Any, block: PacketSchedule) -> int:
    _sorted(_rows(block)).tofile(file)
    return len(block)


class _Run:
    """A sorted run on disk, of which a piece is in memory."""

    def __init__(self, file: Any, begin: int, length: int, piece: int) -> None:
        self._file, self._next, self._end, self._piece = file, begin, begin + length, piece
        self.rows: Rows = np.empty(0, ROW)
        self.fill()

    def fill(self) -> None:
        """Read a piece if there is none; ``rows`` stays empty at the end."""
        if not len(self.rows) and self._next < self._end:
            count = min(self._piece, self._end - self._next)
            self._file.seek(self._next * ROW.itemsize)
            self.rows = np.fromfile(self._file, ROW, count)
            self._next += count

    def take(self, cycle: int, inclusive: bool) -> Rows:
        """Remove and return the rows in memory before a cycle, or up to it."""
        side: Literal["left", "right"] = "right" if inclusive else "left"
        count = int(np.searchsorted(self.rows["offered"], cycle, side=side))
        taken, self.rows = self.rows[:count], self.rows[count:]
        self.fill()
        return taken


def _merge(file: Any, lengths: list[int], piece: int) -> Iterator[PacketSchedule]:
    """Merge runs that lie one behind the other in a file.

    Of all pieces in memory the one that ends first can be given out whole, and of the others what
    is not behind its end. Of rows in its last cycle, those of earlier runs go before it; later
    runs keep theirs, as more of them may follow in its next piece.
    """
    begins = np.cumsum([0, *lengths[:-1]])
    runs = [_Run(file, int(at), n, piece) for at, n in zip(begins, lengths, strict=True)]
    while runs:
        ends = [int(run.rows["offered"][-1]) for run in runs]
        last = min(ends)
        shortest = ends.index(last)
        taken = [run.take(last, at <= shortest) for at, run in enumerate(runs)]
        yield _schedule(_sorted(np.concatenate(taken)))
        runs = [run for run in runs if len(run.rows)]


def _rows(block: PacketSchedule) -> Rows:
    rows = np.empty(len(block), ROW)
    for name in COLUMNS:
        rows[name] = getattr(block, name)
    return rows


def _sorted(rows: Rows) -> Rows:
    return rows[np.argsort(rows["offered"], kind="stable")]


def _schedule(rows: Rows) -> PacketSchedule:
    return packed({name: np.ascontiguousarray(rows[name]) for name in COLUMNS})
