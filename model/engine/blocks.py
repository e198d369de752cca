"""Packet records in blocks, in the order of ids."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from model.engine.packets import PacketSlots
from model.engine.state import (
    FIELD,
    FIRST,
    GONE,
    HEAD,
    NI_ENTRIES,
    OCCUPANCY,
    PACKET,
    SEEN,
    WAS_REFUSED,
    WAS_SUNK,
    State,
    place_shift,
)
from model.image import ConfigImage
from model.schedule import PacketSchedule


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


@dataclass(eq=False, frozen=True, kw_only=True)
class RecordBlock:
    """Records of packets whose ids follow one another; -1 where a value does not exist.

    A run that is fed by a stream hands out its records in such blocks, in the order of ids, each
    packet once; how they are cut into blocks means nothing.

    Members
    -------
    id : int64[packets]
    source, destination, length, gap : int32[packets]
        Logical ids, flits, idle cycles between flits.
    vc : int8[packets]
        Chosen by the source NI when it accepts the packet.
    offered, accepted, delivered_first, delivered_last : int64[packets]
        Cycles: of creation, of the first flit's transfer in, of the first flit's and the last
        flit's transfer out.
    hops : int32[packets]
        Mesh links that the first flit crossed.
    status : uint8[packets]
        A :class:`PacketStatus`.
    tile : int32[packets]
        Where it was delivered or sunk.
    """

    id: npt.NDArray[np.int64]
    source: npt.NDArray[np.int32]
    destination: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    gap: npt.NDArray[np.int32]
    vc: npt.NDArray[np.int8]
    offered: npt.NDArray[np.int64]
    accepted: npt.NDArray[np.int64]
    delivered_first: npt.NDArray[np.int64]
    delivered_last: npt.NDArray[np.int64]
    hops: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    tile: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.id)

    def some(self, which: slice | npt.NDArray[np.bool_]) -> RecordBlock:
        """Chosen packets."""
        columns = {field.name: getattr(self, field.name)[which] for field in fields(self)}
        return RecordBlock(**columns)


def join_blocks(blocks: list[RecordBlock]) -> RecordBlock:
    """One block of blocks that follow one another, at least one."""
    columns = [field.name for field in fields(RecordBlock)]
    return RecordBlock(
        **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in columns}
    )


def make_block(loaded: PacketSlots, slots: npt.NDArray[Any], hops: Any = 0) -> RecordBlock:
    """Turn what the kernel noted of the oldest packets into records.

    Parameters
    ----------
    loaded : PacketSlots
    slots : int[packets]
        Of the packets from the oldest on.
    hops : int or int32[packets]
        Still to be added, see :func:`hops_under_way`.
    """
    packets = loaded.packets
    accepted, first, last, crossed, where = packets.seen.reshape(-1, SEEN)[slots].T
    tile = (where & ~np.uint32(GONE | WAS_SUNK | WAS_REFUSED)).astype(np.int32) - 1
    target, vc = loaded.first_flits.targets(packets.flit[slots])
    status = np.full(len(slots), PacketStatus.WAITING, np.uint8)
    status[accepted > 0] = PacketStatus.IN_FLIGHT
    status[where & WAS_REFUSED != 0] = PacketStatus.REFUSED
    status[where & WAS_SUNK != 0] = PacketStatus.SUNK
    status[last > 0] = PacketStatus.DELIVERED
    status[(last > 0) & (tile != target)] = PacketStatus.MISDELIVERED
    return RecordBlock(
        id=np.arange(loaded.first, loaded.first + len(slots)),
        source=loaded.source[slots],
        destination=loaded.destination[slots],
        length=packets.length[slots],
        gap=packets.gap[slots],
        vc=np.where(accepted > 0, vc, np.int8(-1)),
        offered=loaded.offered(slots),
        accepted=accepted.astype(np.int64) - 1,
        delivered_first=first.astype(np.int64) - 1,
        delivered_last=last.astype(np.int64) - 1,
        hops=crossed.astype(np.int32) + hops,
        status=status,
        tile=tile,
    )


def unsent_block(schedule: PacketSchedule, first: int) -> RecordBlock:
    """Records of packets that were never loaded; ids count from ``first``."""
    nowhere = np.full(len(schedule), -1)
    return RecordBlock(
        id=np.arange(first, first + len(schedule)),
        source=schedule.source,
        destination=schedule.destination,
        length=schedule.length,
        gap=schedule.gap,
        vc=nowhere.astype(np.int8),
        offered=schedule.offered,
        accepted=nowhere,
        delivered_first=nowhere,
        delivered_last=nowhere,
        hops=np.zeros(len(schedule), np.int32),
        status=np.full(len(schedule), PacketStatus.WAITING, np.uint8),
        tile=nowhere.astype(np.int32),
    )


def hops_under_way(image: ConfigImage, state: State, room: int) -> npt.NDArray[np.int32]:
    """Hops noted in the first flits that are still in a buffer or an out queue, by slot."""
    spec, V = image.spec, image.spec.vcs
    line = state.line.reshape(spec.tiles, 8, 8 * V)
    held = line[:, OCCUPANCY, : 5 * V + 1].astype(np.int64)
    skipped = np.zeros(5 * V + 1, np.int64)
    skipped[5 * V] = spec.depth - NI_ENTRIES
    slots = state.slots.reshape(spec.tiles, 5 * V + 1, -1)
    hops = np.zeros(room, np.int32)
    for entry in range(spec.depth):
        tile, lane = np.nonzero((held > entry) & (entry >= skipped))
        place = (line[tile, HEAD, lane] + entry) % slots.shape[2]
        flit = slots[tile, lane, place]
        flit = (flit - (lane == 5 * V))[flit >> FIRST & 1 == 1]  # LOCAL was no mesh link
        hops[flit >> PACKET & ((1 << place_shift(image.spec) - PACKET) - 1)] = flit & FIELD
    return hops
