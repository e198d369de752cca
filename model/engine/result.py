"""What a run returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from model.engine.state import Packets
from model.image import ConfigImage
from model.runlog import RunLog

TRACE_COLUMNS = ("cycle", "tile", "input", "output", "vc", "packet", "flit")


class PacketStatus(IntEnum):
    """What became of a packet by the end of a run."""

    WAITING = 0
    """Its first flit was never accepted."""
    IN_FLIGHT = 1
    DELIVERED = 2
    SUNK = 3
    """An offender, taken off the network (TBL-3); possibly not yet whole."""
    REFUSED = 4
    """Consumed by the source's NI, because its destination is unmapped (NI-2)."""
    MISDELIVERED = 5
    """Given to the core of another tile, because a route table says LOCAL there."""


@dataclass(eq=False, kw_only=True)
class PacketRecords:
    """One row per packet of the schedule; -1 where a value does not exist.

    Members
    -------
    vc : int8[packets]
        Chosen by the source NI when it accepts the packet.
    accepted, delivered_first, delivered_last : int64[packets]
        Cycles of the first flit's transfer in, the first flit's and the last flit's transfer out.
    hops : int32[packets]
        Mesh links that the first flit crossed.
    status : uint8[packets]
        A :class:`PacketStatus`.
    tile : int32[packets]
        Where it was delivered or sunk.
    """

    vc: npt.NDArray[np.int8]
    accepted: npt.NDArray[np.int64]
    delivered_first: npt.NDArray[np.int64]
    delivered_last: npt.NDArray[np.int64]
    hops: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    tile: npt.NDArray[np.int32]


@dataclass(eq=False, kw_only=True)
class EngineResult:
    """Everything a run shows.

    Members
    -------
    log : RunLog
        Comparable with a log of the RTL. ``log.counters.moved`` are the flits per link.
    records : PacketRecords
    finished : bool
        Nothing is left to do: the fabric is empty, and every packet was accepted whose source
        tile can accept any.
    occupancy : uint8[window, tiles, 5, vcs] or None
        Flits in every input VC during the cycles asked for, before the edge that ends each.
    trace : int64[moves, 7] or None
        Columns ``TRACE_COLUMNS``: one row for every flit that leaves an input VC in the cycles
        asked for, sorted by (cycle, tile, input, vc). Output 5 means sunk.
    """

    log: RunLog
    records: PacketRecords
    finished: bool
    occupancy: npt.NDArray[np.uint8] | None
    trace: npt.NDArray[np.int64] | None


def make_records(image: ConfigImage, packets: Packets) -> PacketRecords:
    """Turn what the kernel noted of each packet into records."""
    delivered = packets.delivered_last >= 0
    status = np.full(len(packets.length), PacketStatus.WAITING, np.uint8)
    status[packets.accepted >= 0] = PacketStatus.IN_FLIGHT
    status[packets.refused] = PacketStatus.REFUSED
    status[packets.sunk] = PacketStatus.SUNK
    status[delivered] = PacketStatus.DELIVERED
    status[delivered & (packets.tile != packets.place)] = PacketStatus.MISDELIVERED
    return PacketRecords(
        vc=np.where(packets.accepted >= 0, packets.vc, -1).astype(np.int8),
        accepted=packets.accepted,
        delivered_first=packets.delivered_first,
        delivered_last=packets.delivered_last,
        hops=packets.hops,
        status=status,
        tile=packets.tile,
    )
