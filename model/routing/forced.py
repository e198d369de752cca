"""Proof that no order of the links joins given tiles: what every way must use, and in which order.

With one VC, turns without a cycle stand for an order of the links (docs/routing.md). If every way
of a pair uses link a and later link b, then a comes before b in every order that joins the pair.
From that more follows: ways that go on to a link which must come before are none, so the ways that
remain must use yet other links. When a pair has no way left, or a link would have to come before
itself, no order joins all pairs. The converse does not hold: what is not proven may be impossible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from model.graph import LinkGraph


def cannot_be_joined(
    graph: LinkGraph, ways: npt.NDArray[np.bool_], hosts: npt.NDArray[np.integer[Any]]
) -> bool:
    """Whether it is proven that no turns without a cycle join every ordered pair of these tiles.

    Parameters
    ----------
    graph : LinkGraph
    ways : bool[tiles]
        Tiles that packets may cross.
    hosts : int[hosts]
        Tiles that reach each other, by any turns.

    Time grows with the square of the hosts: a tenth of a second on 8 x 8, two on 16 x 16.
    """
    tail, port = np.nonzero(graph.out_ok & ways[:, None] & ways[graph.neighbour])
    head = graph.neighbour[tail, port]
    leaving = np.full((graph.tiles, 4), -1, np.int32)
    leaving[tail, port] = np.arange(len(tail), dtype=np.int32)
    return bool(_contradiction(tail.astype(np.int32), head, leaving, hosts.astype(np.int32)))


@njit(cache=True)
def _contradiction(tail: Any, head: Any, leaving: Any, hosts: Any) -> Any:
    """Draw conclusions, round by round, until there is a contradiction or nothing new."""
    links = len(tail)
    before = np.zeros((links, links), np.bool_)
    # By pair, the links that every way uses, in their order.
    forced = [[np.empty(0, np.int32) for _ in hosts] for _ in hosts]
    while True:
        found = False
        for i, source in enumerate(hosts):
            for j, goal in enumerate(hosts):
                if i == j:
                    continue
                possible, chain = _chain(source, goal, forced[i][j], before, tail, head, leaving)
                if not possible:
                    return True
                if len(chain) > len(forced[i][j]):
                    forced[i][j] = chain
                    found = True
                    for k in range(len(chain)):
                        before[chain[k], chain[k + 1 :]] = True
        if not found:
            return False
        _close(before)
        if np.diag(before).any():
            return True


@njit(cache=True)
def _chain(
    source: Any, goal: Any, known: Any, before: Any, tail: Any, head: Any, leaving: Any
) -> Any:
    """Whether a pair has a way that uses known links in their order, and all that each must use."""
    chain = np.empty(len(tail), np.int32)
    length = 0
    for part in range(len(known) + 1):
        start = source if part == 0 else head[known[part - 1]]
        end = goal if part == len(known) else tail[known[part]]
        # Between two known links there is none that must come before the former or after the other.
        barred = np.zeros(len(tail), np.bool_)
        barred[known] = True
        for k in range(len(known)):
            barred |= before[:, known[k]] if k < part else before[known[k]]
        way = _way(start, end, barred, tail, head, leaving)
        if len(way) == 1 and way[0] < 0:
            return False, chain[:0].copy()
        for link in way:
            barred[link] = True
            around = _way(start, end, barred, tail, head, leaving)
            barred[link] = False
            if len(around) == 1 and around[0] < 0:
                chain[length] = link
                length += 1
        if part < len(known):
            chain[length] = known[part]
            length += 1
    return True, chain[:length].copy()


@njit(cache=True)
def _way(start: Any, end: Any, barred: Any, tail: Any, head: Any, leaving: Any) -> Any:
    """Links of a shortest way that uses none of those barred; [-1] when there is none."""
    came = np.full(len(leaving), -1, np.int32)
    queue = np.empty(len(leaving), np.int32)
    queue[0] = start
    first, last = 0, 1
    while first < last and queue[first] != end:
        for link in leaving[queue[first]]:
            if link < 0 or barred[link]:
                continue
            there = head[link]
            if came[there] < 0 and there != start:
                came[there] = link
                queue[last] = there
                last += 1
        first += 1
    if first == last:
        return np.full(1, -1, np.int32)
    length = 0
    tile = end
    while tile != start:
        queue[length] = came[tile]
        length += 1
        tile = tail[came[tile]]
    return queue[:length][::-1].copy()


@njit(cache=True)
def _close(before: Any) -> None:
    """What comes before what comes before something comes before it too."""
    for middle in range(len(before)):
        if before[middle].any():
            for link in range(len(before)):
                if before[link, middle]:
                    before[link] |= before[middle]
