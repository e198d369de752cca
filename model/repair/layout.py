"""Compiled moves of :mod:`model.repair.neighbours`: one line laid out anew, two tiles that trade.

``core_at`` holds the core a tile hosts, -1 where it is free and -2 where it cannot host. ``stale``
(bool[2, lines]) marks rows and columns around which something moved since they were laid out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def _next_to(core: Any, side: Any, across: Any, logical: Any) -> Any:
    """Logical neighbour N, E, S, W; -1 at the edge."""
    if side == 0:
        return core - across if core >= across else -1
    if side == 1:
        return core + 1 if (core + 1) % across else -1
    if side == 2:
        return core + across if core + across < logical else -1
    return core - 1 if core % across else -1


@njit(cache=True)
def _mark(core: Any, host: Any, width: Any, across: Any, stale: Any) -> None:
    """The core moved: its line and its neighbours' lines may have something to gain."""
    stale[0, host[core] // width] = stale[1, host[core] % width] = True
    for side in range(4):
        other = _next_to(core, side, across, len(host))
        if other >= 0 and host[other] >= 0:
            stale[0, host[other] // width] = stale[1, host[other] % width] = True


@njit(cache=True)
def lay_out(
    host: Any, core_at: Any, width: Any, height: Any, across: Any, rows: Any, before: Any,
    behind: Any, stale: Any,
) -> Any:  # fmt: skip
    """Lay out each stale row (or column) anew, cores in order, all other lines standing still.

    Parameters
    ----------
    host : int32[logical]
    core_at : int32[tiles]
    width, height, across : int
        Of the wafer, and the logical width.
    rows : bool
        Rows, else columns.
    before, behind : int
        Weights of distances to lines with lower and with higher numbers.
    stale : bool[2, lines]

    Returns
    -------
    int
        By how much the weighted sums fell; with equal weights 1, the sum of all distances.
    """
    lines, length = (height, width) if rows else (width, height)
    step, first = (1, width) if rows else (width, 1)
    flag = stale[0 if rows else 1]
    core, old = np.empty(length, np.int32), np.empty(length, np.int32)
    slot = np.empty(length, np.int32)
    total = 0
    for line in range(lines):
        if not flag[line]:
            continue
        flag[line] = False
        slots = cores = 0
        for k in range(length):
            found = core_at[line * first + k * step]
            if found >= 0:
                core[cores], old[cores] = found, slots
                cores += 1
            if found > -2:
                slot[slots] = k
                slots += 1
        spare = slots - cores
        if spare == 0 or cores == 0:
            continue
        # best[i, s]: least cost of the first i cores with the i-th in slot i - 1 + s at the latest.
        best = np.zeros((cores + 1, spare + 1), np.int32)
        now = 0
        for i in range(cores):
            row = best[i + 1]
            choice = slot[i : i + spare + 1]
            slope = 0
            row[:] = 0
            for side in range(4):
                other = _next_to(core[i], side, across, len(host))
                if other < 0 or host[other] < 0:
                    continue
                y, x = host[other] // width, host[other] % width
                there, place = (y, x) if rows else (x, y)
                if there == line:  # both move but keep their order: a difference, not a distance
                    slope += 1 if place < slot[old[i]] else -1
                else:
                    weight = np.int32(before if there < line else behind)
                    place = np.int32(place)
                    for s in range(spare + 1):
                        row[s] += weight * abs(choice[s] - place)
            for s in range(spare + 1):
                row[s] += np.int32(slope) * choice[s]
            now += row[old[i] - i]
            row += best[i]
            for s in range(1, spare + 1):
                row[s] = min(row[s], row[s - 1])
        if best[cores, spare] >= now:
            continue
        total += now - best[cores, spare]
        for i in range(cores):
            core_at[line * first + slot[old[i]] * step] = -1
        s = spare
        for i in range(cores - 1, -1, -1):
            while s and best[i + 1, s] == best[i + 1, s - 1]:
                s -= 1
            tile = line * first + slot[i + s] * step
            core_at[tile] = core[i]
            if host[core[i]] != tile:
                host[core[i]] = tile
                _mark(core[i], host, width, across, stale)
        flag[line] = False  # it is at its best, whatever moved within it
    return total


@njit(cache=True)
def _around(core: Any, tile: Any, other: Any, host: Any, width: Any, across: Any) -> Any:
    """Distances from ``tile`` to the neighbours of ``core``, ``other`` left out; how many."""
    total = count = 0
    for side in range(4):
        near = _next_to(core, side, across, len(host))
        if near >= 0 and near != other and host[near] >= 0:
            there = host[near]
            total += abs(tile % width - there % width) + abs(tile // width - there // width)
            count += 1
    return total, count


@njit(cache=True)
def trade(host: Any, core_at: Any, width: Any, height: Any, across: Any, stale: Any) -> Any:
    """Exchange what two tiles at most two steps apart host, where that helps.

    Parameters as :func:`lay_out`'s. Returns by how much the sum of all distances fell.
    """
    total = 0
    for tile in range(width * height):
        a = core_at[tile]
        if a < 0:
            continue
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                x, y = tile % width + dx, tile // width + dy
                if not 1 <= abs(dx) + abs(dy) <= 2 or not (0 <= x < width and 0 <= y < height):
                    continue
                there = y * width + x
                b = core_at[there]
                if b == -2 or host[a] != tile:
                    continue
                far, count = _around(a, tile, b, host, width, across)
                if far == count:
                    continue
                gain = far - _around(a, there, b, host, width, across)[0]
                if b >= 0:
                    gain += _around(b, there, a, host, width, across)[0]
                    gain -= _around(b, tile, a, host, width, across)[0]
                if gain <= 0:
                    continue
                total += gain
                host[a], core_at[there], core_at[tile] = there, a, b
                _mark(a, host, width, across, stale)
                if b >= 0:
                    host[b] = tile
                    _mark(b, host, width, across, stale)
    return total
