"""Turns taken one by one as long as they close no cycle.

Reference: Pearce and Kelly, A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs, 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def grow(turns: Any, near: Any, offers: Any, place: Any) -> None:
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
