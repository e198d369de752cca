"""What the requests of a closed loop add up to (WIN-1 to WIN-4)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from model.engine import PacketStatus, RecordBlock
from model.image import ConfigImage
from model.measure import Histogram, Meter
from model.summary import Summary, spread
from model.traffic.closed_loop import ClosedLoop


class LoopSummary(Summary):
    """Adds the requests of a run up, as :class:`Summary` does, and their round trips.

    Parameters
    ----------
    image : ConfigImage
    loop : ClosedLoop
    silent_sources : int
        Hosted tiles that do not send.
    window : int, optional
        Cycles 0 … window - 1 over which rates are taken; all cycles by default.
    meter : Meter, optional
        Measures the requests, too.
    """

    def __init__(
        self,
        image: ConfigImage,
        loop: ClosedLoop,
        silent_sources: int,
        window: int | None = None,
        meter: Meter | None = None,
    ) -> None:
        super().__init__(image, window, meter)
        self._loop, self._senders = loop, max(1, self._hosted - silent_sources)
        self._trip, self._total_trip = Histogram(), Histogram()
        self._trips = self._held = self._open = self._since = 0

    def add(self, block: RecordBlock) -> None:
        """Add the next packets, requests with their replies."""
        answers = block
        if self._loop.reply:
            answers, block = block.some(slice(1, None, 2)), block.some(slice(0, None, 2))
        super().add(block)
        done = answers.status == PacketStatus.DELIVERED
        begin, end = block.accepted, answers.delivered_last
        self._trip.add((end - begin)[done])
        self._total_trip.add((end - block.offered)[done])
        last = np.iinfo(np.int64).max if self._end is None else self._end
        self._trips += int((end[done] < last).sum())
        self._held += int((np.minimum(end, last) - np.minimum(begin, last))[done].sum())
        lost = ~done & (begin >= 0) & (begin < last) & (block.status != PacketStatus.REFUSED)
        self._open += int(lost.sum())
        self._since += int(begin[lost].sum())

    def figures(self) -> dict[str, Any]:
        """Figures for JSON, after the end.

        Returns
        -------
        dict
            What :meth:`Summary.figures` says of the requests, and ``loop``: its parameters;
            ``round_trip`` from acceptance to what gives the slot back, ``total_round_trip`` from
            offer, both of requests that were not refused; ``request_rate``, round trips per sending
            tile and cycle of the window; ``outstanding``, requests under way per sending tile, in
            the mean over the window.
        """
        found = super().figures()
        span = max(1, self._end or 0)
        held = self._held + self._open * span - self._since
        return found | {
            "loop": {
                **asdict(self._loop),
                "round_trip": spread(self._trip),
                "total_round_trip": spread(self._total_trip),
                "request_rate": round(self._trips / (span * self._senders), 6),
                "outstanding": round(held / (span * self._senders), 3),
            }
        }
