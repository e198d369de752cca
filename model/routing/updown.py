"""Up*/down* turn rules on a directed graph with one-way links.

Tiles get levels; a link to a lower level is *up*, to a higher one *down*, and no packet turns from
down to up. A cycle of turns would have to be all up or all down, so there is none. A tile is
attached as soon as one attached tile sends to it and one attached tile hears it: from there the
root is reached by up links and reaches the tile by down links, so all attached tiles reach each
other. Over two-way links these are the breadth-first levels.

References: Schroeder et al., Autonet, 1991 (up*/down*).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from model.graph import LinkGraph

Found = tuple[int, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def largest_two_way_part(graph: LinkGraph) -> npt.NDArray[np.bool_]:
    """bool[tiles]: the tiles joined by two-way links that hold the most working cores.

    Equal parts: the one with the lowest tile id.
    """
    both = graph.out_ok & graph.in_ok
    tile, port = np.nonzero(both)
    edges = coo_matrix(
        (np.ones(len(tile), np.int8), (tile, graph.neighbour[tile, port])),
        shape=(graph.tiles, graph.tiles),
    )
    count, part = connected_components(edges, directed=False)
    # A live tile outweighs nothing, a working core outweighs all routers together.
    weight = graph.live * 1.0 + graph.core_ok * (graph.tiles + 1.0)
    size = np.bincount(part, weight, minlength=count)
    return (part == part[np.argmax(size[part])]) & graph.live


def attach_levels(graph: LinkGraph, root: int) -> npt.NDArray[np.int32]:
    """int32[tiles]: round in which a tile is attached, the root's being 0; -1 when it never is."""
    level = np.full(graph.tiles, -1, np.int32)
    level[root] = 0
    for round_number in range(1, graph.tiles):
        attached = level >= 0
        near = attached[graph.neighbour]  # column of an edge port is masked by the fuses
        heard = (graph.in_ok & near).any(axis=1)
        sends = (graph.out_ok & near).any(axis=1)
        new = heard & sends & ~attached
        if not new.any():
            break
        level[new] = round_number
    return level


def nearest_root(graph: LinkGraph, x: int, y: int) -> int | None:
    """Tile of the largest two-way part that is nearest to a place; None when no tile lives."""
    part = np.flatnonzero(largest_two_way_part(graph))
    if not len(part):
        return None
    distance = abs(part % graph.width - x) + abs(part // graph.width - y)
    return int(part[np.argmin(distance)])


@dataclass(frozen=True)
class Rooted:
    """What can be routed around a root.

    Members
    -------
    root : int
        Tile id.
    level : int32[tiles]
        From :func:`attach_levels`.
    leaves, arrives : bool[tiles, 4]
        Working links between attached tiles, by the port they leave or enter through.
    """

    root: int
    level: npt.NDArray[np.int32]
    leaves: npt.NDArray[np.bool_]
    arrives: npt.NDArray[np.bool_]

    @property
    def routable(self) -> npt.NDArray[np.bool_]:
        """bool[tiles]: attached tiles."""
        return self.level >= 0


def rooted(graph: LinkGraph, x: int, y: int) -> Rooted | None:
    """Levels from the root nearest to a place, and the links they make usable."""
    root = nearest_root(graph, x, y)
    if root is None:
        return None
    level = attach_levels(graph, root)
    attached = level >= 0
    both = attached[:, None] & attached[graph.neighbour]  # the fuses mask edge ports
    return Rooted(root, level, graph.out_ok & both, graph.in_ok & both)


def updown_turns(graph: LinkGraph, x: int, y: int) -> Found | None:
    """Rules from the root nearest to a place.

    Parameters
    ----------
    graph : LinkGraph
    x, y : int
        Where the root should be; the nearest tile of the largest two-way part is taken.

    Returns
    -------
    (root, routable, turns) or None
        Root's tile id, bool[tiles], bool[tiles, 5, 5]; None when no tile lives.
    """
    found = rooted(graph, x, y)
    if found is None:
        return None
    # Levels of neighbours differ: they have the checkerboard colours' parity.
    up = found.level[graph.neighbour] < found.level[:, None]
    turns = np.zeros((graph.tiles, 5, 5), np.bool_)
    legal = found.arrives[:, :, None] & found.leaves[:, None, :]
    legal &= ~(up[:, :, None] & up[:, None, :])  # came down, goes up
    turns[:, :4, :4] = legal & ~np.eye(4, dtype=np.bool_)  # a U-turn is never on a shortest path
    return found.root, found.routable, turns
