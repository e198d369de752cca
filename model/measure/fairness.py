"""What each source got (MEA-7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.engine import RecordBlock
from model.measure.breakdown import is_delivered

Ints = npt.NDArray[np.int64]

LEAST_SHARE = 0.95
"""Of a source's offered packets that must be accepted, as in SAT-1."""


@dataclass(frozen=True, kw_only=True)
class Fairness:
    """Differences between sources; None where no packet was offered, or none delivered.

    Members
    -------
    sources : int
        That were offered packets in the measured cycles.
    accepted_least, accepted_most : float or None
        Flits accepted per cycle, of the source with the least and the most.
    share_least : float or None
        Least accepted over offered packets of any source; may exceed 1.
    jain : float or None
        Jain's index of accepted over offered packets: 1 when all get the same share, 1 / n when one
        of n sources gets all (Jain, Chiu and Hawe, DEC-TR-301, 1984).
    latency_least, latency_most : float or None
        Mean total latency of the source with the least and the most.
    starved : int
        Sources whose accepted packets fall short of 95 % of those offered by more than one packet
        (one may just have been offered when the cycles ended).
    """

    sources: int
    accepted_least: float | None
    accepted_most: float | None
    share_least: float | None
    jain: float | None
    latency_least: float | None
    latency_most: float | None
    starved: int


class Sources:
    """Sums by source over the measured cycles.

    Members
    -------
    offered, accepted : int64[logical]
        Packets offered in the measured cycles; packets whose first flit was accepted in them.
    flits : int64[logical]
        Of the packets accepted.
    delivered, latency : int64[logical]
        Of the packets offered in them those that were delivered, and the sum of their total
        latencies.
    """

    def __init__(self, logical: int) -> None:
        self.offered, self.accepted, self.flits, self.delivered, self.latency = np.zeros(
            (5, logical), np.int64
        )

    def add(self, block: RecordBlock, offered: npt.NDArray[np.bool_], accepted: Ints) -> None:
        """Add packets up; the masks tell which were offered and accepted in the measured cycles."""
        done = offered & is_delivered(block)
        waited = (block.delivered_last - block.offered)[done]
        np.add.at(self.offered, block.source[offered], 1)
        np.add.at(self.accepted, block.source[accepted], 1)
        np.add.at(self.flits, block.source[accepted], block.length[accepted].astype(np.int64))
        np.add.at(self.delivered, block.source[done], 1)
        np.add.at(self.latency, block.source[done], waited)

    def merge(self, other: Sources) -> None:
        """Add the sums of other packets of the same run."""
        for name, sums in vars(self).items():
            sums += getattr(other, name)

    def fairness(self, cycles: int) -> Fairness:
        """Compare the sources, over so many measured cycles."""
        sent, heard = self.offered > 0, self.delivered > 0
        share = self.accepted[sent] / self.offered[sent]
        rate = self.flits[sent] / max(1, cycles)
        latency = self.latency[heard] / self.delivered[heard]
        squares = float(share @ share)
        return Fairness(
            sources=int(sent.sum()),
            accepted_least=_least(rate),
            accepted_most=_most(rate),
            share_least=_least(share),
            jain=float(share.sum() ** 2 / (len(share) * squares)) if squares else None,
            latency_least=_least(latency),
            latency_most=_most(latency),
            starved=int((self.accepted + 1 < LEAST_SHARE * self.offered).sum()),
        )


def _least(values: npt.NDArray[np.float64]) -> float | None:
    return float(values.min()) if len(values) else None


def _most(values: npt.NDArray[np.float64]) -> float | None:
    return float(values.max()) if len(values) else None
