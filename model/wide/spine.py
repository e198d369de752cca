"""The spine: one chain of tiles from the top row to the bottom row, in the middle of the wafer.

Packets climb towards the spine's side and leave it outwards (:mod:`model.wide.links`), so where a
packet cannot climb any further it has reached the spine, and the spine always climbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.errors import InputError

_JOG: Final = 1000
"""Price of a step aside, against one column off its place in one row."""
_FAR: Final = 1 << 60
NONE: Final = 255
"""No port."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spine:
    """A chain of tiles, monotone in y, all of whose links work both ways.

    Members
    -------
    left, right : int32[height]
        First and last column of the chain in each row; a row has one stretch of it.
    north, south : uint8[tiles]
        Port of the next tile of the chain on the way north and south; 255 off the chain and at its
        end.
    """

    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    north: npt.NDArray[np.uint8]
    south: npt.NDArray[np.uint8]


@njit(cache=True)
def _prices(width: Any, height: Any, usable: Any, middle: Any, cost: Any, came: Any) -> None:
    """Cheapest chain from row 0 to every tile; ``came``: port back towards row 0."""
    for y in range(height):
        for x in range(width):
            tile = y * width + x
            cost[tile] = _FAR
            if y == 0:
                cost[tile], came[tile] = 0, 255
            elif usable[tile, 0] and usable[tile - width, 2]:
                cost[tile], came[tile] = cost[tile - width], 0
            if cost[tile] < _FAR:
                cost[tile] += abs(x - middle)
        for turn in range(2):
            back = 3 if turn == 0 else 1
            step = -1 if turn == 0 else 1
            for k in range(1, width):
                x = k if turn == 0 else width - 1 - k
                tile = y * width + x
                before = tile + step
                price = cost[before] + _JOG
                if price < cost[tile] and usable[tile, back] and usable[before, (back + 2) % 4]:
                    cost[tile], came[tile] = price, back


def find_spine(width: int, height: int, usable: npt.NDArray[np.bool_], column: int) -> Spine:
    """The chain with the fewest steps aside, near a column.

    Parameters
    ----------
    width, height : int
    usable : bool[tiles, 4]
        The link that leaves here works and joins two tiles of the lines.
    column : int
        Where the chain should be.

    Raises
    ------
    InputError
        When no chain of two-way links leads from the top row to the bottom row without turning
        back.
    """
    tiles = width * height
    cost = np.full(tiles, _FAR, np.int64)
    came = np.full(tiles, NONE, np.uint8)
    _prices(width, height, usable, column, cost, came)
    tile = int(cost[-width:].argmin()) + tiles - width
    if cost[tile] >= _FAR:
        raise InputError(
            "wafer has no chain of two-way links from its top row to its bottom row;"
            " allowed: one, for the routes of a whole wafer"
        )
    left = np.full(height, width, np.int32)
    right = np.full(height, -1, np.int32)
    north, south = np.full((2, tiles), NONE, np.uint8)
    while True:
        y, x = divmod(tile, width)
        left[y], right[y] = min(left[y], x), max(right[y], x)
        port = int(came[tile])
        if port == NONE:
            return Spine(left=left, right=right, north=north, south=south)
        north[tile] = port
        tile += (-width, 1, width, -1)[port]
        south[tile] = (port + 2) % 4
