"""Where a run stands, and what it writes down."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.engine.state import box_room
from model.image import ConfigImage

Ints = npt.NDArray[Any]


class Control(NamedTuple):
    """Where a run stands, and what it writes down."""

    position: Ints  # int64[parts * 16]; see the indices below
    begin: Ints  # int64[parts + 1]: first tile of each part
    leads: Ints  # int64[threads]: first part of each
    turn_end: Ints  # int64[parts]: end of each part's packets in ``turn``
    far: bool  # so many tiles that memory is to be fetched ahead
    box_room: int  # of each part
    told: Ints  # int64[2 * parts * 8]: what parts tell each other at the end of a cycle
    met: Ints  # int64[parts * 8]: how often each has waited for the others
    event_cycle: Ints  # uint32[...]
    event_tile: Ints  # uint32[...]
    event_kind: Ints  # uint8[...]
    event_flit: Ints  # int64[...]: packet << 16 | index
    trace: Ints  # int64[..., 7]
    trace_from: int
    trace_to: int
    occupancy: Ints  # uint8[cycles, input VCs]
    occupancy_from: int


CYCLE, FLIP, EVENTS, EVENTS_END, FOLDED = range(5)
"""In the first part of a thread: the cycle; which half of the lists is this cycle's; where the
next event goes, and the end of the room for them; when hops were folded."""

WOKEN, OFFERED, LANES, INS, OUTS, SOURCES, BOXED, IN_FLIGHT, TO_ACCEPT, TRACED = range(5, 15)
"""In every part: place in ``turn`` of the next packet, and its cycle; lengths of lists; flits
accepted and not yet delivered, refused or sunk, less those that ended in other parts; flits that
tiles able to accept have not accepted yet; moves traced (part 0 only)."""

POSITIONS: Final = 16
"""Values of a part."""

PART_TILES: Final = 640
"""Tiles of a part, as far as whole rows allow: what asks, moves and takes in stays in the cache."""

FAR_TILES: Final = 5000
"""Tiles whose state is larger than the nearest caches."""

LATEST: Final = 1 << 62
"""Later than any cycle."""


Window = tuple[int, int]
"""First cycle, and the one after the last."""


def make_control(
    image: ConfigImage,
    begin: npt.NDArray[np.int64],
    leads: npt.NDArray[np.int64],
    room: int,
    occupancy_window: Window | None,
    trace_window: Window | None,
) -> Control:
    """A run at its beginning, without packets; every thread has room for so many events.

    Memory for events is touched only as far as they happen.
    """
    first, end = occupancy_window or (0, 0)
    trace_from, trace_to = trace_window or (0, 0)
    parts, inputs = len(begin) - 1, image.spec.tiles * 5 * image.spec.vcs
    position = np.zeros((parts, POSITIONS), np.int64)
    position[:, OFFERED] = LATEST
    position[leads, EVENTS] = np.arange(len(leads)) * room
    position[leads, EVENTS_END] = position[leads, EVENTS] + room
    return Control(
        position=position.ravel(),
        begin=begin,
        leads=leads,
        far=image.spec.tiles > FAR_TILES,
        box_room=box_room(image.spec),
        turn_end=np.zeros(parts, np.int64),
        told=np.zeros(2 * parts * 8, np.int64),
        met=np.zeros(parts * 8, np.int64),
        event_cycle=np.empty(len(leads) * room, np.uint32),
        event_tile=np.empty(len(leads) * room, np.uint32),
        event_kind=np.empty(len(leads) * room, np.uint8),
        event_flit=np.empty(len(leads) * room, np.int64),
        trace=np.empty(7 * (0 if trace_window is None else inputs), np.int64),
        trace_from=trace_from,
        trace_to=trace_to,
        occupancy=np.zeros((max(0, end - first), inputs), np.uint8),
        occupancy_from=first,
    )
