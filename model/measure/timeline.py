"""What happened when, in slots of equal length (MEA-5, MEA-6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from model.engine import RecordBlock
from model.measure.breakdown import is_delivered

Ints = npt.NDArray[np.int64]

SLOTS: Final = 512
"""Most slots; when a cycle lies beyond them, every two become one."""

OFFERED, ACCEPTED, DELIVERED, PACKETS, LATENCY = range(5)
"""Rows of a timeline: flits of the packets offered, accepted (first flit), delivered (last flit) in
a slot; packets *offered* in it that were delivered, and the sum of their total latencies."""


class Timeline:
    """Sums over slots of a run from a first cycle on, in bounded memory.

    Slots get twice as long whenever the run outgrows them. As sums are exact, neither order nor
    division of the packets matters.

    Members
    -------
    first, end : int
        The cycle in which slot 0 begins, and the one from which on nothing is added any more (None:
        never); what happens earlier is left out, too.
    width : int
        Cycles of a slot, a power of two.
    latency_only : bool
        Leaves the first three rows at 0.
    rows : int64[5, SLOTS]
        By the names above.
    """

    def __init__(
        self, first: int = 0, end: int | None = None, *, latency_only: bool = False
    ) -> None:
        self.first, self.end, self.width = first, end, 1
        self._latency_only = latency_only
        self.rows: Ints = np.zeros((5, SLOTS), np.int64)

    def add(self, block: RecordBlock) -> None:
        """Add packets up."""
        done = is_delivered(block)
        offered, late = block.offered[done], block.delivered_last[done]
        self._add(offered, {PACKETS: None, LATENCY: late - offered})
        if not self._latency_only:
            self._add(block.offered, {OFFERED: block.length})
            self._add(block.accepted, {ACCEPTED: block.length})
            self._add(late, {DELIVERED: block.length[done]})

    def _add(self, cycle: Ints, rows: Mapping[int, npt.NDArray[np.integer] | None]) -> None:
        """Add to rows what each cycle brings, or that it came up."""
        counted = cycle >= self.first
        if self.end is not None:
            counted &= cycle < self.end
        since = cycle[counted] - self.first
        if not len(since):
            return
        while int(since.max()) >= self.width * SLOTS:
            self._widen()
        slot = since >> (self.width.bit_length() - 1)
        for row, what in rows.items():
            # Sums of integers in float64 are exact below 2**53.
            found = np.bincount(slot, None if what is None else what[counted], SLOTS)
            self.rows[row] += found.astype(np.int64)

    def _widen(self) -> None:
        halves = self.rows.reshape(5, SLOTS // 2, 2).sum(axis=2)
        self.rows = np.concatenate([halves, np.zeros_like(halves)], axis=1)
        self.width *= 2

    def merge(self, other: Timeline) -> None:
        """Add another timeline from the same first cycle on, which may get wider slots."""
        while self.width < other.width:
            self._widen()
        while other.width < self.width:
            other._widen()
        self.rows = self.rows + other.rows

    def until(self, end: int) -> tuple[Ints, Ints]:
        """The slots that begin before cycle ``end``: their rows, and how long they are."""
        span = max(0, end - self.first)
        slots = min(SLOTS, -(-span // self.width))
        cycles = np.minimum(self.width, span - np.arange(slots) * self.width)
        return self.rows[:, :slots], cycles
