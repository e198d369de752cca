"""Where the time of a delivered packet goes (MEA-3)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.engine import PacketStatus, RecordBlock

Ints = npt.NDArray[np.int64]

PIPELINE: Final = 3
"""Cycles of a packet that crosses no link: NI, router, NI (RTR-3)."""


class Split(NamedTuple):
    """Cycles of each delivered packet; they add up to its total latency.

    Members
    -------
    queueing : int64[packets]
        In the source queue: accepted - offered.
    zero_load : int64[packets]
        Of the first flit through an empty fabric: mesh links + ``PIPELINE``.
    serialisation : int64[packets]
        Of the other flits behind it, and the idle cycles that the source leaves between them.
    contention : int64[packets]
        The rest: waiting for links, buffers, NI queues, and for cores that refuse. Never negative.
    """

    queueing: Ints
    zero_load: Ints
    serialisation: Ints
    contention: Ints


PARTS: Final = Split._fields


def split(block: RecordBlock, which: npt.NDArray[np.bool_]) -> Split:
    """Split the latency of chosen packets of a block, all of which are delivered."""
    accepted, end = block.accepted[which], block.delivered_last[which]
    zero_load = block.hops[which].astype(np.int64) + PIPELINE
    behind = block.length[which].astype(np.int64) - 1
    serialisation = behind * (1 + block.gap[which])
    return Split(
        queueing=accepted - block.offered[which],
        zero_load=zero_load,
        serialisation=serialisation,
        contention=end - accepted - zero_load - serialisation,
    )


def is_delivered(block: RecordBlock) -> npt.NDArray[np.bool_]:
    """Packets that their own destination has received."""
    return block.status == PacketStatus.DELIVERED
