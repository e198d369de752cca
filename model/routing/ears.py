"""Two trees that share no link: how tiles are served that no single tile's links attach.

A tile that has a way to the root over links of one tree (*up*) and one from the root over links of
the other (*down*) reaches every other such tile: up first, then down. As the trees share no link,
an order puts all links up before all links down, from the leaves to the root and back. A part of
the wafer that is entered and left by one-way links only, an *ear*, is served so where ways in and
ways out can be kept apart; where they cannot, the root may lie inside it (:mod:`.reach`).

References: Göbel, Cerdeira and Veldman, Label-connected graphs and the gossip problem, 1991;
Edmonds, Edge-disjoint branchings, 1973.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

WHOLE: Final = -1
ANY: Final = -2
"""Instead of the tile that a link joins: any that both trees reach, any that its tree reaches."""


@njit(cache=True)
def join(near: Any, out_ok: Any, core_ok: Any, base: Any, ports: Any) -> Any:
    """Let two trees grow from tiles that reach each other over as many working cores as is found.

    Tiles that one link to and one link from served tiles serve are taken until there are no more.
    Then, of all pairs of an unserved tile that can be entered and one that can be left, the two
    ways between them that serve the most cores are given to a tree each; where there is one way
    only, its first part to the tree down and the rest to the tree up. And so on.

    Parameters
    ----------
    near : int32[tiles, 4]
        Tile behind each port; -1 at the edge.
    out_ok : bool[tiles, 4]
        Links that trees may use.
    core_ok, base : bool[tiles]
    ports : int32[4]
        Ports in the order in which trees take them.

    Returns
    -------
    key : int32[tiles, 4]
        By link: less than 0 in the tree up, more than 0 in the tree down, 0 in none. Ways along
        the tree up and on along the tree down go from lesser to greater ones.
    up, down : int32[tiles]
        Round in which each tree reached a tile, the base's being 0; -1 when never.
    """
    key = np.zeros((len(near), 4), np.int32)
    up, down = np.where(base, 0, -1).astype(np.int32), np.where(base, 0, -1).astype(np.int32)
    trees = key, up, down
    clock = _close(near, out_ok, ports, trees, 0)
    score = _score(core_ok, up, down)
    while True:
        most, best = score, (trees, clock)
        entered, left = _borders(near, out_ok, trees)
        for first in entered:
            for last in left:
                ways = _two_ways(near, out_ok, trees, first, last)
                for coming, going in _shared(ways):
                    trial = trees[0].copy(), trees[1].copy(), trees[2].copy()
                    then = _lead(near, out_ok, ports, trial, coming, going, clock)
                    then = _close(near, out_ok, ports, trial, then)
                    found = _score(core_ok, trial[1], trial[2])
                    if found > most:
                        most, best = found, (trial, then)
        if most // len(near) == score // len(near):
            return trees
        score, (trees, clock) = most, best


@njit(cache=True)
def _score(core_ok: Any, up: Any, down: Any) -> Any:
    """More cores that are served, then fewer tiles that one tree alone reaches."""
    both, one = (up >= 0) & (down >= 0), (up >= 0) != (down >= 0)
    return (1 + np.sum(core_ok & both)) * len(up) - np.sum(one) - 1


@njit(cache=True)
def _borders(near: Any, out_ok: Any, trees: Any) -> Any:
    """Unserved tiles that the tree down reaches or could by a link; likewise for the tree up."""
    key, up, down = trees
    entered, left = np.zeros((2, len(near)), np.bool_)
    for tile in range(len(near)):
        if up[tile] >= 0 and down[tile] >= 0:
            continue
        entered[tile], left[tile] = down[tile] >= 0, up[tile] >= 0
        for port in range(4):
            there, back = near[tile, port], (port + 2) % 4
            if there < 0:
                continue
            entered[tile] |= down[there] >= 0 and out_ok[there, back] and key[there, back] == 0
            left[tile] |= up[there] >= 0 and out_ok[tile, port] and key[tile, port] == 0
    return np.flatnonzero(entered), np.flatnonzero(left)


@njit(cache=True)
def _two_ways(near: Any, out_ok: Any, trees: Any, first: Any, last: Any) -> Any:
    """Up to two ways over unserved tiles that share no link, as lists of tiles (a flow of two)."""
    key, up, down = trees
    flow = np.zeros(key.shape, np.bool_)
    came, queue = np.empty((2, len(near)), np.int32)
    ways = [queue[:0].copy() for _ in range(0)]
    count = 2 if first == last else 0
    while count < 2:
        came[:] = -1
        came[first], queue[0] = 4, first
        begin, end = 0, 1
        while begin < end and came[last] < 0:
            tile = queue[begin]
            begin += 1
            for port in range(4):
                there, back = near[tile, port], (port + 2) % 4
                if there < 0 or came[there] >= 0 or (up[there] >= 0 and down[there] >= 0):
                    continue
                free = out_ok[tile, port] and key[tile, port] == 0 and not flow[tile, port]
                if free or flow[there, back]:
                    came[there] = port
                    queue[end] = there
                    end += 1
        if came[last] < 0:
            break
        tile = last
        while tile != first:
            port = came[tile]
            back = (port + 2) % 4
            tail = near[tile, back]
            flow[tail, port] = not flow[tile, back]
            flow[tile, back] = False
            tile = tail
        count += 1
    for _ in range(count):
        tile, length = first, 0
        while tile != last:
            queue[length] = tile
            length += 1
            port = int(np.argmax(flow[tile]))
            flow[tile, port] = False
            tile = near[tile, port]
        queue[length] = last
        ways.append(queue[: length + 1].copy())
    return ways


@njit(cache=True)
def _shared(ways: Any) -> Any:
    """What of two ways, or of one, the trees down and up may get."""
    if len(ways) == 2:
        return [(ways[0], ways[1]), (ways[1], ways[0])]
    return [(way[: cut + 1], way[cut:]) for way in ways for cut in range(len(way))]


@njit(cache=True)
def _lead(
    near: Any, out_ok: Any, ports: Any, trees: Any, coming: Any, going: Any, clock: Any
) -> Any:
    """Lead the tree down along one way, and the tree up to the start of another."""
    tail = ANY
    for tile in coming:
        clock += 1
        _come(near, out_ok, ports, trees, tile, tail, clock)
        tail = tile
    head = ANY
    for tile in going[::-1]:
        clock += 1
        _go(near, out_ok, ports, trees, tile, head, clock)
        head = tile
    return clock


@njit(cache=True)
def _close(near: Any, out_ok: Any, ports: Any, trees: Any, clock: Any) -> Any:
    """Serve all that a link to and a link from served tiles serve, round by round.

    A link between two tiles that a different tree each reaches could serve either: such are taken
    only when there is nothing else, one by one.
    """
    _, up, down = trees
    which = WHOLE
    while True:
        clock += 1
        taken = False
        for tile in range(len(near)):
            if up[tile] >= 0 and down[tile] >= 0:
                continue
            if up[tile] < 0 and down[tile] < 0:
                if _port_to(near, out_ok, ports, trees, tile, which, clock) < 0:
                    continue
                if _port_from(near, out_ok, ports, trees, tile, which, clock) < 0:
                    continue
            taken |= _go(near, out_ok, ports, trees, tile, which, clock)
            taken |= _come(near, out_ok, ports, trees, tile, which, clock)
            if taken and which == ANY:
                break
        if not taken and which == ANY:
            return clock
        which = WHOLE if taken else ANY


@njit(cache=True)
def _go(near: Any, out_ok: Any, ports: Any, trees: Any, tile: Any, head: Any, clock: Any) -> Any:
    """Give a tile a link of the tree up; False when it has one or there is none."""
    key, up, _ = trees
    port = -1 if up[tile] >= 0 else _port_to(near, out_ok, ports, trees, tile, head, clock)
    if port < 0:
        return False
    key[tile, port] = -clock
    up[tile] = clock
    return True


@njit(cache=True)
def _come(near: Any, out_ok: Any, ports: Any, trees: Any, tile: Any, tail: Any, clock: Any) -> Any:
    """Give a tile a link of the tree down; False when it has one or there is none."""
    key, _, down = trees
    port = -1 if down[tile] >= 0 else _port_from(near, out_ok, ports, trees, tile, tail, clock)
    if port < 0:
        return False
    key[near[tile, port], (port + 2) % 4] = clock
    down[tile] = clock
    return True


@njit(cache=True)
def _port_to(
    near: Any, out_ok: Any, ports: Any, trees: Any, tile: Any, head: Any, clock: Any
) -> Any:
    """Port of a free link to a tile that the tree up reached before this round; -1 for none."""
    key, up, down = trees
    for port in ports:
        there = near[tile, port]
        if there < 0 or not 0 <= up[there] < clock or (head >= 0 and there != head):
            continue
        if head == WHOLE and not 0 <= down[there] < clock:
            continue
        if out_ok[tile, port] and key[tile, port] == 0:
            return port
    return -1


@njit(cache=True)
def _port_from(
    near: Any, out_ok: Any, ports: Any, trees: Any, tile: Any, tail: Any, clock: Any
) -> Any:
    """Port of a free link from a tile that the tree down reached before; -1 for none."""
    key, up, down = trees
    for port in ports:
        there, back = near[tile, port], (port + 2) % 4
        if there < 0 or not 0 <= down[there] < clock or (tail >= 0 and there != tail):
            continue
        if tail == WHOLE and not 0 <= up[there] < clock:
            continue
        if out_ok[there, back] and key[there, back] == 0:
            return port
    return -1
