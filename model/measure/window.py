"""The measured cycles of a run and everything that is added up over them (MEA-1 to MEA-8)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from model.engine import PacketStatus, RecordBlock
from model.image import ConfigImage
from model.measure.breakdown import PARTS, is_delivered, split
from model.measure.confidence import interval
from model.measure.fairness import Sources
from model.measure.histogram import Histogram
from model.measure.steady import steadiness
from model.measure.timeline import ACCEPTED, DELIVERED, LATENCY, OFFERED, PACKETS, Timeline

PERCENTILES: Final = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99.9": 99.9}

PIECE: Final = 1 << 16
"""Packets added up at once, so that what is needed meanwhile stays small."""

UNENDED: Final = (PacketStatus.WAITING, PacketStatus.IN_FLIGHT)


class Measurement:
    """Sums over the packets of a run, which come in blocks of any size and order, each once.

    What it holds are plain arrays and integers, so it can be kept in a file and go on later, or be
    merged with that of other packets. Memory: 40 bytes a logical tile, 16 bytes for each cycle of
    the longest latency, 40 KiB.

    Parameters
    ----------
    image : ConfigImage
    begin : int
        First measured cycle: the length of the warm-up.
    end : int, optional
        The cycle after the last measured one; None where that is not known yet.

    Members
    -------
    status : int64[6]
        Measured packets by :class:`PacketStatus`. *Measured* are those offered from ``begin`` to
        ``end`` (MEA-2).
    total, network : Histogram
        Cycles from offer, and from acceptance, to the last flit's delivery, of measured packets
        that were delivered.
    parts : int64[4]
        Sums of what the total splits into (MEA-3).
    hops : int
        Sum over the same packets.
    whole, measured : Timeline
        From cycle 0, and from ``begin``.
    sources : Sources
    """

    def __init__(self, image: ConfigImage, begin: int, end: int | None) -> None:
        self.begin, self.end = begin, end
        self.hosted = int((image.remap_tile >= 0).sum())
        self.status = np.zeros(len(PacketStatus), np.int64)
        self.total, self.network = Histogram(), Histogram()
        self.parts = np.zeros(len(PARTS), np.int64)
        self.hops = 0
        self.whole = Timeline(0, end, latency_only=True)
        self.measured = Timeline(begin, end)
        self.sources = Sources(image.logical)

    def add(self, block: RecordBlock) -> None:
        """Add packets up."""
        for at in range(0, len(block), PIECE):
            self._add(block.some(slice(at, at + PIECE)))

    def _add(self, block: RecordBlock) -> None:
        offered, accepted = self._within(block.offered), self._within(block.accepted)
        self.status += np.bincount(block.status[offered], minlength=len(PacketStatus))
        self.whole.add(block)
        self.measured.add(block)
        self.sources.add(block, offered, accepted)
        done = offered & is_delivered(block)
        end = block.delivered_last[done]
        self.total.add(end - block.offered[done])
        self.network.add(end - block.accepted[done])
        self.parts += [int(part.sum()) for part in split(block, done)]
        self.hops += int(block.hops[done].sum())

    def _within(self, cycle: Any) -> Any:
        within = cycle >= self.begin
        return within if self.end is None else within & (cycle < self.end)

    def merge(self, other: Measurement) -> None:
        """Add the sums of other packets of the same run and window."""
        self.status += other.status
        self.parts += other.parts
        self.hops += other.hops
        for name in ("total", "network", "whole", "measured", "sources"):
            getattr(self, name).merge(getattr(other, name))

    def close(self, end: int) -> None:
        """Say where the measured cycles end, where it was not known.

        What was added before must have been offered before; what comes later may not.
        """
        self.end = self.whole.end = self.measured.end = max(self.begin, end)

    def figures(self) -> dict[str, Any]:
        """All figures of the packets, for JSON; None for what does not exist."""
        end = self.end
        if end is None:
            raise ValueError("the end of the measured cycles is not known")
        cycles, delivered = max(1, end - self.begin), len(self.total)
        rows, _ = self.measured.until(end)
        fairness = self.sources.fairness(cycles)
        settling = steadiness(self.whole, self.measured, end)
        unended = int(self.status[list(UNENDED)].sum())
        saturated = bool(unended or fairness.starved)
        total = _spread(self.total) | _interval(rows)

        def load(row: int) -> float:
            return round(float(rows[row].sum()) / (cycles * max(1, self.hosted)), 6)

        return {
            "begin": self.begin,
            "end": end,
            "measured": int(self.status.sum()),
            **{status.name.lower(): int(self.status[status]) for status in PacketStatus},
            "complete": not unended,
            "saturated": saturated,
            "steady": not saturated and not settling.drifts,
            "hosted": self.hosted,
            "offered_load": load(OFFERED),
            "accepted_load": load(ACCEPTED),
            "throughput": load(DELIVERED),
            "total_latency": total,
            "latency": _spread(self.network),
            "split": {
                name: _rounded(int(part) / delivered if delivered else None)
                for name, part in zip(PARTS, self.parts, strict=True)
            },
            "hops_mean": _rounded(self.hops / delivered if delivered else None),
            "fairness": _all_rounded(asdict(fairness)),
            "steadiness": _all_rounded(asdict(settling)),
        }


def _spread(found: Histogram) -> dict[str, float | int | None]:
    return {
        "mean": _rounded(found.mean),
        **{name: found.percentile(percent) for name, percent in PERCENTILES.items()},
        "max": found.max,
    }


def _interval(rows: Any) -> dict[str, Any]:
    found = interval(rows[LATENCY], rows[PACKETS])
    if found is None:
        return dict.fromkeys(("half_width", "batches", "correlated"))
    return {
        "half_width": _rounded(found.half_width),
        "batches": found.batches,
        "correlated": found.correlated,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _all_rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in values.items()
    }
