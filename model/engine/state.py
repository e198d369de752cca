"""The arrays a run works on, and how they are made from an image and a schedule.

Everything is a flat array; a flit is one integer, ``packet << 16 | index``. All else a flit
carries (place, source, VC, last, payload) follows from its packet, so it is stored per packet.

Index conventions, with V = VCs: an *input VC* is ``b = (tile * 5 + port) * V + vc``, an *output
VC* is ``(tile * 5 + output) * V + vc``, an output is ``tile * 5 + output``.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.engine.check import accepting, source_tiles
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import VC_RULES

FLIT_BITS: Final = 16
"""Bits of a flit's index within its packet; ``spec.max_packet`` is at most 1024."""

UNKNOWN: Final = -1
"""``dest`` of an input VC before its first flit was looked up."""

SINK: Final = 5
"""``dest`` of an input VC that sinks an offender; also the ``output`` of a trace row."""

NI_ENTRIES: Final = 2
"""Entries of either NI queue (NI-1, NI-3)."""

Ints = npt.NDArray[Any]


class Fabric(NamedTuple):
    """What does not change while running: sizes, tables, fuses, the stall pattern."""

    width: int
    vcs: int
    depth: int
    watchdog: int
    core_ok: Ints  # bool[tiles]
    out_ok: Ints  # bool[tiles, 4]
    turns: Ints  # bool[tiles, 5, 5, vcs]
    routes: Ints  # ROUTE_DTYPE[tiles, route_entries]
    stall_threshold: np.uint64
    stall_burst: np.uint64
    stall_seed: np.uint64


class Packets(NamedTuple):
    """The schedule, and what has become of each packet so far; -1 where nothing has."""

    length: Ints  # int32[packets]
    offered: Ints  # int64[packets]
    gap: Ints  # int32[packets]
    sender: Ints  # int32[packets]: tile
    queue: Ints  # int64[packets]: packet ids grouped by sender, ascending
    queue_begin: Ints  # int64[tiles]: the tile's part of ``queue``
    queue_end: Ints  # int64[tiles]: equal to its begin where the tile cannot accept
    place: Ints  # int32[packets]: physical destination tile; -1 when unmapped
    vc: Ints  # int8[packets]; -1 when unmapped
    accepted: Ints  # int64[packets]: cycle
    delivered_first: Ints  # int64[packets]: cycle
    delivered_last: Ints  # int64[packets]: cycle
    hops: Ints  # int32[packets]
    refused: Ints  # bool[packets]
    sunk: Ints  # bool[packets]
    tile: Ints  # int32[packets]: where delivered or sunk


class State(NamedTuple):
    """Registers of all tiles, the sources in front of them, and the work lists of a cycle."""

    buffer: Ints  # int64[input VCs * depth]: flits
    head: Ints  # int8[input VCs]
    occupancy: Ints  # int8[input VCs]
    front_since: Ints  # int64[input VCs]: cycle in which the front flit came to the front
    dest: Ints  # int8[input VCs]: output of the packet in front, UNKNOWN or SINK
    begun: Ints  # uint8[input VCs]: open or sinking
    owner: Ints  # int8[output VCs]
    pointer: Ints  # int8[output VCs]: p[o][v]
    next_vc: Ints  # int8[outputs]: q[o]
    in_queue: Ints  # int64[tiles, 2]
    in_head: Ints  # int8[tiles]
    in_count: Ints  # int8[tiles]
    out_queue: Ints  # int64[tiles, 2]
    out_head: Ints  # int8[tiles]
    out_count: Ints  # int8[tiles]
    sending: Ints  # int64[tiles]: position in Packets.queue
    flit: Ints  # int32[tiles]: index of the flit presented next
    present_at: Ints  # int64[tiles]: first cycle in which that flit is presented
    load: Ints  # int32[tiles]: flits in the tile, NI queues included
    active: Ints  # uint8[tiles rounded up to 8]: tiles to visit
    active_words: Ints  # the same memory as uint64, to skip eight idle tiles at once
    moved: Ints  # int64[tiles, 5]; counters wrap when they are read out
    stalled: Ints  # int64[tiles, 5]
    refused: Ints  # int64[tiles]
    offenders: Ints  # int64[tiles]
    first_offender: Ints  # int64[tiles]: packet, or -1
    watchdog: Ints  # uint8[tiles]
    visit: Ints  # int64[tiles]: tiles visited this cycle
    ni_moves: Ints  # uint8[tiles]: what the NI of visit[n] does this cycle
    move_from: Ints  # int64[input VCs]: input VC a flit leaves this cycle
    move_to: Ints  # int64[input VCs]: input VC it enters, or TO_CORE, TO_SINK
    wants: Ints  # int64[5 * vcs]: scratch of one tile, inputs asking for an output VC


class Control(NamedTuple):
    """Where a run stands, and what it writes down."""

    position: Ints  # int64[7]; see the indices below
    event_cycle: Ints  # uint32[...]
    event_tile: Ints  # uint32[...]
    event_kind: Ints  # uint8[...]
    event_flit: Ints  # int64[...]
    trace: Ints  # int64[..., 7]
    trace_from: int
    trace_to: int
    occupancy: Ints  # uint8[cycles, input VCs]
    occupancy_from: int


CYCLE: Final = 0
WOKEN: Final = 1
"""Packets 0 … WOKEN - 1 have been offered."""
EVENTS: Final = 2
TRACED: Final = 3
IN_FLIGHT: Final = 4
"""Flits accepted and not yet delivered, refused or sunk."""
TO_ACCEPT: Final = 5
"""Flits that tiles able to accept have not accepted yet."""
MOVES: Final = 6


def bytes_per_tile(vcs: int, depth: int) -> int:
    """Memory of :class:`State` per tile, in bytes; tables, packets and logs come on top.

    Per input VC 8 bytes for each flit of depth, 12 of bookkeeping and 16 for its move; per output
    VC 2; 5 per tile for q; 36 for the NI, 20 for the source, 5 for activity, 105 for counters
    and 9 for the list of visits.
    """
    return 5 * vcs * (8 * depth + 12 + 16 + 2) + 5 + 36 + 20 + 5 + 105 + 9


def make_fabric(image: ConfigImage, stalls: StallPattern) -> Fabric:
    """Collect the constants of a run; arrays of the image are used in place, read only."""
    spec = image.spec
    return Fabric(
        width=spec.width,
        vcs=spec.vcs,
        depth=spec.depth,
        watchdog=spec.watchdog,
        core_ok=image.core_ok,
        out_ok=image.out_ok,
        turns=image.turns,
        routes=image.routes,
        stall_threshold=np.uint64(stalls.threshold),
        stall_burst=np.uint64(stalls.burst_log2),
        stall_seed=np.uint64(stalls.seed),
    )


def remap(image: ConfigImage, sender: Ints, destination: Ints) -> tuple[Ints, Ints]:
    """Place and VC of packets as their source's NI finds them (RMP-1, RMP-2); -1 when unmapped."""
    known = np.where(destination < image.logical, destination, 0)
    place = np.where(destination < image.logical, image.remap_tile[known], -1).astype(np.int32)
    vc = image.remap_vc[known].astype(np.int8)
    x, y = place % image.spec.width, place // image.spec.width
    for slot in reversed(range(VC_RULES)):  # so that the first match is the last to write
        rule = image.rules[sender, slot]
        inside = (rule["x_lo"] <= x) & (x <= rule["x_hi"])
        inside &= (rule["y_lo"] <= y) & (y <= rule["y_hi"])
        vc = np.where(inside & (rule["valid"] != 0), rule["vc"], vc).astype(np.int8)
    vc[place < 0] = -1
    return place, vc


def make_packets(image: ConfigImage, schedule: PacketSchedule) -> Packets:
    """Queue the packets of a checked schedule before the tiles that send them."""
    count, tiles = len(schedule), image.spec.tiles
    sender = source_tiles(image, schedule)
    sends = np.bincount(sender, minlength=tiles)
    begin = np.cumsum(sends) - sends
    place, vc = remap(image, sender, schedule.destination)

    def unknown(dtype: Any) -> Ints:
        return np.full(count, -1, dtype)

    return Packets(
        length=schedule.length.astype(np.int32),
        offered=schedule.offered.astype(np.int64),
        gap=schedule.gap.astype(np.int32),
        sender=sender,
        queue=np.argsort(sender, kind="stable").astype(np.int64),
        queue_begin=begin,
        queue_end=begin + np.where(accepting(image), sends, 0),
        place=place,
        vc=vc,
        accepted=unknown(np.int64),
        delivered_first=unknown(np.int64),
        delivered_last=unknown(np.int64),
        hops=np.zeros(count, np.int32),
        refused=np.zeros(count, np.bool_),
        sunk=np.zeros(count, np.bool_),
        tile=unknown(np.int32),
    )


def make_state(image: ConfigImage, packets: Packets) -> State:
    """All registers after reset and configuration, sources waiting for their first packet."""
    spec = image.spec
    tiles, inputs = spec.tiles, spec.tiles * 5 * spec.vcs
    begin = packets.queue_begin
    present_at = np.zeros(tiles, np.int64)
    sends = begin < packets.queue_end
    present_at[sends] = packets.offered[packets.queue[begin[sends]]]
    active = np.zeros((tiles + 7) // 8 * 8, np.uint8)
    return State(
        buffer=np.zeros(inputs * spec.depth, np.int64),
        head=np.zeros(inputs, np.int8),
        occupancy=np.zeros(inputs, np.int8),
        front_since=np.zeros(inputs, np.int64),
        dest=np.full(inputs, UNKNOWN, np.int8),
        begun=np.zeros(inputs, np.uint8),
        owner=np.full(inputs, -1, np.int8),
        pointer=np.zeros(inputs, np.int8),
        next_vc=np.zeros(tiles * 5, np.int8),
        in_queue=np.zeros((tiles, NI_ENTRIES), np.int64),
        in_head=np.zeros(tiles, np.int8),
        in_count=np.zeros(tiles, np.int8),
        out_queue=np.zeros((tiles, NI_ENTRIES), np.int64),
        out_head=np.zeros(tiles, np.int8),
        out_count=np.zeros(tiles, np.int8),
        sending=begin.copy(),
        flit=np.zeros(tiles, np.int32),
        present_at=present_at,
        load=np.zeros(tiles, np.int32),
        active=active,
        active_words=active.view(np.uint64),
        moved=np.zeros((tiles, 5), np.int64),
        stalled=np.zeros((tiles, 5), np.int64),
        refused=np.zeros(tiles, np.int64),
        offenders=np.zeros(tiles, np.int64),
        first_offender=np.full(tiles, -1, np.int64),
        watchdog=np.zeros(tiles, np.uint8),
        visit=np.zeros(tiles, np.int64),
        ni_moves=np.zeros(tiles, np.uint8),
        move_from=np.zeros(inputs, np.int64),
        move_to=np.zeros(inputs, np.int64),
        wants=np.zeros(5 * spec.vcs, np.int64),
    )
