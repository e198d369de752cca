"""How often each value of a whole number came up: exact mean, percentiles, maximum (MEA-4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Histogram:
    """Counts of the values 0, 1, 2, …

    Adding is exact, so neither the order nor the division of the values matters. Memory is 8 bytes
    for each value up to the largest, rounded up to a power of two.

    Members
    -------
    counts : int64[room]
        How often each value came up.
    """

    def __init__(self) -> None:
        self.counts: Ints = np.zeros(64, np.int64)

    def __len__(self) -> int:
        return int(self.counts.sum())

    def add(self, values: npt.NDArray[Any]) -> None:
        """Count some more values, none negative."""
        if len(values):
            self._add(np.bincount(values))

    def merge(self, other: Histogram) -> None:
        """Count what another histogram has counted."""
        self._add(other.counts)

    def _add(self, counts: Ints) -> None:
        if len(counts) > len(self.counts):
            grown = np.zeros(1 << (len(counts) - 1).bit_length(), np.int64)
            grown[: len(self.counts)] = self.counts
            self.counts = grown
        self.counts[: len(counts)] += counts

    @property
    def total(self) -> int:
        """Sum of all values."""
        return int(self.counts @ np.arange(len(self.counts)))

    @property
    def mean(self) -> float | None:
        """None without values."""
        return self.total / len(self) if len(self) else None

    @property
    def max(self) -> int | None:
        """None without values."""
        found = np.flatnonzero(self.counts)
        return int(found[-1]) if len(found) else None

    def percentile(self, percent: float) -> int | None:
        """The least value that at least ``percent`` of all values do not exceed.

        Parameters
        ----------
        percent : float
            Above 0, up to 100.

        Returns
        -------
        int or None
            A value that came up (definition 1 of Hyndman and Fan 1996); None without values.
        """
        if not len(self):
            return None
        # In millionths, so that no rounding moves a rank: 99.9 % of 1,000 values are 999.
        rank = -(-round(percent * 10_000) * len(self) // 1_000_000)
        return int(np.searchsorted(np.cumsum(self.counts), max(1, rank)))
