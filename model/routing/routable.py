"""Parts joined by two-way links, and what one-way links attach to them.

A tile joined to a part by one-way links only is *attached* as soon as one attached tile sends to it
and one attached tile hears it; repeated until no more is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from model.graph import LinkGraph


def two_way_parts(graph: LinkGraph) -> npt.NDArray[np.int32]:
    """int32[tiles]: number of the part of tiles joined by two-way links that a tile belongs to."""
    tile, port = np.nonzero(graph.out_ok & graph.in_ok)
    edges = coo_matrix(
        (np.ones(len(tile), np.int8), (tile, graph.neighbour[tile, port])),
        shape=(graph.tiles, graph.tiles),
    )
    part: npt.NDArray[np.int32] = connected_components(edges, directed=False)[1]
    return part


def weightiest(graph: LinkGraph, part: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """bool[tiles]: the part that holds the most working cores.

    Equal parts: the one with the lowest tile id.
    """
    # A live tile outweighs nothing, a working core outweighs all routers together.
    weight = graph.live * 1.0 + graph.core_ok * (graph.tiles + 1.0)
    size = np.bincount(part, weight)
    largest: npt.NDArray[np.bool_] = part == part[np.argmax(size[part])]
    return largest & graph.live


def largest_two_way_part(graph: LinkGraph) -> npt.NDArray[np.bool_]:
    """bool[tiles]: the tiles joined by two-way links that hold the most working cores."""
    return weightiest(graph, two_way_parts(graph))


def attach_levels(graph: LinkGraph, root: int) -> npt.NDArray[np.int32]:
    """int32[tiles]: round in which a tile is attached, the root's being 0; -1 when it never is."""
    level = np.full(graph.tiles, -1, np.int32)
    level[root] = 0
    _attach(root, graph.in_ok, graph.out_ok, graph.neighbour, level)
    return level


@njit(cache=True, nogil=True)
def _attach(root: Any, in_ok: Any, out_ok: Any, near: Any, level: Any) -> None:
    """Breadth first: only neighbours of the tiles of the last round can be new."""
    front = np.empty(len(level), np.int32)
    front[0] = root
    first, last, number = 0, 1, 0
    while first < last:
        number += 1
        found = last
        for i in range(first, last):
            for port in range(4):
                tile = near[front[i], port]
                if tile < 0 or level[tile] >= 0:
                    continue
                heard = sends = False
                for side in range(4):
                    there = near[tile, side]
                    if there >= 0 and 0 <= level[there] < number:
                        heard |= in_ok[tile, side]
                        sends |= out_ok[tile, side]
                if heard and sends:
                    level[tile] = number
                    front[found] = tile
                    found += 1
        first, last = last, found
