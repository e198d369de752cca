"""Trees improved link by link, for load and for small tables; compiled loops, in one file.

A *row* is what a tile's table tells apart: an input, that is, the link that leads to it (rows
0 … links - 1), or its own core (row links + source). ``said[row, goal]`` is the output that packets
to a destination take there, QUIET where none comes by. The fewer borders there are between
destinations of a row, and between the rows of a tile, the fewer entries answer them all.

Every change is tried exactly: a tree that takes another turn at one link moves that link's flow
from the rest of the old way to the rest of the new one. So the cost never rises, and no way breaks.
Names are those of :mod:`model.routing.kernel`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

STAY: Final = 3
NO_PORT: Final = 4
FAR: Final = np.float32(1e9)
QUIET: Final = 255
PASSES: Final = 6
TURNS: Final = 3
"""One destination of so many is tried in a sweep, where only load counts."""
LEAST: Final = -1e-12
"""A change must win more than what sums of floating point numbers may lose."""


@njit(cache=True, nogil=True, forceinline=True)
def _unlike(row: Any, goal: Any, out: Any, words: Any) -> Any:
    """What the borders between a row's destination and its neighbours cost with an output."""
    said, near, mates, weight, likes, _, _ = words
    if weight[row] == 0.0:
        return 0.0
    borders = 0.0
    for i in range(8):
        other = near[goal, i]
        if other >= 0 and said[row, other] != QUIET and said[row, other] != out:
            borders += likes[i // 4]
    for i in range(4):
        mate = mates[row, i]
        if mate >= 0 and said[mate, goal] != QUIET and said[mate, goal] != out:
            borders += likes[2]
    return weight[row] * borders


@njit(cache=True, nogil=True, forceinline=True)
def _heard(row: Any, goal: Any, out: Any, words: Any) -> Any:
    """Whether any neighbour says an output, so that saying it too could save a border."""
    said, near, mates, _, _, _, _ = words
    found = False
    for i in range(8):
        found |= near[goal, i] >= 0 and said[row, near[goal, i]] == out
    for i in range(4):
        found |= mates[row, i] >= 0 and said[mates[row, i], goal] == out
    return found


@njit(cache=True, nogil=True, forceinline=True)
def _pour(link: Any, goal: Any, amount: Any, wires: Any, costs: Any, trees: Any, words: Any) -> Any:
    """Add flow to a link and to the rest of its way; by how much the cost rises."""
    succ, port = wires[0], wires[3]
    cost, last = costs[0], len(costs[0]) - 1
    load, step, flow = trees[0], trees[1], trees[2]
    said = words[0]
    rise = 0.0
    while True:
        before = load[link]
        load[link] = before + amount
        rise += cost[min(before + amount, last)] - cost[min(before, last)]
        had = flow[link, goal]
        flow[link, goal] = had + amount
        k = step[link, goal]
        if k == STAY:
            return rise
        to = succ[link, k]
        if had == 0:
            rise += _unlike(link, goal, port[to], words)
            said[link, goal] = port[to]
        elif had + amount == 0:
            rise -= _unlike(link, goal, port[to], words)
            said[link, goal] = QUIET
        link = to


@njit(cache=True, nogil=True, forceinline=True)
def _redirect(link: Any, goal: Any, k: Any, wires: Any, costs: Any, trees: Any, words: Any) -> Any:
    """Let a tree that uses a link go on by another turn; the rise of the cost."""
    succ, port = wires[0], wires[3]
    step, amount = trees[1], trees[2][link, goal]
    said = words[0]
    rise = -_unlike(link, goal, said[link, goal], words)
    rise += _pour(succ[link, step[link, goal]], goal, -amount, wires, costs, trees, words)
    step[link, goal] = k
    said[link, goal] = port[succ[link, k]]
    rise += _pour(succ[link, k], goal, amount, wires, costs, trees, words)
    return rise + _unlike(link, goal, said[link, goal], words)


@njit(cache=True, nogil=True)
def _restart(
    source: Any, goal: Any, out: Any, wires: Any, costs: Any, trees: Any, words: Any
) -> Any:
    """Let a source that has a way start through another port; the rise of the cost."""
    starts, first, said = wires[2], trees[3], words[0]
    row = len(wires[0]) + source
    rise = -_unlike(row, goal, said[row, goal], words)
    rise += _pour(starts[source, first[source, goal]], goal, -1, wires, costs, trees, words)
    first[source, goal] = out
    said[row, goal] = out
    rise += _pour(starts[source, out], goal, 1, wires, costs, trees, words)
    return rise + _unlike(row, goal, out, words)


@njit(cache=True, nogil=True)
def _listen(wires: Any, trees: Any, said: Any) -> None:
    """What all rows say."""
    succ, port = wires[0], wires[3]
    step, flow, first = trees[1], trees[2], trees[3]
    links, hosts = step.shape
    for link in range(links):
        for goal in range(hosts):
            k = step[link, goal]
            uses = flow[link, goal] > 0 and k < STAY
            said[link, goal] = port[succ[link, k]] if uses else QUIET
    for source in range(hosts):
        for goal in range(hosts):
            out = first[source, goal]
            said[links + source, goal] = out if out < NO_PORT else QUIET


@njit(cache=True, nogil=True)
def _go_on(link: Any, goal: Any, legal: Any, wires: Any, costs: Any, trees: Any, words: Any) -> Any:
    """Take a better turn out of a link that is used, if there is one; how many were taken."""
    succ, (_, _, slope), (_, step, flow, _, ahead) = wires[0], costs, trees
    weight = words[3]
    now, taken = step[link, goal], 0
    for k in range(3):
        if k == now or not legal >> k & 1:
            continue
        more = ahead[succ[link, k], goal] - ahead[succ[link, now], goal]
        if more >= 0:
            if (
                weight[link] == 0.0
                or more >= FAR / 2
                or not _heard(link, goal, wires[3][succ[link, k]], words)
            ):
                continue
            # Costs are convex, so the way costs at least this much more.
            if flow[link, goal] * more * slope > _unlike(link, goal, words[0][link, goal], words):
                continue
        if _redirect(link, goal, k, wires, costs, trees, words) < LEAST:
            now = k
            taken += 1
        else:
            _redirect(link, goal, now, wires, costs, trees, words)
    return taken


@njit(cache=True, nogil=True)
def _set_out(source: Any, goal: Any, wires: Any, costs: Any, trees: Any, words: Any) -> None:
    """Start through a better port if there is one."""
    starts, (_, _, slope), (_, _, _, first, ahead) = wires[2], costs, trees
    row, now = len(wires[0]) + source, first[source, goal]
    for out in range(4):
        start = starts[source, out]
        if out == now or start < 0 or ahead[start, goal] >= FAR:
            continue
        more = ahead[start, goal] - ahead[starts[source, now], goal]
        if more >= 0:
            if not _heard(row, goal, out, words):
                continue
            if more * slope > _unlike(row, goal, now, words):
                continue
        if _restart(source, goal, out, wires, costs, trees, words) < LEAST:
            now = out
        else:
            _restart(source, goal, now, wires, costs, trees, words)


@njit(cache=True, nogil=True, forceinline=True)
def _is_dearer(source: Any, goal: Any, wires: Any, trees: Any) -> Any:
    """Whether a source starts through a port that is not the cheapest."""
    starts, first, ahead = wires[2], trees[3], trees[4]
    now = ahead[starts[source, first[source, goal]], goal]
    for out in range(4):
        if starts[source, out] >= 0 and ahead[starts[source, out], goal] < now:
            return True
    return False


@njit(cache=True, nogil=True)
def sweep(
    layer_of: Any, orders: Any, turns: Any, wires: Any, costs: Any, trees: Any, words: Any
) -> Any:
    """Go over all links and destinations once, from the ends of the ways to their sources.

    Parameters
    ----------
    layer_of : uint8[hosts]
    orders, turns : int32[layers, links], uint8[layers, links]
    wires : succ, end, starts, port
        Of :class:`model.routing.links.Links`.
    costs : float64[n], float32[n], float
        Of a link by its load (the last for all above), what one more unit is taken to cost, and the
        cost of one unit more on a link of price 1.
    trees : load, step, flow, first, ahead
        Written. Every pair must have a way.
    words : said, near, mates, weight, likes, among, turn
        Scratch uint8[links + hosts, hosts]; the eight neighbours of a destination, four straight
        and four diagonal ones, -1 where none; the other rows of a row's tile; cost of a border by
        row; weights of a straight, a diagonal and a row border; rows at which trees may change;
        number of the sweep, by which destinations take turns.

    Returns
    -------
    int
        Turns taken.
    """
    succ, end, _, _ = wires
    load, step, flow, _, ahead = trees
    price = costs[1]
    tidies, among, phase = words[3].any(), words[5], words[6]
    links, hosts = ahead.shape
    _listen(wires, trees, words[0])
    taken = 0
    for layer in range(len(orders)):
        for i in range(links - 1, -1, -1):
            link = orders[layer, i]
            legal = turns[layer, link]
            toll = price[min(load[link], len(price) - 1)]
            for goal in range(hosts):
                if layer_of[goal] != layer:
                    continue
                if end[link] == goal:
                    ahead[link, goal] = toll
                    continue
                least, best = FAR, STAY
                for k in range(3):
                    if legal >> k & 1 and ahead[succ[link, k], goal] < least:
                        least, best = ahead[succ[link, k], goal], k
                if flow[link, goal] == 0:
                    step[link, goal] = best
                elif among[link] and (
                    tidies or (best != step[link, goal] and (goal + phase) % TURNS == 0)
                ):
                    taken += _go_on(link, goal, legal, wires, costs, trees, words)
                if flow[link, goal] > 0:
                    least = ahead[succ[link, step[link, goal]], goal]
                ahead[link, goal] = min(toll + least, FAR)
    for source in range(hosts):
        for goal in range(hosts):
            if (
                source == goal
                or not among[links + source]
                or (not tidies and (goal + phase) % TURNS)
            ):
                continue
            if tidies or _is_dearer(source, goal, wires, trees):
                _set_out(source, goal, wires, costs, trees, words)
    return taken


@njit(cache=True, nogil=True)
def relax(
    orders: Any, succ: Any, end: Any, price: Any, load: Any, ahead: Any, free: Any
) -> None:  # fmt: skip
    """Write ``free[link, goal]``, the price of the rest of a way if every turn were legal.

    A few passes over the links to and fro; it is never below the true price, seldom above it.
    """
    links, hosts = ahead.shape
    free[:] = ahead
    for number in range(PASSES):
        for i in range(links):
            link = orders[0, links - 1 - i if number % 2 else i]
            toll = price[min(load[link], len(price) - 1)]
            for k in range(3):
                to = succ[link, k]
                if to < 0:
                    continue
                for goal in range(hosts):
                    if end[link] != goal:
                        free[link, goal] = min(free[link, goal], toll + free[to, goal])
