"""Route entries of every tile (TBL-1).

In the order in which they match: detours' rules; the tile's own row; the next rows; all other rows.
The same output serves every input port. Rules of neighbouring rows share an entry where their
columns allow it; columns that nobody asks for may be covered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

_NO_WAY: Final = 255
_LEAVE: Final = 4  # LinkClass
_MOST: Final = 256


def by_tile(
    rules: npt.NDArray[np.int32], tiles: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Rules by tile, narrow ones first, and where each tile's begin (int64[tiles + 1])."""
    order = np.lexsort((rules[:, 1], rules[:, 3] - rules[:, 2], rules[:, 0]))
    rules = rules[order]
    return rules, np.searchsorted(rules[:, 0], np.arange(tiles + 1))


@njit(cache=True)
def _alone(rules: Any, first: Any, last: Any, i: Any) -> Any:
    """The rule is for several columns, and no other one of its row overlaps it and its slack."""
    if rules[i, 2] == rules[i, 3]:
        return False
    for j in range(first, last):
        if j != i and rules[j, 1] == rules[i, 1]:
            low, high = rules[i, 2] - rules[i, 4], rules[i, 3] + rules[i, 4]
            if rules[j, 2] <= high and low <= rules[j, 3]:
                return False
    return True


@njit(cache=True)
def _detour_entries(rules: Any, first: Any, last: Any, width: Any, made: Any) -> Any:
    """Entries for a tile's rules; their number.

    Rules of one row keep their order. A rule that is alone in its row is joined with such rules of
    the rows beside it, when one range of columns suits all of them.
    """
    count = 0
    done = np.zeros(last - first, np.bool_)
    for i in range(first, last):
        if done[i - first]:
            continue
        low, high, out = rules[i, 2], rules[i, 3], rules[i, 5]
        top = bottom = rules[i, 1]
        east = high == width - 1
        least = low - rules[i, 4] if east else low
        most = high if east else high + rules[i, 4]
        grown = _alone(rules, first, last, i)
        while grown:
            grown = False
            for j in range(first, last):
                beside = rules[j, 1] == bottom + 1 or rules[j, 1] == top - 1
                if done[j - first] or not beside or rules[j, 5] != out:
                    continue
                if (rules[j, 3] == width - 1) != east or not _alone(rules, first, last, j):
                    continue
                wide_low, wide_high = min(low, rules[j, 2]), max(high, rules[j, 3])
                to_low = max(least, rules[j, 2] - rules[j, 4] if east else rules[j, 2])
                to_high = min(most, rules[j, 3] if east else rules[j, 3] + rules[j, 4])
                if wide_low < to_low or wide_high > to_high:
                    continue
                low, high, least, most = wide_low, wide_high, to_low, to_high
                top, bottom = min(top, rules[j, 1]), max(bottom, rules[j, 1])
                done[j - first] = grown = True
        count = _put(made, count, low, high, top, bottom, out)
    return count


@njit(cache=True)
def _put(made: Any, count: Any, x_lo: Any, x_hi: Any, y_lo: Any, y_hi: Any, out: Any) -> Any:
    """Append an entry unless its rectangle is empty; the number of entries."""
    if x_lo > x_hi or y_lo > y_hi:
        return count
    if count < len(made):
        made[count, 0], made[count, 1], made[count, 2] = x_lo, x_hi, y_lo
        made[count, 3], made[count, 4] = y_hi, out
    return count + 1


@njit(cache=True)
def write_entries(
    width: Any, height: Any, kind: Any, whole: Any, rules: Any, begin: Any, exits: Any, climb: Any,
    near: Any, entries: Any, count: Any,
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
    climb, near : uint8[2, tiles], bool[2, tiles]
        North and south, from :func:`model.wide.climb.climbs`.
    entries : uint16[tiles, route_entries, 5]
        Written: x_lo, x_hi, y_lo, y_hi, to.
    count : int32[tiles]
        Written: entries that the tile needs, which may be more than it has.
    """
    made = np.zeros((_MOST, 5), np.int32)
    for tile in range(width * height):
        x, y = tile % width, tile // width
        if not whole[tile] and exits[tile] == _NO_WAY:
            continue
        used = _detour_entries(rules, begin[tile], begin[tile + 1], width, made)
        if not whole[tile]:
            used = _put(made, used, 0, width - 1, 0, height - 1, exits[tile])
        else:
            if 0 < kind[tile, 1] <= _LEAVE:
                used = _put(made, used, x + 1, width - 1, y, y, 1)
            if 0 < kind[tile, 3] <= _LEAVE:
                used = _put(made, used, 0, x - 1, y, y, 3)
            for k in range(2):
                y_lo, y_hi, beside = 0, y - 1, y - 1
                if k == 1:
                    y_lo, y_hi, beside = y + 1, height - 1, y + 1
                if near[k, tile]:
                    used = _put(made, used, 0, width - 1, beside, beside, 2 * k)
                if climb[k, tile] != _NO_WAY:
                    used = _put(made, used, 0, width - 1, y_lo, y_hi, climb[k, tile])
        count[tile] = used
        for k in range(min(used, entries.shape[1])):
            entries[tile, k] = made[k]
