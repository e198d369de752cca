"""Classes of links, and the turns they allow: acyclic whatever the defects (TBL-2).

Every link has a class, and a packet may turn from a link to one of the same or a higher class,
never straight back. A cycle of turns would have to stay in one class, and no class holds one:

- ``CLIMB``: links towards the spine, and north and south links off the spine. West of the spine
  these are E, N and S, east of it W, N and S, and none of them leaves the spine, so the two sides
  never meet. A cycle needs all four directions.
- ``NORTH``, ``SOUTH``: the spine's own links, one way each.
- ``LEAVE``: all other links from the spine, links away from it, and north and south links that were
  taken from ``CLIMB`` to lead around a defect. Three directions on each side again, and none of
  these links enters the spine.
- ``ROOT``: the only way out of a tile that is in a pocket; nothing but its own packets enters it.
- ``LEAF``: the only way into such a tile; nothing leaves it but to the core.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from model.wide.spine import NONE, Spine

UNUSED: Final = 255
"""Class of a link that does not work, or that no packet uses."""


class LinkClass(IntEnum):
    """In the order in which a packet may use them."""

    ROOT = 0
    CLIMB = 1
    NORTH = 2
    SOUTH = 3
    LEAVE = 4
    LEAF = 5


def first_classes(
    width: int, height: int, usable: npt.NDArray[np.bool_], spine: Spine
) -> npt.NDArray[np.uint8]:
    """uint8[tiles, 4]: class of each link before any detour is laid."""
    x = np.arange(width)
    kind = np.full((height, width, 4), LinkClass.CLIMB, np.uint8)
    kind[:, :, 1][x >= spine.right[:, None]] = LinkClass.LEAVE
    kind[:, :, 3][x <= spine.left[:, None]] = LinkClass.LEAVE
    kind[:, :, ::2][(spine.left[:, None] <= x) & (x <= spine.right[:, None])] = LinkClass.LEAVE
    by_tile = kind.reshape(-1, 4)
    for ports, name in ((spine.north, LinkClass.NORTH), (spine.south, LinkClass.SOUTH)):
        tiles = np.flatnonzero(ports != NONE)
        by_tile[tiles, ports[tiles]] = name
    by_tile[~usable] = UNUSED
    return by_tile


def turns_of(
    kind: npt.NDArray[np.uint8], neighbour: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """bool[tiles, 5, 5]: legal turns between mesh ports; LOCAL's are the compiler's."""
    turns = np.zeros((len(kind), 5, 5), np.bool_)
    for came in range(4):
        before = neighbour[:, came]
        arriving = np.where(before >= 0, kind[before, (came + 2) % 4], UNUSED)
        for out in range(4):
            if out != came:
                turns[:, came, out] = (arriving <= kind[:, out]) & (kind[:, out] != UNUSED)
    return turns
