"""Orders of the links to start from: each stands for all turns that go forward in it.

A packet that only ever goes on to a later link cannot wait for itself, so every order is a turn set
without cycles, and one that no turn can be added to without leaving the order.

References: Schroeder et al., Autonet, 1991 (up*/down*); Chiu, The Odd-Even Turn Model, 2000.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph
from model.routing.grow import grow
from model.routing.links import Links
from model.routing.routable import attach_levels
from model.spec import Port

Place = npt.NDArray[np.int32]
"""int32[links]: position of each link in an order."""

Order = tuple[str, Place]

_OPPOSITE: Final = np.array([2, 3, 0, 1])


def _places(*keys: npt.NDArray[np.int64]) -> Place:
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
    return "xy" if x_first else "yx", _places((level != x_first).astype(np.int64), along)


def updown(graph: LinkGraph, links: Links, part: npt.NDArray[np.bool_], x: int, y: int) -> Order:
    """Up*/down*: links to lower levels from the highest level down, then those to higher ones.

    Guarantee: all routable tiles reach each other, over the root if need be.
    """
    tiles = np.flatnonzero(part)
    far = abs(tiles % links.width - x) + abs(tiles // links.width - y)
    root = int(tiles[np.argmin(far)])
    level = attach_levels(graph, root)
    here, there = level[links.tail], level[links.head]
    place = _places(np.where(there < here, -here, there).astype(np.int64))
    return f"updown ({root % links.width}, {root // links.width})", place


def odd_even(graph: LinkGraph, links: Links) -> Order:
    """Odd-even turns, and every further one that closes no cycle.

    In even columns no packet turns from east, in odd ones none to west, so that both may step
    aside to the north and to the south.
    """
    offers = []
    for k in range(3):
        tail = np.flatnonzero(links.succ[:, k] >= 0)
        offers.append(np.stack([links.head[tail], _OPPOSITE[links.port[tail]],
                                links.port[links.succ[tail, k]]], axis=1))  # fmt: skip
    tile, came, out = np.concatenate(offers).T
    odd = tile % links.width % 2 == 1
    turns_east = (came == Port.WEST) & (out % 2 == 0) & ~odd
    turns_west = (out == Port.WEST) & (came % 2 == 0) & odd
    last = np.argsort(turns_east | turns_west, kind="stable")
    offered = np.stack([tile, came, out], axis=1)[last].astype(np.int32)
    place = np.arange(graph.tiles * 4, dtype=np.int32)
    grow(np.zeros((graph.tiles, 5, 5), np.bool_), graph.neighbour, offered, place)
    return "odd-even", _places(place[links.tail * 4 + links.port].astype(np.int64))
