"""Packet lengths: one, a range, or a mix with weights."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.random import U64, below


@dataclass(frozen=True)
class Lengths:
    """Lengths in flits: with share ``shares[k]`` one from ``low[k]`` to ``high[k]``, all alike.

    Parameters
    ----------
    low, high : tuple of int
        Inclusive ranges.
    shares : tuple of float
        As many, above 0, 1 in all.
    """

    low: tuple[int, ...]
    high: tuple[int, ...]
    shares: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Expected length."""
        ends = zip(self.low, self.high, self.shares, strict=True)
        return sum((low + high) / 2 * share for low, high, share in ends)

    def draw(self, numbers: U64) -> npt.NDArray[np.int32]:
        """A length for each uniform 64-bit number.

        A single range takes the upper 32 bits; of a mix they choose the range, and the lower 32
        bits the length in it.
        """
        low, high = np.array(self.low), np.array(self.high)
        if len(low) == 1:
            return (self.low[0] + below(numbers, self.high[0] - self.low[0] + 1)).astype(np.int32)
        limits = np.rint(np.cumsum(self.shares) * 2**32).astype(np.uint64)
        limits[-1] = 2**32
        part = np.searchsorted(limits, numbers >> np.uint64(32), side="right")
        within = below(numbers << np.uint64(32), (high - low + 1)[part])
        return np.asarray(low[part] + within).astype(np.int32)


def parse_lengths(text: str, max_packet: int) -> Lengths:
    """``"4"``, ``"1-16"``, or a mix with weights, ``"1:0.8,5:0.2"`` or ``"1:3,4-8:1"``.

    Raises
    ------
    InputError
        When the text is none of these, a length is not from 1 to ``max_packet``, or a weight is
        not above 0.
    """
    parts = text.split(",")
    low, high, weights = [], [], []
    for part in parts:
        match = re.fullmatch(
            r"(\d{1,4})(?:-(\d{1,4}))?(?::(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))?", part
        )
        if not match or (match[3] is None) != (len(parts) == 1):
            break
        low.append(int(match[1]))
        high.append(int(match[2] or match[1]))
        weights.append(float(match[3] or 1))
        if not 1 <= low[-1] <= high[-1] <= max_packet or not weights[-1]:
            break
    else:
        total = sum(weights)
        return Lengths(tuple(low), tuple(high), tuple(weight / total for weight in weights))
    raise InputError(
        f"length is {text!r}; allowed: N or LOW-HIGH, from 1 to {max_packet}, or several with"
        " weights, as 1:0.8,5:0.2"
    )
