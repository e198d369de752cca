"""Everything a run of a fabric shows at its core ports and counters, in one comparable form.

The golden engine, the tile array and the cocotb benches each make a :class:`RunLog`; equality of
two logs is equality of RTL and model in every observable (ENG-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Event(IntEnum):
    """Kinds of events at a core port."""

    ACCEPT = 0
    REFUSE = 1
    DELIVER = 2


EVENT_DTYPE = np.dtype(
    [
        ("cycle", "<u4"),
        ("tile", "<u4"),
        ("kind", "u1"),
        ("vc", "u1"),
        ("last", "u1"),
        ("src", "<u4"),
        ("payload", "<u8"),
    ]
)
"""One event. ACCEPT: a flit moves into the NI (vc and src are 0). REFUSE: ``core_refused`` is high
(vc, last, src, payload are 0). DELIVER: a flit moves out to the core, with what the port shows.
Sorted by (cycle, tile, kind)."""


@dataclass(eq=False, kw_only=True)
class Counters:
    """CFG-4 status of every tile at the end of the last cycle; zero where a tile is not live.

    Members
    -------
    moved, stalled : uint32[tiles, 5]
    refused, offenders : uint32[tiles]
    first_offender : int32[tiles, 4]
        valid, src, dst_x, dst_y; all zero while valid is 0.
    watchdog : uint8[tiles]
    """

    moved: npt.NDArray[np.uint32]
    stalled: npt.NDArray[np.uint32]
    refused: npt.NDArray[np.uint32]
    offenders: npt.NDArray[np.uint32]
    first_offender: npt.NDArray[np.int32]
    watchdog: npt.NDArray[np.uint8]

    @classmethod
    def zeros(cls, tiles: int) -> Counters:
        """All counters of ``tiles`` tiles after reset."""
        return cls(
            moved=np.zeros((tiles, 5), np.uint32),
            stalled=np.zeros((tiles, 5), np.uint32),
            refused=np.zeros(tiles, np.uint32),
            offenders=np.zeros(tiles, np.uint32),
            first_offender=np.zeros((tiles, 4), np.int32),
            watchdog=np.zeros(tiles, np.uint8),
        )


@dataclass(eq=False, kw_only=True)
class RunLog:
    """Observables of cycles 0 … ``cycles`` - 1.

    Members
    -------
    cycles : int
        Cycles run.
    events : EVENT_DTYPE[...]
    counters : Counters
    quiet : bool
        After the last cycle every live tile is quiet (CFG-2) and every packet was accepted.
    """

    cycles: int
    events: npt.NDArray[np.void]
    counters: Counters
    quiet: bool
