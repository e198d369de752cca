"""What the records of a run add up to."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.engine import EngineResult, PacketStatus, RecordBlock
from model.image import ConfigImage
from model.measure import Histogram, Meter

DONE = (PacketStatus.DELIVERED, PacketStatus.MISDELIVERED)
RATES = {"offered_load": "offered", "accepted_load": "accepted", "throughput": "delivered_last"}
"""Rates, and the column that says when their flits count."""


class Summary:
    """Adds the records of a run up, which come in blocks.

    Memory: 8 bytes for each cycle of the longest latency; and before the end of a run is known, 16
    for each packet of a source that can never accept any.

    Parameters
    ----------
    image : ConfigImage
    window : int, optional
        Cycles 0 … window - 1 over which rates are taken; all cycles by default.
    meter : Meter, optional
        Measures the run, too.
    """

    def __init__(
        self, image: ConfigImage, window: int | None = None, meter: Meter | None = None
    ) -> None:
        self.meter = meter
        self._end, self._hosted = window, int((image.remap_tile >= 0).sum())
        self._status = np.zeros(len(PacketStatus), np.int64)
        self._flits = dict.fromkeys(RATES, 0)
        self._hops = 0
        self._latency, self._total = Histogram(), Histogram()
        self._waiting: list[RecordBlock] = []

    def add(self, block: RecordBlock) -> None:
        """Add the next packets."""
        if self.meter is not None:
            self.meter.packets.add(block)
        self._status += np.bincount(block.status, minlength=len(PacketStatus))
        done = np.isin(block.status, DONE)
        self._hops += int(block.hops[done].sum())
        self._latency.add((block.delivered_last - block.accepted)[done])
        self._total.add((block.delivered_last - block.offered)[done])
        waiting = block.status == PacketStatus.WAITING
        if self._end is None and waiting.any():
            self._waiting.append(block.some(waiting))
            block = block.some(~waiting)
        self._count(block)

    def end(self, cycles: int) -> None:
        """Say how many cycles the run has; all blocks that come before are of a run so far."""
        self._end = cycles if self._end is None else self._end
        waiting, self._waiting = self._waiting, []
        for block in waiting:
            self._count(block)

    def figures(self) -> dict[str, Any]:
        """Figures for JSON, after the end.

        Returns
        -------
        dict
            Packets by status; ``offenders`` (packets sunk); ``latency`` from acceptance to the last
            flit's delivery and ``total_latency`` from offer, each mean, p50, p99, max (None without
            deliveries; percentiles are values that occurred); ``offered_load``, ``accepted_load``
            and ``throughput`` in flits per hosted tile and cycle of the window.
        """
        assert self._end is not None
        span, delivered = max(1, self._end), len(self._total)
        return {
            "packets": int(self._status.sum()),
            **{status.name.lower(): int(self._status[status]) for status in PacketStatus},
            "offenders": int(self._status[PacketStatus.SUNK]),
            "hosted": self._hosted,
            **{
                rate: round(flits / (span * max(1, self._hosted)), 6)
                for rate, flits in self._flits.items()
            },
            "hops_mean": round(self._hops / delivered, 3) if delivered else None,
            "latency": spread(self._latency),
            "total_latency": spread(self._total),
        }

    def _count(self, block: RecordBlock) -> None:
        """Count flits whose time lies in the window; before the end is known, all do."""
        for rate, name in RATES.items():
            when = getattr(block, name)
            within = when >= 0
            if self._end is not None:
                within &= when < max(1, self._end)
            self._flits[rate] += int(block.length[within].sum())


def summarise(
    image: ConfigImage, result: EngineResult, silent_sources: int = 0, window: int | None = None
) -> dict[str, Any]:
    """Add a run up, ready for JSON: what :func:`run_figures` returns, of a run in memory."""
    summary = Summary(image, window)
    summary.end(result.log.cycles)
    summary.add(result.records)
    return run_figures(summary, result, silent_sources)


def run_figures(summary: Summary, result: EngineResult, silent_sources: int = 0) -> dict[str, Any]:
    """What packets add up to, and what a run shows beside them."""
    return {
        "cycles": result.log.cycles,
        "finished": result.finished,
        "stuck": result.stuck,
        **summary.figures(),
        "silent_sources": silent_sources,
        "watchdogs": int(result.log.counters.watchdog.sum()),
    }


def spread(found: Histogram) -> dict[str, float | int | None]:
    """Mean and percentiles, for JSON; None of nothing."""
    return {
        "mean": None if found.mean is None else round(found.mean, 3),
        "p50": found.percentile(50),
        "p99": found.percentile(99),
        "max": found.max,
    }
