"""What is served at all: a property of the wafer alone, the same for every strategy (TBL-5).

From a tile of a part joined by two-way links, or attached to it, the root is reached by links to
lower levels, and it reaches the tile by links to higher ones: up*/down* alone joins every ordered
pair. Where that leaves out working cores that are connected both ways, two trees that share no link
(:mod:`.ears`) serve more, from the largest part or, where that is more, from inside an ear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from model.graph import LinkGraph
from model.routing.ears import join
from model.routing.routable import attach_levels, two_way_parts, weightiest

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]

PARENTS: Final = ((0, 2, 1, 3), (1, 3, 0, 2))
"""Ports in the order in which trees take them, by rows and by columns: a comb's teeth first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reach:
    """Tiles that are served, and what every order of the links must hold for it.

    Members
    -------
    served : bool[tiles]
        Every ordered pair of them can be joined; none when no tile lives.
    ways : bool[tiles]
        Tiles that packets may cross: those served and, where there are ears, all that are
        connected both ways with them.
    roots : bool[tiles]
        Joined by two-way links; up*/down* from any of them joins all tiles that it attaches.
    key : int32[2, tiles, 4]
        By rows and by columns, place of a link beyond what is attached to the roots: less than 0
        in the tree up, more than 0 in the tree down, 0 in none (:func:`model.routing.ears.join`).
    rounds : int32[2, tiles]
        After which both trees reach a tile; what one reaches not at all comes last.
    """

    served: Bools
    ways: Bools
    roots: Bools
    key: Ints
    rounds: Ints

    @classmethod
    def of(cls, graph: LinkGraph) -> Reach:
        """What of a wafer can be served, as far as is found.

        Where nothing is left out that is connected both ways, or only routers without a core, the
        attached tiles are all. Else the base (the largest part, or a part of what is left out) that
        serves the most cores counts, the former when equal, then the one with the lowest tile id.
        """
        part = two_way_parts(graph)
        largest = weightiest(graph, part)
        attached = largest
        if largest.any():
            attached = attach_levels(graph, int(np.argmax(largest))) >= 0
        strong = _both_ways(graph, attached)
        if not (strong & ~attached & graph.core_ok).any():
            none = np.zeros((2, graph.tiles, 4), np.int32)
            return cls(served=attached, ways=attached, roots=largest, key=none, rounds=none[..., 0])
        roots, trees = largest, _Trees.grow(graph, largest, strong)
        for own in np.unique(part[strong & ~trees.served & graph.core_ok]):
            other = _Trees.grow(graph, part == own, strong)
            if (other.served & graph.core_ok).sum() > (trees.served & graph.core_ok).sum():
                roots, trees = part == own, other
        by_columns = _Trees.grow(graph, roots, strong, columns=True)
        if (by_columns.served != trees.served).any():
            by_columns = trees
        return cls(
            served=trees.served, ways=strong, roots=roots,
            key=np.stack([trees.key, by_columns.key]),
            rounds=np.stack([trees.rounds, by_columns.rounds]),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Trees:
    """What two trees serve from a base, and how."""

    served: Bools
    key: Ints
    rounds: Ints

    @classmethod
    def grow(cls, graph: LinkGraph, roots: Bools, strong: Bools, columns: bool = False) -> _Trees:
        base = attach_levels(graph, int(np.argmax(roots))) >= 0
        usable = graph.out_ok & strong[:, None] & strong[graph.neighbour]
        ports = np.array(PARENTS[columns], np.int32)
        key, up, down = join(graph.neighbour, usable, graph.core_ok, base, ports)
        served, rounds = (up >= 0) & (down >= 0), np.maximum(up, down)
        rounds[~served] = rounds.max() + 1
        return cls(served, key, rounds)


def _both_ways(graph: LinkGraph, tiles: Bools) -> Bools:
    """bool[tiles]: all that some of these tiles reach and are reached by."""
    tail, port = np.nonzero(graph.out_ok)
    links = coo_matrix(
        (np.ones(len(tail), np.int8), (tail, graph.neighbour[tail, port])),
        shape=(graph.tiles, graph.tiles),
    )
    _, part = connected_components(links, connection="strong")
    return np.isin(part, part[tiles])
