"""Orders of the links to start from: each stands for all turns that go forward in it.

A packet that only ever goes on to a later link cannot wait for itself, so every order is a turn set
without cycles, and one that no turn can be added to without leaving the order.

References: Schroeder et al., Autonet, 1991 (up*/down*); Chiu, The Odd-Even Turn Model, 2000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph, receivers
from model.routing.grow import grow
from model.routing.links import Links
from model.routing.reach import PARENTS, Reach
from model.routing.routable import attach_levels
from model.spec import Port

Place = npt.NDArray[np.int32]
"""int32[links]: position of each link in an order."""

Order = tuple[str, Place]


def _places(*keys: npt.NDArray[Any]) -> Place:
    """Order by several keys, the first one first; equal ones by number."""
    order = np.lexsort(keys[::-1])
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place


def dimension_order(links: Links, x_first: bool = True) -> Order:
    """XY or YX: one dimension's links come before the other's."""
    x, y = links.tail % links.width, links.tail // links.width
    level = links.port % 2 == Port.EAST
    along = np.select(
        [links.port == port for port in range(4)], [-y, x, y, -x], default=0
    )  # fmt: skip
    return "xy" if x_first else "yx", _places((level != x_first), along)


def updown(graph: LinkGraph, links: Links, reach: Reach, x: int, y: int) -> Order:
    """Up*/down*: links to lower levels from the highest level down, then those to higher ones.

    Guarantee: all served tiles reach each other, over the root if need be.
    """
    root = _nearest(reach.roots, links.width, x, y)
    place = _up_then_down(links, reach, attach_levels(graph, root), columns=False)
    return f"updown ({root % links.width}, {root // links.width})", place


def _up_then_down(links: Links, reach: Reach, level: npt.NDArray[np.int32], columns: bool) -> Place:
    """Order by levels, what is not attached (-1) coming after it; in ears as the trees go."""
    top = level.max()
    level = np.where(level < 0, top + reach.rounds[int(columns)], level)
    here, there = level[links.tail], level[links.head]
    key = reach.key[int(columns), links.tail, links.port]
    by_tree = key + np.sign(key) * top
    return _places(np.where(key != 0, by_tree, np.where(there < here, -here, there)))


def grown(graph: LinkGraph, links: Links, reach: Reach, columns: bool = True) -> Order:
    """A comb-like tree with up*/down* turns on it, then every turn that closes no cycle.

    Guarantee: that of :func:`updown`, by the tree. Its root is in the middle of the west edge (of
    the north edge without ``columns``), and odd-even turns are offered first, so that few of them
    are at odds with the tree's: measured, other roots and turns load the busiest link a third more.
    """
    x, y = (0, graph.height // 2) if columns else (graph.width // 2, 0)
    level = attach_levels(graph, _nearest(reach.roots, links.width, x, y))
    tree = _tree_turns(graph, level, reach.key[int(columns)], PARENTS[columns])
    place = _up_then_down(links, reach, level, columns)
    tile, came, out = _turns(links)
    _grow(links, tree[tile, came, out], _against_odd_even(links, columns), place)
    return "grown by columns" if columns else "grown by rows", place


def _grow(links: Links, taken: npt.NDArray[np.bool_], wish: npt.NDArray[Any], place: Place) -> None:
    """Take the turns that close no cycle, those of the least ``wish`` first.

    ``taken`` and ``wish`` are by turn as :func:`_turns` numbers them; ``place`` is written.
    """
    offers = np.flatnonzero(links.succ.ravel() >= 0).astype(np.int32)
    turn = np.zeros(len(place) * 3, np.uint8)
    turn[offers] = taken
    bits = (turn.reshape(-1, 3) << np.arange(3, dtype=np.uint8)).sum(axis=1).astype(np.uint8)
    grow(bits, links.succ, links.pred, offers[np.argsort(wish, kind="stable")], place)


def _tree_turns(
    graph: LinkGraph,
    level: npt.NDArray[np.int32],
    key: npt.NDArray[np.int32],
    parents: tuple[int, ...],
) -> npt.NDArray[np.bool_]:
    """bool[tiles, 4, 4]: up*/down* turns on one link up and one link down per tile."""
    near = graph.neighbour
    lower = (near >= 0) & (level[near] >= 0) & (level[near] < level[:, None])
    up_out, down_in = key < 0, receivers(key > 0, near)
    order = list(parents)
    ids = np.arange(graph.tiles)
    for links, tree in ((graph.out_ok & lower, up_out), (graph.in_ok & lower, down_in)):
        first = np.array(order)[links[:, order].argmax(axis=1)]
        has = links.any(axis=1)
        tree[ids[has], first[has]] = True
    # The same links seen from the other end.
    up_in, down_out = receivers(up_out, near), receivers(down_in, near)
    turns = up_in[:, :, None] & (up_out | down_out)[:, None, :]
    turns |= down_in[:, :, None] & down_out[:, None, :]
    return turns & ~np.eye(4, dtype=np.bool_)


def _nearest(part: npt.NDArray[np.bool_], width: int, x: int, y: int) -> int:
    """Tile of a part that is nearest to a place."""
    tiles = np.flatnonzero(part)
    return int(tiles[np.argmin(abs(tiles % width - x) + abs(tiles // width - y))])


def _turns(links: Links) -> tuple[Place, Place, Place]:
    """Tile, input and output of every possible turn."""
    tail, k = np.nonzero(links.succ >= 0)
    return links.head[tail], links.entry[tail] % 5, links.port[links.succ[tail, k]]


def _against_odd_even(links: Links, columns: bool = True) -> npt.NDArray[np.bool_]:
    """Turns that odd-even leaves out, as :func:`_turns` numbers them.

    In even columns no packet turns from east, in odd ones none to west, so that both may step
    aside to the north and to the south. By rows: the same with x and y exchanged.
    """
    tile, came, out = _turns(links)
    line, side = (tile % links.width, Port.WEST) if columns else (tile // links.width, Port.NORTH)
    odd, across = line % 2 == 1, (side + 1) % 2
    leaves = (came == side) & (out % 2 == across) & ~odd
    joins = (out == side) & (came % 2 == across) & odd
    against: npt.NDArray[np.bool_] = leaves | joins
    return against
