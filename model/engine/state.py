"""The arrays a run works on, and how they are made from an image.

With V = VCs, a *lane* is one input VC of a tile, ``port * V + vc``; the out queue is lane 5 V. A
tile has ``64 * V`` bytes of ``line``, one cache line with one VC: planes of ``8 * V`` bytes, a byte
a lane. A lane's *address* is that of its byte in the first plane, ``tile * 64 * V + lane``, and
``across`` leads from an output VC's address (``output * V + vc`` as lane) to that of the buffer
behind it. Flits lie in ``slots``, a ring of ``1 << ring`` for each lane.

A *flit* is one integer, from the lowest bit: 10 bits index in its packet (of a first flit: mesh
links crossed, modulo 1024), last, first, 2 bits VC, slot of the packet, place; negative when
unmapped. A place is ``y << x_bits | x``.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.engine.tables import Tables
from model.image import ConfigImage
from model.schedule import StallPattern
from model.spec import FabricSpec, bits_for

OCCUPANCY, HEAD, ASKED, GRANT, WAITED, MOVED, STALLED, NEXT_VC = range(8)
"""Planes of ``line``. ASKED and GRANT belong to output VCs: the inputs that ask in this cycle, and
``pointer << 5`` with the inputs that may be granted (all, or the owner). WAITED: cycles the front
flit has not moved; from 128 on it counts to 255 and starts at 128 again, ``long_waits`` counts how
often. MOVED and STALLED by port: the low bytes of these counters. NEXT_VC is q[output]. The
occupancy of the out queue counts from depth - 2 on, so that any buffer has space below depth."""

FIELD, LAST, FIRST, VC, PACKET = 0x3FF, 10, 11, 12, 14
"""Mask of a flit's lowest field, and first bits of the others."""

NI_ENTRIES: Final = 2
"""Entries of either NI queue (NI-1, NI-3)."""

REFUSED, OFFENDERS, WATCHDOG, STALLED_HIGH, COUNTERS = 5, 6, 7, 8, 16
"""Where counters lie in a tile's 16; those of flits moved come first. Moved and stalled flits are
there without their low bytes."""

SLACK: Final = 16
"""Unused entries between the parts of a list."""

Ints = npt.NDArray[Any]


class Fabric(NamedTuple):
    """What does not change while running: sizes, tables, the stall pattern."""

    vcs: tuple[int, ...]  # as many zeros as there are VCs: their number is compiled in
    tiles: int
    depth: int
    ring: int  # log2 of a lane's slots
    watchdog: int
    place_shift: int  # where a flit's place begins
    across: Ints  # int64[8 V]
    pick: Ints  # uint8[256]: input granted, by pointer << 5 | inputs asking; 7 for none
    pick_vc: Ints  # uint8[64]: VC sent, by q << V | VCs eligible
    granted: Ints  # uint8[10]: GRANT by input << 1 | last
    x_bits: int  # of a place
    cells: Ints  # see Tables
    stall_threshold: np.uint64
    stall_burst: np.uint64
    stall_seed: np.uint64


class Packets(NamedTuple):
    """What is sent, and what has become of each packet so far, by slot.

    A packet keeps its slot from when it is loaded until it is taken out. In flits, in ``after``
    and in ``turn`` it goes by its slot.
    """

    length: Ints  # int32[slots]
    offered: Ints  # uint32[slots]
    gap: Ints  # int32[slots]
    sender: Ints  # int32[slots]: tile
    flit: Ints  # int64[slots]: first flit
    after: Ints  # uint32[slots]: the sender's next packet
    turn: Ints  # uint32[slots]: packets loaded last that can be accepted, by part, then id
    seen: Ints  # uint32[slots * SEEN]: cycle + 1 of acceptance, first and last delivery; more


HOPS, WHERE, SEEN = 3, 4, 5
"""Of ``seen``, for each packet: mesh links the first flit has crossed; tile + 1 where it was
delivered or sunk, with the bits below."""
GONE, WAS_SUNK, WAS_REFUSED = 1 << 29, 1 << 30, 1 << 31
"""GONE: the last flit has left without being delivered, or none can ever be accepted."""


class State(NamedTuple):
    """Registers of all tiles, the sources in front of them, and the work lists of a cycle.

    Lists are double, of this cycle and of the next, and divided into parts.
    """

    line: Ints  # uint8[tiles * 64 V]; see above
    slots: Ints  # int64[tiles * (5 V + 1) << ring]: flits
    node: Ints  # int64[tiles * 8]: a cache line of each tile, see below
    counters: Ints  # uint32[tiles * 16]
    long_waits: Ints  # uint16[tiles * (5 V + 1)]: see WAITED
    seen_moving: Ints  # uint32[tiles * 8]: cycle + 1 in which a flit left the port; V > 1 only
    offended: Ints  # int64[tiles * 2]: 32 * cycle + lane + 1 of the first offender; sender, place
    lanes: Ints  # uint32[2 * lane_room]: addresses of the lanes that are not empty
    asking: Ints  # uint32[lane_room]: output VC that each of them asks for
    tile_lists: Ints  # uint32[6 * tile_room]: tiles whose in queue, out queue, source has work
    box_to: Ints  # uint32[parts * box_room]: addresses in other parts that flits enter this cycle
    box_flit: Ints  # int64[parts * box_room]


PRESENTED, BACKLOG, FROM, HELD, QUEUE, AXES, OUTPUTS = 0, 1, 2, 3, 4, 6, 7
"""In ``node``: packet that the source presents; packets offered and not yet accepted, above the
index of the flit presented; from which cycle on; flits in the NI's in queue, and the two; the
tile's words of :class:`Tables`."""

INDEX_BITS: Final = 16
"""Of a flit's index in BACKLOG."""


def bytes_per_tile(vcs: int, depth: int) -> int:
    """Memory of :class:`State` per tile, in bytes; tables, packets and logs come on top.

    A line of 64 per VC, 8 for each slot, 64 for source, NI and the words of the tables, 64 for
    counters, 16 for the first offender, 2 a lane for long waits, 12 per input VC and 24 for lists.
    Lists, long waits and offenders take memory only as far as they were filled.
    """
    lanes = 5 * vcs + 1
    slots = lanes << (depth - 1).bit_length()
    registers = 64 * vcs + 8 * slots + 64 + 64
    return registers + 16 + 2 * lanes + 12 * 5 * vcs + 24 + (32 if vcs > 1 else 0)


def make_fabric(image: ConfigImage, stalls: StallPattern, tables: Tables) -> Fabric:
    """Collect the constants of a run."""
    spec, V = image.spec, image.spec.vcs
    across = np.zeros(8 * V, np.int64)
    lane = np.arange(V)
    for output, step in enumerate((-spec.width, 1, spec.width, -1)):
        enters = (output + 2) % 4
        across[output * V + lane] = step * 64 * V + (enters - output) * V
    across[4 * V + lane] = V - lane
    pick = np.full((8, 32), 7, np.uint8)
    for pointer in range(5):
        for step in reversed(range(5)):
            port = (pointer + step) % 5
            pick[pointer, np.arange(32) >> port & 1 == 1] = port
    pick_vc = np.full((V, 1 << V), 7, np.uint8)
    for first in range(V):
        for step in reversed(range(V)):
            vc = (first + step) % V
            pick_vc[first, np.arange(1 << V) >> vc & 1 == 1] = vc
    winner = np.arange(5)
    after = (winner + 1) % 5 << 5
    granted = np.stack([after | 1 << winner, after | 31], axis=1)
    return Fabric(
        vcs=(0,) * V,
        tiles=spec.tiles,
        depth=spec.depth,
        ring=bits_for(spec.depth - 1),
        watchdog=spec.watchdog,
        place_shift=place_shift(spec),
        across=across,
        pick=pick.ravel(),
        pick_vc=pick_vc.ravel(),
        granted=granted.astype(np.uint8).ravel(),
        x_bits=tables.x_bits,
        cells=tables.cells,
        stall_threshold=np.uint64(stalls.threshold),
        stall_burst=np.uint64(stalls.burst_log2),
        stall_seed=np.uint64(stalls.seed),
    )


def place_shift(spec: FabricSpec) -> int:
    """Where a flit's place begins, which ends below the sign."""
    return 63 - bits_for(spec.width - 1) - bits_for(spec.height - 1)


def box_room(spec: FabricSpec) -> int:
    """Most flits that leave a part in a cycle: one over each link of its first and last row."""
    return 2 * spec.width + SLACK


def _zeros(count: int, dtype: Any) -> Ints:
    """An array that begins with a cache line; memory is taken as it is first written."""
    size = np.dtype(dtype).itemsize
    memory = np.zeros(count + 64 // size, dtype)
    skip = -memory.ctypes.data % 64 // size
    return memory[skip : skip + count]


def make_state(image: ConfigImage, begin: Ints, tables: Tables) -> State:
    """All registers after reset and configuration."""
    spec, parts = image.spec, len(begin) - 1
    tiles, V = spec.tiles, spec.vcs
    line = _zeros(tiles * 64 * V, np.uint8).reshape(tiles, 8, 8 * V)
    line[:, GRANT, : 5 * V] = 31
    line[:, OCCUPANCY, 5 * V] = spec.depth - NI_ENTRIES
    node = _zeros(tiles * 8, np.int64).reshape(tiles, 8)
    node[:, AXES:] = tables.words
    lane_room, tile_room = tiles * 5 * V + SLACK * parts, tiles + SLACK * parts
    room = parts * box_room(spec)
    return State(
        line=line.reshape(-1),
        slots=_zeros(tiles * (5 * V + 1) << bits_for(spec.depth - 1), np.int64),
        node=node.reshape(-1),
        counters=_zeros(tiles * COUNTERS, np.uint32),
        long_waits=np.zeros(tiles * (5 * V + 1), np.uint16),
        seen_moving=np.zeros(tiles * 8 if V > 1 else 8, np.uint32),
        offended=np.zeros(tiles * 2, np.int64),
        lanes=np.zeros(2 * lane_room, np.uint32),
        asking=np.zeros(lane_room, np.uint32),
        tile_lists=np.zeros(6 * tile_room, np.uint32),
        box_to=np.zeros(room, np.uint32),
        box_flit=np.zeros(room, np.int64),
    )
