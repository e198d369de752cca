"""What a run is driven with: packets to send, and receivers that stall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(eq=False, kw_only=True)
class PacketSchedule:
    """Packets to offer, sorted by (offered, id); the id of a packet is its index.

    Members
    -------
    source, destination : int32[packets]
        Logical ids. A source must be hosted; a destination may be lost or out of range
        (it is then refused by the NI, NI-2) but must fit the header's id field.
    length : int32[packets]
        Flits, 1 to ``spec.max_packet``.
    offered : int64[packets]
        First cycle in which the source may present the packet's first flit.
    gap : int32[packets]
        Idle cycles the source leaves between two flits of the packet (bubbles).
    silent_sources : int
        Hosted sources that a pattern left without a partner.

    Timing
    ------
    A source sends its packets in id order. Flit k of a packet is presented from cycle
    ``max(offered, t + 1)`` (k = 0) or ``t + 1 + gap`` (k > 0) on, t being the cycle in which the
    source's previous flit was transferred, and then held until transferred (LNK-4).
    """

    source: npt.NDArray[np.int32]
    destination: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int64]
    gap: npt.NDArray[np.int32]
    silent_sources: int = 0

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True)
class StallPattern:
    """Which core receivers refuse which cycles (design.md §8, STL-1).

    Parameters
    ----------
    threshold : int
        Share of stalled cycles in 1/2**32, 0 to 2**32 - 1; 0 never stalls.
    burst_log2 : int
        The draw is repeated for 2**burst_log2 cycles, 0 to 16.
    seed : int
        0 to 2**32 - 1.
    """

    threshold: int = 0
    burst_log2: int = 0
    seed: int = 0


NO_STALLS = StallPattern()
