"""Cheapest pairing of tiles under Manhattan distance: a minimum-cost flow over the grid.

A unit of flow steps from tile to tile at cost 1 without any limit, so the cheapest flow from all
sources to as many sinks is the least sum of distances, and a million tiles cost no more than a few
sweeps over the grid. Successive shortest paths, all sources at once: the distance of every tile to
the free sinks in the residual graph, by buckets over reduced costs (Edmonds and Karp 1972, Dial
1969), then paths along it until none is left, and again while a source remains.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Tiles = npt.NDArray[np.int64]


def pair(sources: Tiles, sinks: Tiles, width: int, height: int) -> Tiles:
    """Pair every source with a sink of its own; the sum of Manhattan distances is least.

    Parameters
    ----------
    sources, sinks : int64[n], int64[m]
        Tile ids, each once, n ≤ m.
    width, height : int
        Of the grid.

    Returns
    -------
    int64[n]
        Tile id of each source's sink.
    """
    assert len(sources) <= len(sinks)
    left = np.zeros(width * height, np.bool_)
    left[sources] = True
    free = np.zeros(width * height, np.bool_)
    free[sinks] = True
    used = free.copy()
    flow = np.zeros((width * height, 4), np.int32)
    far = np.zeros(width * height, np.int32)
    while left.any():
        _measure(flow, free, far, width)
        _push(flow, left, free, far, sources, width)
    used &= ~free
    return np.asarray(_follow(flow, used, sources, width), np.int64)


@njit(cache=True)
def _beside(tile: Any, port: Any, width: Any, tiles: Any) -> Any:
    """Tile behind a port (N, E, S, W), -1 at the edge."""
    if port == 0:
        return tile - width if tile >= width else -1
    if port == 1:
        return tile + 1 if (tile + 1) % width else -1
    if port == 2:
        return tile + width if tile + width < tiles else -1
    return tile - 1 if tile % width else -1


@njit(cache=True)
def _measure(flow: Any, free: Any, far: Any, width: Any) -> None:
    """Raise ``far`` to each tile's distance to the free sinks; a step against flow costs -1."""
    tiles = len(far)
    more = np.full(tiles, 1 << 30, np.int32)  # distance in reduced costs, which are 0, 1 or 2
    done = np.zeros(tiles, np.bool_)
    queue = np.empty((3, 3 * tiles), np.int32)  # a tile improves at most twice after its first
    head, count = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for tile in range(tiles):
        if free[tile]:
            more[tile] = 0
            queue[0, count[0]] = tile
            count[0] += 1
    level = 0
    while head[0] < count[0] or head[1] < count[1] or head[2] < count[2]:
        now = level % 3
        while head[now] < count[now]:
            tile = queue[now, head[now]]
            head[now] += 1
            if done[tile] or more[tile] != level:
                continue
            done[tile] = True
            for port in range(4):
                before = _beside(tile, port, width, tiles)
                if before < 0 or done[before]:
                    continue
                cost = -1 if flow[tile, port] > 0 else 1
                reach = level + cost - far[before] + far[tile]
                if reach < more[before]:
                    more[before] = reach
                    slot = reach % 3
                    queue[slot, count[slot]] = before
                    count[slot] += 1
        head[now] = count[now] = 0
        level += 1
    for tile in range(tiles):
        far[tile] += more[tile]


@njit(cache=True)
def _push(flow: Any, left: Any, free: Any, far: Any, sources: Any, width: Any) -> None:
    """Send sources along shortest residual paths until no path of that length is left."""
    tiles = len(far)
    turn = np.zeros(tiles, np.int8)  # next port to try; 4 = nothing that way
    on_path = np.zeros(tiles, np.bool_)
    path = np.empty(tiles, np.int32)
    for source in sources:
        if not left[source] or turn[source] == 4:
            continue
        depth, tile = 0, source
        path[0] = source
        on_path[source] = True
        while True:
            if free[tile]:
                free[tile] = left[source] = False
                break
            while turn[tile] < 4:
                port = turn[tile]
                after = _beside(tile, port, width, tiles)
                if after >= 0 and not on_path[after] and turn[after] < 4:
                    back = flow[after, (port + 2) % 4] > 0
                    if back or far[tile] == far[after] + 1:
                        break
                turn[tile] += 1
            if turn[tile] < 4:
                depth += 1
                tile = after
                path[depth] = tile
                on_path[tile] = True
            else:
                on_path[tile] = False
                if depth == 0:
                    break
                depth -= 1
                tile = path[depth]
        for step in range(depth + 1):
            on_path[path[step]] = False
        if left[source]:
            continue
        for step in range(depth):
            port, after = turn[path[step]], path[step + 1]
            if flow[after, (port + 2) % 4] > 0:
                flow[after, (port + 2) % 4] -= 1
            else:
                flow[path[step], port] += 1


@njit(cache=True)
def _follow(flow: Any, used: Any, sources: Any, width: Any) -> Any:
    """Where each source's flow ends; takes the flow apart."""
    ends = np.empty(len(sources), np.int64)
    for k in range(len(sources)):
        tile = sources[k]
        while not used[tile]:
            port = 0
            while flow[tile, port] == 0:
                port += 1
            flow[tile, port] -= 1
            tile = _beside(tile, port, width, len(used))
        used[tile] = False
        ends[k] = tile
    return ends
