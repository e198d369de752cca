"""What a run returns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from model.engine.control import EVENTS, POSITIONS, TRACED, Control
from model.engine.state import (
    COUNTERS,
    FIELD,
    FIRST,
    HEAD,
    MOVED,
    NI_ENTRIES,
    OCCUPANCY,
    OFFENDERS,
    PACKET,
    REFUSED,
    SEEN,
    STALLED,
    STALLED_HIGH,
    WAS_REFUSED,
    WAS_SUNK,
    WATCHDOG,
    Packets,
    State,
    place_shift,
)
from model.image import ConfigImage
from model.random import GOLDEN, mix64
from model.runlog import EVENT_DTYPE, Counters, Event, RunLog
from model.schedule import PacketSchedule

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


@dataclass(eq=False, frozen=True, kw_only=True)
class RecordBlock:
    """Records of packets whose ids follow one another, with what the schedule says of them.

    A run that is fed from a stream hands out its records in such blocks, in the order of ids, each
    packet once; how they are cut into blocks means nothing. -1 where a value does not exist.

    Members
    -------
    id : int64[packets]
    source, destination, length, gap : int32[packets]
        Logical ids, flits, idle cycles between flits.
    offered : int64[packets]
    vc, accepted, delivered_first, delivered_last, hops, status, tile
        As in :class:`PacketRecords`.
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


def record_block(schedule: PacketSchedule, records: PacketRecords, first: int = 0) -> RecordBlock:
    """Records of a schedule as one block; its first packet has the id ``first``."""
    return RecordBlock(
        id=np.arange(first, first + len(schedule)),
        source=schedule.source,
        destination=schedule.destination,
        length=schedule.length,
        gap=schedule.gap,
        offered=schedule.offered,
        **{field.name: getattr(records, field.name) for field in fields(records)},
    )


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


def make_records(image: ConfigImage, packets: Packets, state: State) -> PacketRecords:
    """Turn what the kernel noted of each packet into records."""
    accepted, first, last, hops, where = packets.seen.reshape(-1, SEEN).T
    tile = (where & ~np.uint32(WAS_SUNK | WAS_REFUSED)).astype(np.int32) - 1
    status = np.full(len(packets.length), PacketStatus.WAITING, np.uint8)
    status[accepted > 0] = PacketStatus.IN_FLIGHT
    status[where & WAS_REFUSED != 0] = PacketStatus.REFUSED
    status[where & WAS_SUNK != 0] = PacketStatus.SUNK
    status[last > 0] = PacketStatus.DELIVERED
    status[(last > 0) & (tile != packets.place)] = PacketStatus.MISDELIVERED
    return PacketRecords(
        vc=np.where(accepted > 0, packets.vc, -1).astype(np.int8),
        accepted=accepted.astype(np.int64) - 1,
        delivered_first=first.astype(np.int64) - 1,
        delivered_last=last.astype(np.int64) - 1,
        hops=hops.astype(np.int32) + _hops_under_way(image, packets, state),
        status=status,
        tile=tile,
    )


def _hops_under_way(image: ConfigImage, packets: Packets, state: State) -> npt.NDArray[np.int32]:
    """Hops noted in the first flits that are still in a buffer or an out queue, by packet."""
    spec, V = image.spec, image.spec.vcs
    line = state.line.reshape(spec.tiles, 8, 8 * V)
    held = line[:, OCCUPANCY, : 5 * V + 1].astype(np.int64)
    skipped = np.zeros(5 * V + 1, np.int64)
    skipped[5 * V] = spec.depth - NI_ENTRIES
    slots = state.slots.reshape(spec.tiles, 5 * V + 1, -1)
    hops = np.zeros(len(packets.length), np.int32)
    for entry in range(spec.depth):
        tile, lane = np.nonzero((held > entry) & (entry >= skipped))
        place = (line[tile, HEAD, lane] + entry) % slots.shape[2]
        flit = slots[tile, lane, place]
        flit = (flit - (lane == 5 * V))[flit >> FIRST & 1 == 1]  # LOCAL was no mesh link
        hops[flit >> PACKET & ((1 << place_shift(image.spec) - PACKET) - 1)] = flit & FIELD
    return hops


def make_events(image: ConfigImage, packets: Packets, control: Control) -> npt.NDArray[np.void]:
    """The events in the form of a run log; headers and payloads follow from the flit."""
    position = control.position.reshape(-1, POSITIONS)
    room = len(control.event_cycle) // len(control.leads)
    ends = position[control.leads, EVENTS]
    written = [np.arange(thread * room, end) for thread, end in enumerate(ends)]
    kept = np.concatenate(written)
    order = control.event_cycle[kept].astype(np.int64) << 24
    order = (order | control.event_tile[kept]) << 2 | control.event_kind[kept]
    kept = kept[np.argsort(order, kind="stable")]
    kind, flit = control.event_kind[kept], control.event_flit[kept]
    packet, index = flit >> 16, flit & 0xFFFF
    events = np.zeros(len(kept), EVENT_DTYPE)
    events["cycle"] = control.event_cycle[kept]
    events["tile"] = control.event_tile[kept]
    events["kind"] = kind
    carries = kind != Event.REFUSE
    events["last"][carries] = (index == packets.length[packet] - 1)[carries]
    events["payload"][carries] = payload(flit, image.spec.payload_width)[carries]
    delivers = kind == Event.DELIVER
    events["vc"][delivers] = packets.vc[packet][delivers]
    events["src"][delivers] = image.identity[packets.sender[packet]][delivers]
    return events


def make_trace(control: Control) -> npt.NDArray[np.int64]:
    """Movements in the order of cycles, tiles, inputs, VCs."""
    trace = control.trace[: 7 * control.position[TRACED]].reshape(-1, len(TRACE_COLUMNS))
    key = [trace[:, TRACE_COLUMNS.index(name)] for name in ("vc", "input", "tile", "cycle")]
    return trace[np.lexsort(key)]


def payload(flit: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint64]:
    """Payload of flits ``packet << 16 | index``, cut to ``width`` bits (STM-1)."""
    mixed: Any = mix64(flit.astype(np.uint64) + np.uint64(GOLDEN))
    return np.asarray(mixed & np.uint64(2**width - 1), np.uint64)


def make_counters(image: ConfigImage, packets: Packets, state: State) -> Counters:
    """Read the counters out (CFG-4)."""
    counted = state.counters.reshape(-1, COUNTERS)
    low = state.line.reshape(len(counted), 8, -1)
    key, packet = state.offended.reshape(-1, 2).T
    first_offender = np.zeros((image.spec.tiles, 4), np.int32)
    tiles = np.flatnonzero(key)
    packet = packet[tiles]
    place = packets.place[packet]
    source = image.identity[packets.sender[packet]]
    columns = (np.ones_like(source), source, place % image.spec.width, place // image.spec.width)
    first_offender[tiles] = np.stack(columns, axis=1)
    return Counters(
        moved=counted[:, :5] + low[:, MOVED, :5],
        stalled=counted[:, STALLED_HIGH : STALLED_HIGH + 5] + low[:, STALLED, :5],
        refused=counted[:, REFUSED].copy(),
        offenders=counted[:, OFFENDERS].copy(),
        first_offender=first_offender,
        watchdog=counted[:, WATCHDOG].astype(np.uint8),
    )
