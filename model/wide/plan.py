"""Routes of a whole wafer: the steps in order, repeated until every tile has its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from model.errors import InputError
from model.graph import LinkGraph
from model.wide.climb import climbs
from model.wide.detours import lay_lines
from model.wide.entries import by_tile, write_entries
from model.wide.links import first_classes
from model.wide.pockets import Pockets
from model.wide.spine import NONE, Spine, find_spine

_ROUNDS: Final = 100
_SHIFTS: Final = (0.0, 0.06, -0.06, 0.12, -0.12, 0.03, -0.03)
"""Places of the spine, from the middle, as shares of the width."""

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Rules = npt.NDArray[np.int32]


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
        Entries in use.
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
    def given_up(self) -> int:
        """Tiles of the largest part that the tables do not serve."""
        return int((self.joined & ~self.routable).sum())

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


def plan_routes(graph: LinkGraph, route_entries: int, banned: npt.NDArray[np.int32]) -> WidePlan:
    """Routes between all tiles of the largest part.

    Where a tile finds no place, the spine is tried elsewhere; the plan that gives up the fewest
    tiles is kept.

    Parameters
    ----------
    graph : LinkGraph
    route_entries : int
        Entries a tile has.
    banned : int32[tiles]
        Tiles that must not be in a pocket.

    Raises
    ------
    InputError
        When the wafer has no spine, or a tile's entries cannot fit.
    """
    joined = largest_part(graph)
    best: WidePlan | None = None
    for shift in _SHIFTS:
        column = graph.width // 2 + int(shift * graph.width)
        try:
            plan = _plan_around(graph, joined, route_entries, column, banned)
        except InputError:
            if best is None and shift == _SHIFTS[-1]:
                raise
            continue
        if best is None or plan.given_up < best.given_up:
            best = plan
        if best.given_up == 0:
            break
    assert best is not None
    return best


def _plan_around(
    graph: LinkGraph, joined: Flags, route_entries: int, column: int, banned: Rules
) -> WidePlan:
    """Lay lines; take off them what they cannot pass; give up what is left."""
    width, height, tiles = graph.width, graph.height, graph.tiles
    whole = joined.copy()
    pockets = Pockets.none(tiles)
    pockets.give_up(banned)
    south = np.zeros(tiles, np.bool_)
    y = np.arange(tiles) // width
    for turn in range(1, _ROUNDS + 1):
        usable = graph.out_ok & whole[:, None] & whole[graph.neighbour]
        spine = find_spine(width, height, usable, column)
        kind = first_classes(width, height, usable, spine)
        pockets.mark(graph, kind)
        rules, awkward, blamed = _lines(graph, kind, spine, south, whole, pockets)
        climb, near = _climb(graph, kind, whole, spine)
        awkward[whole & (climb[0] == NONE) & (y > 0)] = 1
        awkward[whole & (climb[1] == NONE) & (y < height - 1)] = 1
        if not awkward.any():
            rules, begin = by_tile(np.concatenate([rules, pockets.rules(graph)]), tiles)
            entries = np.zeros((tiles, route_entries, 5), np.uint16)
            count = np.zeros(tiles, np.int32)
            known = (kind, whole, rules, begin, pockets.exits, climb, near)
            write_entries(width, height, *known, entries, count)
            if not _relieve(graph, count, entries.shape[1], rules, begin, pockets):
                return WidePlan(
                    joined=joined, whole=whole, pocket=pockets.anchor >= 0, kind=kind,
                    entries=entries, count=count, rounds=turn,
                )  # fmt: skip
        _thin(graph, awkward)
        whole[awkward == 1] = False
        whole[pockets.missed(graph, np.flatnonzero(awkward), blamed, south)] = False
        pockets.attach(graph, joined, whole)
    raise InputError(f"wafer needs more than {_ROUNDS} rounds; allowed: fewer defects")


def _lines(
    graph: LinkGraph, kind: Bytes, spine: Spine, south: Flags, whole: Flags, pockets: Pockets
) -> tuple[Rules, Bytes, Rules]:
    """Rules of all detours, the tiles that found no place, and whose fault that is.

    ``kind`` is updated.
    """
    space = 1 << 16
    while True:
        rules = np.zeros((space, 6), np.int32)
        awkward = np.zeros(graph.tiles, np.uint8)
        blamed = np.full(graph.tiles, -1, np.int32)
        trial, kept = kind.copy(), np.zeros(kind.shape, np.bool_)
        known = (spine.left, spine.right, south, whole, pockets.anchor)
        used = lay_lines(graph.width, graph.height, trial, kept, *known, rules, awkward, blamed)
        if used <= space:
            kind[:] = trial
            return rules[:used], awkward, blamed
        space = 2 * used


def _thin(graph: LinkGraph, awkward: Bytes) -> None:
    """Of tiles that must leave the lines keep one a neighbourhood: it may be the only cause."""
    taken: set[tuple[int, int]] = set()
    for tile in np.flatnonzero(awkward == 1).tolist():
        y, x = divmod(tile, graph.width)
        if any((y + dy, x + dx) in taken for dy in range(-3, 4) for dx in range(-3, 4)):
            awkward[tile] = 0
        else:
            taken.add((y, x))


def _relieve(
    graph: LinkGraph, count: npt.NDArray[np.int32], route_entries: int, rules: Rules,
    begin: npt.NDArray[np.int64], pockets: Pockets,
) -> bool:  # fmt: skip
    """Give up the pockets that make tables overflow; whether there are any.

    Raises
    ------
    InputError
        When a table overflows without a pocket's doing: the tile and its need.
    """
    over = np.flatnonzero(count > route_entries)
    for tile in over.tolist():
        mine = rules[begin[tile] : begin[tile + 1]]
        goals = mine[:, 1] * graph.width + mine[:, 2]
        found = goals[(mine[:, 2] == mine[:, 3]) & (pockets.anchor[goals] >= 0)]
        if not len(found):
            place = f"({tile % graph.width}, {tile // graph.width})"
            raise InputError(
                f"route_entries is {route_entries}; allowed: {count[tile]} or more,"
                f" which tile {place} needs"
            )
        pockets.give_up(found)
    return bool(len(over))


def _climb(graph: LinkGraph, kind: Bytes, whole: Flags, spine: Spine) -> tuple[Bytes, Flags]:
    """The ways north and south of packets that climb, stacked."""
    hop = np.full((2, graph.tiles), NONE, np.uint8)
    near = np.zeros((2, graph.tiles), np.bool_)
    for k, way in enumerate((spine.north, spine.south)):
        known = (kind, whole, spine.left, spine.right, way, 2 * k)
        climbs(graph.width, graph.height, *known, hop[k], near[k])
    return hop, near
