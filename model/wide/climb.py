"""Rows above and below: where a packet goes until it is in its destination's row.

A packet climbs north (or south) and steps towards the spine where it cannot. A tile is *good* when
every row above can be reached from it that way; tiles that are not good are entered only for their
own row. Both ways are chosen without regard to the destination's column.
"""

from __future__ import annotations

from typing import Any, Final

from numba import njit

NO_WAY: Final = 255
_CLIMB: Final = 1  # LinkClass


@njit(cache=True)
def climbs(
    width: Any, height: Any, kind: Any, whole: Any, left: Any, right: Any, spine: Any, port: Any,
    hop: Any, near: Any,
) -> Any:  # fmt: skip
    """Choose the way north (``port`` 0) or south (2) of every tile.

    Parameters
    ----------
    kind : uint8[tiles, 4]
        Classes of links.
    whole : bool[tiles]
        Tiles of the lines.
    left, right : int32[height]
        The spine's columns.
    spine : uint8[tiles]
        The spine's way in this direction.
    hop : uint8[tiles]
        Written: output towards rows further than the next one; 255 at the last row and where
        there is no way.
    near : bool[tiles]
        Written: the next row is entered directly, though ``hop`` is another output.

    Returns
    -------
    Number of whole tiles without a way.
    """
    ahead = -width if port == 0 else width
    back = 2 - port
    first = 0 if port == 0 else height - 1
    for k in range(height):
        y = first + k * (1 if port == 0 else -1)
        for turn in range(2):
            inward = 1 if turn == 0 else 3
            step = 1 if turn == 0 else -1
            x = right[y] if turn == 0 else right[y] + 1  # the spine's stretch first
            while 0 <= x < width:
                tile = y * width + x
                on_spine = left[y] <= x <= right[y]
                hop[tile], near[tile] = NO_WAY, False
                if whole[tile] and y != first:
                    if on_spine:
                        hop[tile] = spine[tile]
                    else:
                        straight = kind[tile, port] == _CLIMB
                        if straight and _good(hop, tile + ahead, y + ahead // width == first):
                            hop[tile] = port
                        else:
                            near[tile] = straight
                            aside = tile + step
                            if kind[tile, inward] == _CLIMB and hop[aside] != NO_WAY:
                                hop[tile] = inward
                x -= step
    return _exits(width, height, kind, whole, port, back, first, hop, left, right)


@njit(cache=True)
def _good(hop: Any, tile: Any, last: Any) -> Any:
    return last or hop[tile] != NO_WAY


@njit(cache=True)
def _exits(
    width: Any, height: Any, kind: Any, whole: Any, port: Any, back: Any, first: Any, hop: Any,
    left: Any, right: Any,
) -> Any:  # fmt: skip
    """Ways out of the tiles that are not good: back, or towards the spine, to one that is."""
    lost = 0
    for k in range(height):
        y = height - 1 - k if port == 0 else k  # tiles behind come first
        if y == first:
            continue
        for x_turn in range(2):
            inward = 1 if x_turn == 0 else 3
            step = 1 if x_turn == 0 else -1
            x = left[y] - 1 if x_turn == 0 else right[y] + 1
            while 0 <= x < width:
                tile = y * width + x
                if whole[tile] and hop[tile] == NO_WAY:
                    behind = tile + (width if port == 0 else -width)
                    if kind[tile, back] == _CLIMB and hop[behind] != NO_WAY:
                        hop[tile] = back
                    elif kind[tile, inward] == _CLIMB and hop[tile + step] != NO_WAY:
                        hop[tile] = inward
                    else:
                        lost += 1
                x -= step
    return lost
