"""The compiled loops of path laying.

One file, because Numba's cache notices a change in the caller's own file only. No loop uses fast
mathematics, powers or logarithms, so that results are the same bytes on every machine.

Names used throughout: a *link* is numbered by :class:`model.routing.links.Links`; ``place[link]``
is its position in its layer's order and ``order`` the inverse; bit k of ``turn[link]`` says that
the turn to ``succ[link, k]`` is legal, that is, goes forward in the order. The trees of all
destinations together are the routing: per destination ``step`` (index of the next link, STAY where
there is none), ``flow`` (sources behind each link), ``first`` (port a source starts through) and
``ahead`` (price from a link to the end).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

STAY: Final = 3

NO_PORT: Final = 4
FAR: Final = np.float32(1e9)
LANES: Final = 16
"""Trees that are laid side by side, at the same prices: their costs fill one vector."""


@njit(cache=True, nogil=True, error_model="numpy")
def set_tolls(load: Any, busiest: Any, steep: Any, hop: Any, toll: Any) -> None:
    """Prices of links: ``hop``, and the load's share of ``busiest`` to the power of ``steep``.

    More than twice the busiest load costs no more; with ``busiest`` 0 load costs nothing.
    """
    most = 2 * busiest + 1 if busiest else 0
    unit = max(1, busiest)
    for link in range(len(load)):
        share = min(load[link], most) / unit
        cost = share
        for _ in range(steep - 1):  # powers by products are the same bytes everywhere
            cost = cost * share
        toll[link] = cost + hop


@njit(cache=True, nogil=True)
def _backwards(
    ends: Any, order: Any, after: Any, end: Any, like: Any, lean: Any, toll: Any,
    ahead: Any, step: Any,
) -> None:  # fmt: skip
    """Cheapest ways from all links to :data:`LANES` destinations.

    Where the next link of ``like`` costs at most ``lean`` more, it is taken. Rows are written from
    small arrays: of those the compiler knows that they overlap no other, and makes vectors.
    """
    costs = np.empty(LANES, np.float32)
    goals, picks = np.empty((2, LANES), np.int32)
    for j in range(LANES):
        goals[j] = ends[j]
        ahead[len(order), j] = FAR
    for i in range(len(order) - 1, -1, -1):
        link = order[i]
        a, b, c = after[link, 0], after[link, 1], after[link, 2]
        here, price = end[link], toll[link]
        for j in range(LANES):
            straight, right, left, wish = ahead[a, j], ahead[b, j], ahead[c, j], like[link, j]
            best = np.int32(1) if right < straight else np.int32(0)
            least = min(right, straight)
            best = np.int32(2) if left < least else best
            least = min(left, least)
            cost = straight if wish == 0 else right if wish == 1 else left if wish == 2 else FAR
            take = cost <= least + lean
            least = cost if take else least
            best = wish if take else best
            best = np.int32(STAY) if least >= FAR else best
            least = np.float32(0) if goals[j] == here else least
            picks[j] = np.int32(STAY) if goals[j] == here else best
            costs[j] = min(FAR, least + price)
        for j in range(LANES):
            ahead[link, j] = costs[j]
        for j in range(LANES):
            step[link, j] = picks[j]


@njit(cache=True, nogil=True)
def _depart(ends: Any, exits: Any, like: Any, lean: Any, ahead: Any, first: Any, flow: Any) -> Any:
    """Start every source by its cheapest port; sources that found no way."""
    goals, picks = np.empty((2, LANES), np.int32)
    for j in range(LANES):
        goals[j] = ends[j]
    lost = 0
    flow[:] = 0
    for source in range(len(exits)):
        a, b, c, d = exits[source, 0], exits[source, 1], exits[source, 2], exits[source, 3]
        missed: Any = np.int32(0)
        for j in range(LANES):
            north, east, south, west = ahead[a, j], ahead[b, j], ahead[c, j], ahead[d, j]
            wish, goal = like[source, j], goals[j]
            best = np.int32(1) if east < north else np.int32(0)
            least = min(east, north)
            best = np.int32(2) if south < least else best
            least = min(south, least)
            best = np.int32(3) if west < least else best
            least = min(west, least)
            cost = north if wish == 0 else east if wish == 1 else south if wish == 2 else west
            cost = FAR if wish == NO_PORT else cost
            best = wish if cost <= least + lean else best
            missed += np.int32(1) if least >= FAR and goal >= 0 and goal != source else np.int32(0)
            picks[j] = np.int32(NO_PORT) if least >= FAR or goal == source else best
        lost += missed
        for j in range(LANES):
            first[source, j] = picks[j]
        for port in range(4):  # no other source starts over these links
            for j in range(LANES):
                flow[exits[source, port], j] = picks[j] == port
    return lost


@njit(cache=True, nogil=True)
def _forwards(order: Any, after: Any, step: Any, flow: Any, more: Any) -> None:
    """Gather what goes over each link; ``more[link]`` is the sum of all lanes."""
    lanes = np.empty((2, LANES), np.int32)
    for i in range(len(order)):
        link = order[i]
        total = np.int32(0)
        for j in range(LANES):
            total += flow[link, j]
        more[link] = total
        if total == 0:
            continue
        for j in range(LANES):
            lanes[0, j] = flow[link, j]
        for j in range(LANES):
            lanes[1, j] = step[link, j]
        for k in range(3):
            a = after[link, k]
            for j in range(LANES):
                flow[a, j] += lanes[0, j] if lanes[1, j] == k else np.int32(0)


@njit(cache=True, nogil=True)
def _sum(table: Any, columns: Any, sums: Any) -> None:
    """Add up columns, row by row."""
    if len(columns) == LANES and columns[-1] - columns[0] == LANES - 1:
        for row in range(len(table)):
            total = np.int32(0)
            for j in range(LANES):
                total += table[row, columns[0] + j]
            sums[row] = total
        return
    for row in range(len(table)):
        total = np.int32(0)
        for j in range(len(columns)):
            total += table[row, columns[j]]
        sums[row] = total


@njit(cache=True, nogil=True)
def _columns(table: Any, columns: Any, lanes: Any) -> None:
    """Copy columns into lanes; nothing for negative ones."""
    for row in range(len(table)):
        for j in range(len(columns)):
            if columns[j] >= 0:
                lanes[row, j] = table[row, columns[j]]


@njit(cache=True, nogil=True)
def _put(lanes: Any, columns: Any, table: Any) -> None:
    """Copy lanes back into columns."""
    if len(columns) == LANES and columns[-1] - columns[0] == LANES - 1:
        for row in range(len(table)):
            for j in range(LANES):
                table[row, columns[0] + j] = lanes[row, j]
        return
    for row in range(len(table)):
        for j in range(len(columns)):
            table[row, columns[j]] = lanes[row, j]


@njit(cache=True, nogil=True)
def lay(
    goals: Any, together: Any, layer_of: Any, orders: Any, succ: Any, turns: Any, end: Any,
    starts: Any, near: Any, lean: Any, prices: Any, load: Any, laid: Any,
    step: Any, flow: Any, first: Any, ahead: Any,
) -> Any:  # fmt: skip
    """Lay the trees of ``goals`` anew by the prices; sources that found no way, over all of them.

    Where the way of the tree to resemble costs at most ``lean`` more at a link, it is taken, so
    that tables stay small.

    Parameters
    ----------
    goals : int64[n]
        Indices of destinations.
    together : int
        So many that follow each other in a layer are laid at the same prices, which then follow
        their load; at most :data:`LANES`.
    layer_of : uint8[hosts]
        Layer a destination is reached in.
    near : int32[hosts]
        Destination to resemble, -1 for none.
    lean : float32
    prices : (int, int, float)
        ``busiest``, ``steep`` and ``hop`` of :func:`set_tolls`.
    load : int64[links]
        Written.
    laid : bool[hosts]
        Destinations that have a tree already.
    ahead : float32[links, hosts] or float32[0, hosts]
        Without rows, what ways cost is not kept.
    """
    links, hosts = len(end), len(starts)
    busiest, steep, hop = prices
    ends = np.empty(LANES, np.int32)
    cost = np.empty((links + 1, LANES), np.float32)
    ways, like = np.empty((2, links + 1, LANES), np.uint8)
    begin, like_begin = np.empty((2, hosts, LANES), np.uint8)
    count = np.empty((links + 1, LANES), np.int32)
    more = np.empty(links, np.int32)
    toll = np.empty(links, np.float32)
    exits = np.where(starts < 0, np.int32(links), starts)
    after = np.empty_like(succ)
    lost = 0
    for layer in range(len(orders)):
        mine = goals[layer_of[goals] == layer]
        for link in range(links):
            for k in range(3):
                legal = turns[layer, link] >> k & 1
                after[link, k] = succ[link, k] if legal else links
        for begun in range(0, len(mine), together):
            group = np.sort(mine[begun : begun + together])
            ends[:] = -2  # an idle lane: no link leads there
            like[:], like_begin[:] = STAY, NO_PORT
            other = np.full(LANES, -1, np.int64)
            for j in range(len(group)):
                ends[j] = group[j]
                if near[group[j]] >= 0 and layer_of[near[group[j]]] == layer:
                    other[j] = near[group[j]]
            _sum(flow, group[laid[group]], more)
            load -= more
            set_tolls(load, busiest, steep, hop, toll)
            _columns(step, other, like)
            _columns(first, other, like_begin)
            order = orders[layer]
            _backwards(ends, order, after, end, like, lean, toll, cost, ways)
            lost += _depart(ends, exits, like_begin, lean, cost, begin, count)
            _forwards(order, after, ways, count, more)
            load += more
            _put(cost, group, ahead)
            _put(ways, group, step)
            _put(count, group, flow)
            _put(begin, group, first)
    return lost


@njit(cache=True, nogil=True)
def set_turns(place: Any, succ: Any, turn: Any) -> None:
    """All turns that go forward in an order."""
    for link in range(len(succ)):
        turn[link] = 0
        for k in range(3):
            if succ[link, k] >= 0 and place[link] < place[succ[link, k]]:
                turn[link] |= 1 << k
