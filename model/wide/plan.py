"""Routes of a whole wafer: the steps in order, repeated until every tile has its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from model.graph import LinkGraph
from model.wide.climb import climbs
from model.wide.detours import lay_lines
from model.wide.entries import by_tile, write_entries
from model.wide.links import LinkClass, first_classes
from model.wide.spine import NONE, Spine, find_spine

_ROUNDS: Final = 60


@dataclass(frozen=True, eq=False, kw_only=True)
class WidePlan:
    """Turn classes and route entries of every tile.

    Members
    -------
    joined : bool[tiles]
        Tiles of the largest part in which any two reach each other over working links.
    whole : bool[tiles]
        Tiles of the lines.
    pocket : bool[tiles]
        Tiles with one way in and one way out.
    kind : uint8[tiles, 4]
        Class of each link (:class:`LinkClass`).
    entries : uint16[tiles, route_entries, 5]
        x_lo, x_hi, y_lo, y_hi, to.
    count : int32[tiles]
        Entries in use; more than there are where they do not fit.
    rounds : int
        How often lines were laid.
    """

    joined: npt.NDArray[np.bool_]
    whole: npt.NDArray[np.bool_]
    pocket: npt.NDArray[np.bool_]
    kind: npt.NDArray[np.uint8]
    entries: npt.NDArray[np.uint16]
    count: npt.NDArray[np.int32]
    rounds: int

    @property
    def routable(self) -> npt.NDArray[np.bool_]:
        """bool[tiles]: any two of these tiles reach each other through the tables."""
        return self.whole | self.pocket


def largest_part(graph: LinkGraph) -> npt.NDArray[np.bool_]:
    """bool[tiles]: the largest set of tiles that reach each other over working links."""
    tile, port = np.nonzero(graph.out_ok)
    edges = csr_matrix(
        (np.ones(len(tile), np.int8), (tile, graph.neighbour[tile, port])),
        shape=(graph.tiles, graph.tiles),
    )
    _, part = connected_components(edges, directed=True, connection="strong")
    size = np.bincount(part, graph.live * 1.0)
    return np.asarray((part == size.argmax()) & graph.live)


def plan_routes(graph: LinkGraph, route_entries: int) -> WidePlan:
    """Lay lines; make pockets of tiles that no line can pass; give up what is left.

    Raises
    ------
    InputError
        When the wafer has no spine.
    """
    joined = largest_part(graph)
    whole = joined.copy()
    exits, entered = np.full((2, graph.tiles), NONE, np.uint8)
    anchor = np.full(graph.tiles, -1, np.int32)
    for turn in range(_ROUNDS):
        usable = graph.out_ok & whole[:, None] & whole[graph.neighbour]
        spine = find_spine(graph.width, graph.height, usable)
        kind = first_classes(graph.width, graph.height, usable, spine)
        rules = np.zeros((0, 6), np.int32)
        _attach(graph, kind, exits, entered)
        awkward = np.zeros(graph.tiles, np.uint8)
        kept = np.zeros(kind.shape, np.bool_)
        space = 1 << 16
        while True:
            rules = np.zeros((space, 6), np.int32)
            trial, kept[:] = kind.copy(), False
            awkward[:] = 0
            used = lay_lines(
                graph.width, graph.height, trial, kept, spine.left, spine.right, whole, anchor,
                rules, awkward,
            )  # fmt: skip
            if used <= space:
                break
            space = 2 * used
        kind, rules = trial, rules[:used]
        climb, near = _climb(graph, kind, whole, spine)
        y = np.arange(graph.tiles) // graph.width
        awkward[whole & (climb[0] == NONE) & (y > 0)] = 1
        awkward[whole & (climb[1] == NONE) & (y < graph.height - 1)] = 1
        if not awkward.any():
            break
        _make_pockets(graph, awkward, whole, exits, entered, anchor)
    else:
        raise AssertionError(f"no end after {_ROUNDS} rounds")
    rules = np.concatenate([rules, _into_pockets(graph, entered, anchor)])
    rules, begin = by_tile(rules, graph.tiles)
    entries = np.zeros((graph.tiles, route_entries, 5), np.uint16)
    count = np.zeros(graph.tiles, np.int32)
    write_entries(
        graph.width, graph.height, kind, whole, rules, begin, exits, climb, near, entries, count
    )  # fmt: skip
    return WidePlan(
        joined=joined, whole=whole, pocket=anchor >= 0, kind=kind, entries=entries, count=count,
        rounds=turn + 1,
    )  # fmt: skip


Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


def _climb(graph: LinkGraph, kind: Bytes, whole: Flags, spine: Spine) -> tuple[Bytes, Flags]:
    """The ways north and south of packets that climb, stacked."""
    hop = np.full((2, graph.tiles), NONE, np.uint8)
    near = np.zeros((2, graph.tiles), np.bool_)
    for k, way in enumerate((spine.north, spine.south)):
        known = (kind, whole, spine.left, spine.right, way, 2 * k)
        climbs(graph.width, graph.height, *known, hop[k], near[k])
    return hop, near


def _attach(
    graph: LinkGraph,
    kind: npt.NDArray[np.uint8],
    exits: npt.NDArray[np.uint8],
    entered: npt.NDArray[np.uint8],
) -> None:
    """Class the pockets' links."""
    pockets = np.flatnonzero(exits != NONE)
    kind[pockets, exits[pockets]] = LinkClass.ROOT
    port = entered[pockets]
    kind[graph.neighbour[pockets, port], (port + 2) % 4] = LinkClass.LEAF


def _make_pockets(
    graph: LinkGraph,
    awkward: npt.NDArray[np.uint8],
    whole: npt.NDArray[np.bool_],
    exits: npt.NDArray[np.uint8],
    entered: npt.NDArray[np.uint8],
    anchor: npt.NDArray[np.int32],
) -> None:
    """Take awkward tiles off the lines; hang each to a whole tile beside it, or give it up."""
    whole[awkward != 0] = False
    for tile in np.flatnonzero(awkward | (~whole & (anchor >= 0))).tolist():
        exits[tile] = entered[tile] = NONE
        anchor[tile] = -1
        if awkward[tile] == 2:
            continue
        near = graph.neighbour[tile]
        beside = (near >= 0) & whole[near]
        ways_in = np.flatnonzero(beside & graph.in_ok[tile])
        ways_out = np.flatnonzero(beside & graph.out_ok[tile])
        if len(ways_in) and len(ways_out):
            exits[tile], entered[tile] = ways_out[0], ways_in[0]
            anchor[tile] = near[ways_in[0]]


def _into_pockets(
    graph: LinkGraph, entered: npt.NDArray[np.uint8], anchor: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """The last rule to each tile in a pocket, at the tile that it hangs on."""
    tile = np.flatnonzero(anchor >= 0).astype(np.int32)
    row, column = tile // graph.width, tile % graph.width
    out = (entered[tile].astype(np.int32) + 2) % 4
    return np.stack([anchor[tile], row, column, column, np.zeros_like(tile), out], axis=1)
