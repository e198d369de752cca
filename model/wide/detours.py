"""Rows as lines: from every tile of a row to every other tile of it, past what is broken.

Packets cross a row's tiles from west to east and from east to west. Where the next link does not
work, a *detour* leads over neighbouring rows to the next tile of the row: the cheapest path that
never steps back, found by dynamic programming over columns. On the spine's near side a detour uses
``CLIMB`` links; beyond it, where packets leave, ``LEAVE`` links, for which it
takes north and south links from ``CLIMB``. A detour's tiles get a *rule* each: packets for these
columns of that row go there, from whichever port they came.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

MOST_ROWS: Final = 40
"""Rows that a detour may lead away from its own."""

# A hop; a link taken from climbing packets; a hop on the side that is not tried first.
_HOP, _TAKE, _OTHER = 16, 4, 1
_CLIMB, _LEAVE = 1, 4  # LinkClass; Numba wants plain numbers
_FAR: Final = 1 << 30


@njit(cache=True)
def _side(x: Any, y: Any, step: Any, left: Any, right: Any) -> Any:
    """-1 before the spine, 0 on it, 1 behind it, for a packet that moves by ``step``."""
    if left[y] <= x <= right[y]:
        return 0
    return -1 if (x < left[y]) == (step > 0) else 1


@njit(cache=True)
def _may_shift(
    width: Any, kind: Any, kept: Any, tile: Any, port: Any, step: Any, left: Any, right: Any
) -> Any:
    """Price of a north or south link on a detour, or 0 when it cannot be used."""
    name, x, y = kind[tile, port], tile % width, tile // width
    side, there = _side(x, y, step, left, right), _side(x, y + port - 1, step, left, right)
    if side < 0:
        return _HOP if name == _CLIMB else 0
    if side == 0 and _CLIMB < name < _LEAVE:
        return _HOP
    # What leaves never comes back to the spine or before it, or the two sides could make a cycle.
    if there <= 0 or (name == _CLIMB and kept[tile, port]):
        return 0
    if name == _CLIMB:
        return _HOP + _TAKE
    return _HOP if name == _LEAVE else 0


@njit(cache=True)
def _find(world: Any, space: Any, start: Any, goal: Any, step: Any) -> Any:
    """Cheapest path without a step back; its length in hops, -1 when there is none.

    ``space``'s path gets (tile, port) of every hop; north and south links on it get their class
    and are marked as kept.
    """
    width, height, kind, kept, left, right, south = world
    cost, came, path = space
    x0, y0, x1, y1 = start % width, start // width, goal % width, goal // width
    columns = abs(x1 - x0) + 1
    forward = 1 if step > 0 else 3
    if columns > len(cost):
        return -1
    reach = abs(y1 - y0) + 1
    while True:
        low, high = max(0, min(y0, y1) - reach), min(height - 1, max(y0, y1) + reach)
        if high - low >= cost.shape[1]:
            return -1
        for k in range(columns):
            x = x0 + k * step
            for y in range(low, high + 1):
                r = y - low
                cost[k, r], came[k, r] = _FAR, 255
                if k == 0:
                    if y == y0:
                        cost[k, r] = 0
                elif cost[k - 1, r] < _FAR and 0 < kind[y * width + x - step, forward] <= _LEAVE:
                    other = _OTHER if y != y0 and (y < y0) == south[start] else 0
                    cost[k, r], came[k, r] = cost[k - 1, r] + _HOP + other, forward
            for y in range(low + 1, high + 1):
                price = _may_shift(width, kind, kept, (y - 1) * width + x, 2, step, left, right)
                if price and cost[k, y - 1 - low] + price < cost[k, y - low]:
                    cost[k, y - low], came[k, y - low] = cost[k, y - 1 - low] + price, 2
            for y in range(high - 1, low - 1, -1):
                price = _may_shift(width, kind, kept, (y + 1) * width + x, 0, step, left, right)
                if price and cost[k, y + 1 - low] + price < cost[k, y - low]:
                    cost[k, y - low], came[k, y - low] = cost[k, y + 1 - low] + price, 0
        if cost[columns - 1, y1 - low] < _FAR:
            break
        if low == 0 and high == height - 1:
            return -1
        reach *= 2
    count = 0
    k, y = columns - 1, y1
    while came[k, y - low] != 255:
        port = came[k, y - low]
        if port == forward:
            k -= 1
        else:
            y += 1 if port == 0 else -1
        tile = y * width + x0 + k * step
        path[count, 0], path[count, 1] = tile, port
        count += 1
        if port != forward and (kind[tile, port] == _CLIMB or kind[tile, port] == _LEAVE):
            before = _side(x0 + k * step, y, step, left, right) < 0
            kind[tile, port] = _CLIMB if before else _LEAVE
            kept[tile, port] = True
    return count


@njit(cache=True)
def _note(
    path: Any, count: Any, row: Any, low: Any, high: Any, slack: Any, rules: Any, used: Any
) -> Any:  # fmt: skip
    """A rule for each hop of a path; the number of rules, which may exceed their space."""
    for k in range(count):
        if used < len(rules):
            rules[used, 0], rules[used, 1], rules[used, 2] = path[k, 0], row, low
            rules[used, 3], rules[used, 4], rules[used, 5] = high, slack, path[k, 1]
        used += 1
    return used


@njit(cache=True)
def _to_pocket(
    world: Any, space: Any, tile: Any, anchor: Any, line: Any, step: Any, rules: Any, used: Any,
    awkward: Any, blamed: Any,
) -> Any:  # fmt: skip
    """Rules to the tile from which a pocket is entered, from the line's last tile before it."""
    width = world[0]
    row, column = tile // width, tile % width
    near = len(line) - 1
    while near >= 0 and (anchor[tile] % width - line[near]) * step < 0:
        near -= 1
    if near < 0 or row * width + line[near] == anchor[tile]:
        return used
    hops = _find(world, space, row * width + line[near], anchor[tile], step)
    if hops < 0:
        awkward[tile] = 2
        if near > 0 and _find(world, space, row * width + line[near - 1], anchor[tile], step) >= 0:
            blamed[tile] = row * width + line[near]
        return used
    return _note(space[2], hops, row, column, column, 0, rules, used)


@njit(cache=True)
def _to_next(
    world: Any, space: Any, row: Any, line: Any, k: Any, anchor: Any, step: Any, rules: Any,
    used: Any, awkward: Any,
) -> Any:  # fmt: skip
    """Rules from tile k - 1 of a line to tile k, where no link joins them."""
    width, kind = world[0], world[2]
    start, goal = row * width + line[k - 1], row * width + line[k]
    if goal == start + step and kind[start, 1 if step > 0 else 3] < 255:
        return used
    hops = _find(world, space, start, goal, step)
    if hops < 0:
        # Whose fault? The next tile cannot be entered, or this one cannot be left.
        starts = k > 1 and _find(world, space, row * width + line[k - 2], goal, step) >= 0
        goals = (
            k + 1 < len(line) and _find(world, space, start, row * width + line[k + 1], step) >= 0
        )
        if starts or not goals:
            awkward[start] = 1
        if goals or not starts:
            awkward[goal] = 1
        return used
    low, high = (goal % width, width - 1) if step > 0 else (0, goal % width)
    slack = 0
    while goal - (slack + 1) * step != start and anchor[goal - (slack + 1) * step] < 0:
        slack += 1
    return _note(space[2], hops, row, low, high, slack, rules, used)


@njit(cache=True)
def lay_lines(
    width: Any, height: Any, kind: Any, kept: Any, left: Any, right: Any, south: Any, whole: Any,
    anchor: Any, rules: Any, awkward: Any, blamed: Any,
) -> Any:  # fmt: skip
    """Join every row in both directions; the number of rules.

    Parameters
    ----------
    kind : uint8[tiles, 4]
        Class of each link; detours change some.
    kept : bool[tiles, 4]
        Written: a detour needs the link.
    south : bool[tiles]
        Detours that start here rather lead over the rows south of them.
    whole : bool[tiles]
        Tiles of the lines.
    anchor : int32[tiles]
        For a tile in a pocket the whole tile from which it is entered; -1 for all others.
    rules : int32[space, 6]
        Written: tile, row, first and last column of the destinations, columns in front of them
        that nobody asks for, output.
    awkward : uint8[tiles]
        Written: 1 where a tile must become a pocket, 2 where a pocket is not reached.
    blamed : int32[tiles]
        Written: a tile of the line without which a pocket that is not reached would be.
    """
    cost = np.zeros((width, min(height, 2 * MOST_ROWS + 3)), np.int32)
    came = np.zeros(cost.shape, np.uint8)
    space = (cost, came, np.zeros((cost.size, 2), np.int32))
    world = (width, height, kind, kept, left, right, south)
    line = np.zeros(width, np.int32)
    used = 0
    for behind in range(2):  # packets that leave have less choice, so they come first
        for y in range(height):
            for step in (1, -1):
                count = 0
                for k in range(width):
                    x = k if step > 0 else width - 1 - k
                    if whole[y * width + x]:
                        line[count] = x
                        count += 1
                    elif anchor[y * width + x] >= 0 and (_side(x, y, step, left, right) < 0) == (
                        behind == 1
                    ):
                        used = _to_pocket(
                            world, space, y * width + x, anchor, line[:count], step, rules, used,
                            awkward, blamed,
                        )  # fmt: skip
                for k in range(1, count):
                    if (_side(line[k - 1], y, step, left, right) < 0) == (behind == 1):
                        used = _to_next(
                            world, space, y, line[:count], k, anchor, step, rules, used, awkward
                        )
    return used
