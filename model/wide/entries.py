"""Route entries of every tile: its detours' rules, its row, the rows above and below (TBL-1).

The same output serves every input port, so an entry names all of them. Rules of neighbouring rows
share an entry where their columns allow it; columns that nobody asks for may be covered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

_NO_WAY: Final = 255


def by_tile(
    rules: npt.NDArray[np.int32], tiles: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Rules by tile, narrow ones first, and where each tile's begin (int64[tiles + 1])."""
    order = np.lexsort((rules[:, 1], rules[:, 3] - rules[:, 2], rules[:, 0]))
    rules = rules[order]
    return rules, np.searchsorted(rules[:, 0], np.arange(tiles + 1))


@njit(cache=True)
def _detour_entries(rules: Any, first: Any, last: Any, width: Any, made: Any) -> Any:
    """Entries for a tile's rules: x_lo, x_hi, y_lo, y_hi, to; their number.

    Rules of one row keep their order. A rule that is the only one of its kind in its row is merged
    with such rules of the rows beside it, when one range of columns suits all of them.
    """
    count = 0
    done = np.zeros(last - first, np.bool_)
    for i in range(first, last):
        if done[i - first]:
            continue
        low, high, row, out = rules[i, 2], rules[i, 3], rules[i, 1], rules[i, 5]
        top = bottom = row
        free_low = low - (rules[i, 4] if high == width - 1 else 0)
        free_high = high + (rules[i, 4] if low == 0 else 0)
        if low != high and _alone(rules, first, last, i):
            grown = True
            while grown:
                grown = False
                for j in range(first, last):
                    near = rules[j, 1] == bottom + 1 or rules[j, 1] == top - 1
                    if done[j - first] or not near or rules[j, 5] != out:
                        continue
                    if rules[j, 2] == rules[j, 3] or not _alone(rules, first, last, j):
                        continue
                    east = rules[j, 3] == width - 1 and high == width - 1
                    west = rules[j, 2] == 0 and low == 0
                    if east:
                        other = rules[j, 2] - rules[j, 4]
                        # Wide enough for both, and no wider than either may be.
                        if min(low, rules[j, 2]) < max(free_low, other):
                            continue
                        low, free_low = min(low, rules[j, 2]), max(free_low, other)
                    elif west:
                        other = rules[j, 3] + rules[j, 4]
                        if max(high, rules[j, 3]) > min(free_high, other):
                            continue
                        high, free_high = max(high, rules[j, 3]), min(free_high, other)
                    else:
                        continue
                    top, bottom = min(top, rules[j, 1]), max(bottom, rules[j, 1])
                    done[j - first] = True
                    grown = True
        if count < len(made):
            made[count, 0], made[count, 1], made[count, 2] = low, high, top
            made[count, 3], made[count, 4] = bottom, out
        count += 1
    return count


@njit(cache=True)
def _alone(rules: Any, first: Any, last: Any, i: Any) -> Any:
    """No other rule of this row and tile overlaps this one, widened by its slack."""
    for j in range(first, last):
        if j != i and rules[j, 1] == rules[i, 1]:
            low = rules[i, 2] - rules[i, 4]
            high = rules[i, 3] + rules[i, 4]
            if rules[j, 2] <= high and low <= rules[j, 3]:
                return False
    return True


@njit(cache=True)
def write_entries(
    width: Any, height: Any, kind: Any, whole: Any, rules: Any, begin: Any, exits: Any, north: Any,
    south: Any, near_north: Any, near_south: Any, entries: Any, count: Any,
) -> None:  # fmt: skip
    """Write every tile's entries.

    Parameters
    ----------
    kind : uint8[tiles, 4]
        Classes of links.
    whole : bool[tiles]
        Tiles of the lines.
    rules, begin
        From :func:`by_tile`.
    exits : uint8[tiles]
        For a tile in a pocket its only way out; 255 for all others.
    north, south, near_north, near_south : uint8[tiles], bool[tiles]
        From :func:`model.wide.climb.climbs`.
    entries : uint16[tiles, route_entries, 5]
        Written: x_lo, x_hi, y_lo, y_hi, to.
    count : int32[tiles]
        Written: entries that the tile needs, which may be more than it has.
    """
    made = np.zeros((256, 5), np.int32)
    for tile in range(width * height):
        if not whole[tile] and exits[tile] == _NO_WAY:
            continue
        x, y = tile % width, tile // width
        used = _detour_entries(rules, begin[tile], begin[tile + 1], width, made[:240])
        if used > 240:
            count[tile] = used
            continue
        if not whole[tile]:
            made[used] = np.array([0, width - 1, 0, height - 1, exits[tile]], np.int32)
            used += 1
        else:
            for turn in range(4):  # row, then the next rows, then the others
                port = (1, 3, 0, 2)[turn]
                low, high, top, bottom = 0, width - 1, y, y
                out, near = port, False
                if port == 1:
                    low = x + 1
                elif port == 3:
                    high = x - 1
                elif port == 0:
                    out, near, top, bottom = north[tile], near_north[tile], 0, y - 1
                else:
                    out, near, top, bottom = south[tile], near_south[tile], y + 1, height - 1
                if low > high or top > bottom:
                    continue
                if turn < 2 and not 0 < kind[tile, port] < 5:
                    continue
                if near:
                    row = bottom if port == 0 else top
                    made[used] = np.array([0, width - 1, row, row, port], np.int32)
                    used += 1
                if out != _NO_WAY:
                    made[used] = np.array([low, high, top, bottom, out], np.int32)
                    used += 1
        count[tile] = used
        for k in range(min(used, entries.shape[1])):
            entries[tile, k] = made[k]
