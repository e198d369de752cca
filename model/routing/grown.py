"""Turns grown from a tree: connected by construction, then as free as stays acyclic.

A tree of links with up*/down* turns on it reaches everything and cannot deadlock. All further
turns are then offered one by one, dimension-order ones first, and taken unless they would close a
cycle of the channel dependency graph. Turns are only ever added, so what the tree reaches stays
reached. Without defects the tree is a comb (rows, and the root's column), with which every
x-before-y turn is compatible: XY routing and more. With defects it is XY with detours that are
guaranteed to exist. The same with columns for rows gives YX.

References: Dally and Seitz, 1987 (channel dependency graph); Pearce and Kelly, A Dynamic
Topological Sort Algorithm for Directed Acyclic Graphs, 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from model.graph import LinkGraph
from model.routing.updown import Found, rooted

_PARENTS = ((0, 2, 1, 3), (1, 3, 0, 2))  # parents along the comb's teeth come first


def grown_turns(graph: LinkGraph, x: int, y: int, teeth_are_rows: bool = True) -> Found | None:
    """Rules from the root nearest to a place.

    Parameters
    ----------
    graph : LinkGraph
    x, y : int
        Where the root should be; the nearest tile of the largest two-way part is taken.
    teeth_are_rows : bool
        The comb's teeth are rows and x goes before y; else columns, and y before x.

    Returns
    -------
    (root, routable, turns) or None
        Root's tile id, bool[tiles], bool[tiles, 5, 5]; None when no tile lives.
    """
    found = rooted(graph, x, y)
    if found is None:
        return None
    near, level, leaves, arrives = graph.neighbour, found.level, found.leaves, found.arrives
    turns = np.zeros((graph.tiles, 5, 5), np.bool_)
    turns[:, :4, :4] = _tree_turns(level, near, leaves, arrives, _PARENTS[teeth_are_rows])
    tile, came, out = np.nonzero(
        arrives[:, :, None] & leaves[:, None, :] & ~np.eye(4, dtype=np.bool_)
    )
    straight, first_leg = came == (out + 2) % 4, came % 2 == int(teeth_are_rows)
    wish = np.where(straight, 0, np.where(first_leg, 1, 2))
    order = np.argsort(wish, kind="stable")
    offers = np.stack([tile, came, out], axis=1)[order].astype(np.int32)
    # Links in the order of up*/down*: first the up links from the deepest tiles on, then down.
    there = level[near]
    key = np.where(there < level[:, None], -level[:, None], there)
    place = np.empty(key.size, np.int32)
    place[np.argsort(key.ravel(), kind="stable")] = np.arange(key.size, dtype=np.int32)
    _grow(turns, near, offers, place)
    return found.root, found.routable, turns


def _tree_turns(
    level: npt.NDArray[np.int32],
    near: npt.NDArray[np.int32],
    leaves: npt.NDArray[np.bool_],
    arrives: npt.NDArray[np.bool_],
    parents: tuple[int, ...],
) -> npt.NDArray[np.bool_]:
    """bool[tiles, 4, 4]: up*/down* turns on one link up and one link down per tile."""
    tiles = len(level)
    lower = (near >= 0) & (level[near] >= 0) & (level[near] < level[:, None])
    up_out, down_in = np.zeros((2, tiles, 4), np.bool_)
    order = list(parents)
    ids = np.arange(tiles)
    for links, tree in ((leaves & lower, up_out), (arrives & lower, down_in)):
        first = np.array(order)[links[:, order].argmax(axis=1)]
        has = links.any(axis=1)
        tree[ids[has], first[has]] = True
    # The same links seen from the other end.
    up_in, down_out = np.zeros((2, tiles, 4), np.bool_)
    for port in range(4):
        there, back = near[:, port], (port + 2) % 4
        up_in[:, port] = (there >= 0) & up_out[there, back]
        down_out[:, port] = (there >= 0) & down_in[there, back]
    turns = up_in[:, :, None] & (up_out | down_out)[:, None, :]
    turns |= down_in[:, :, None] & down_out[:, None, :]
    return turns & ~np.eye(4, dtype=np.bool_)


@njit(cache=True)
def _grow(turns: Any, near: Any, offers: Any, place: Any) -> None:
    """Take every offered turn (tile, input, output) that closes no cycle.

    ``place[link]`` is a topological order of the links under ``turns``; kept up to date.
    """
    links = len(place)
    mark = np.zeros(links, np.int32)
    ahead = np.empty(links, np.int32)
    behind = np.empty(links, np.int32)
    stamp = 0
    for tile, came, out in offers:
        if turns[tile, came, out]:
            continue
        first = near[tile, came] * 4 + (came + 2) % 4
        second = tile * 4 + out
        if place[first] > place[second]:
            stamp += 1
            count = _ahead(turns, near, second, place, place[first], mark, stamp, ahead)
            if mark[first] == stamp:
                continue
            stamp += 1
            back = _behind(turns, near, first, place, place[second], mark, stamp, behind)
            _reorder(place, behind[:back], ahead[:count])
        turns[tile, came, out] = True


@njit(cache=True)
def _ahead(
    turns: Any, near: Any, start: Any, place: Any, last: Any, mark: Any, stamp: Any, found: Any
) -> Any:
    """Links that ``start`` leads to, up to place ``last``; their count."""
    found[0], mark[start] = start, stamp
    count, head = 1, 0
    while head < count:
        link = found[head]
        head += 1
        tile, came = near[link // 4, link % 4], (link % 4 + 2) % 4
        for out in range(4):
            after = tile * 4 + out
            if turns[tile, came, out] and mark[after] != stamp and place[after] <= last:
                mark[after] = stamp
                found[count] = after
                count += 1
    return count


@njit(cache=True)
def _behind(
    turns: Any, near: Any, start: Any, place: Any, first: Any, mark: Any, stamp: Any, found: Any
) -> Any:
    """Links that lead to ``start``, from place ``first`` on; their count."""
    found[0], mark[start] = start, stamp
    count, head = 1, 0
    while head < count:
        link = found[head]
        head += 1
        tile, out = link // 4, link % 4
        for came in range(4):
            if not turns[tile, came, out]:
                continue
            before = near[tile, came] * 4 + (came + 2) % 4
            if mark[before] != stamp and place[before] >= first:
                mark[before] = stamp
                found[count] = before
                count += 1
    return count


@njit(cache=True)
def _reorder(place: Any, behind: Any, ahead: Any) -> None:
    """Give the places of both groups to ``behind`` first, then ``ahead``, each in its order."""
    earlier = behind[np.argsort(place[behind])]
    later = ahead[np.argsort(place[ahead])]
    moved = np.concatenate((earlier, later))
    places = np.sort(place[moved])
    for k in range(len(moved)):
        place[moved[k]] = places[k]
