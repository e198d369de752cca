"""Find link lengths and flows that prove a capacity to within a few per cent.

Flows start as shortest paths. Then, destination by destination, a flow is moved towards the paths
that are shortest while each link is as long as the exponential of its load: block-coordinate
Frank-Wolfe on the soft maximum of the loads, with exact line search. Each step sees the loads that
the step before left, which is what makes few sweeps suffice. As the gap closes the maximum gets
harder. At the end lengths show what nobody can exceed, flows what is reached
(:mod:`model.capacity.certificate`); both are found by counted steps only, so equal problems give
equal numbers.

References: Bienstock, Potential Function Methods for Approximately Solving Linear Programming
Problems, 2002; Lacoste-Julien et al., Block-Coordinate Frank-Wolfe Optimization, 2013.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from model.capacity.problem import Floats, FlowProblem

MOST_SWEEPS: Final = 3000
FIRST_HARDNESS: Final = 30.0
"""Hardness over the busiest link's load is the soft maximum's exponent."""
MOST_TIMES_GAP: Final = 6.0
"""Hardness stops at this over the gap asked for: beyond, steps get short and lengths noisy."""
GAP_TIMES_HARDNESS: Final = 3.0
GROWTH: Final = 1.003
FLOOR: Final = 1e-7
"""Length of a link that carries nothing, the busiest link's being 1."""
LINE_STEPS, LINE_PRECISION = 20, 0.02
SETTLED, UNSEEN = -2, -1
"""In place of a tile's place in the heap."""


@njit(cache=True, nogil=True)
def _shortest(
    goal: Any, arrives: Any, tail: Any, length: Any, dist: Any, via: Any, work: Any
) -> Any:
    """Dijkstra towards ``goal``: fill ``dist`` and ``via`` (next link); tiles that reach it.

    ``work`` is the heap, each tile's place in it, and the tiles in the order of their distance.
    """
    heap, place, order = work[0], work[1], work[2]
    dist[:] = np.inf
    place[:] = UNSEEN
    dist[goal] = 0.0
    heap[0], place[goal] = goal, 0
    size, count = 1, 0
    while size > 0:
        tile = heap[0]
        size -= 1
        last, hole = heap[size], 0
        while 2 * hole + 1 < size:
            child = 2 * hole + 1
            if child + 1 < size and dist[heap[child + 1]] < dist[heap[child]]:
                child += 1
            if dist[heap[child]] >= dist[last]:
                break
            heap[hole] = heap[child]
            place[heap[hole]] = hole
            hole = child
        heap[hole] = last
        place[last] = hole
        place[tile] = SETTLED
        order[count] = tile
        count += 1
        for port in range(4):
            link = arrives[tile, port]
            if link < 0 or place[tail[link]] == SETTLED:
                continue
            sender, far = tail[link], dist[tile] + length[link]
            if far >= dist[sender]:
                continue
            dist[sender], via[sender] = far, link
            hole = place[sender]
            if hole == UNSEEN:
                hole = size
                size += 1
            while hole > 0 and dist[heap[(hole - 1) // 2]] > far:
                heap[hole] = heap[(hole - 1) // 2]
                place[heap[hole]] = hole
                hole = (hole - 1) // 2
            heap[hole] = sender
            place[sender] = hole
    return count


@njit(cache=True, nogil=True)
def _step(touched: Any, count: Any, delta: Any, load: Any, hardness: Any, top: Any) -> Any:
    """Share of ``delta`` that makes the soft maximum least: Newton's steps within a bracket."""
    low, high, share = 0.0, 1.0, 0.0
    for _ in range(LINE_STEPS):
        slope, bend = 0.0, 0.0
        for k in range(count):
            move = delta[touched[k]]
            weight = math.exp(hardness * (load[touched[k]] + share * move - top))
            slope += (weight + FLOOR) * move
            bend += weight * move * move * hardness
        if slope < 0:
            low = share
        elif share == 0.0:
            return 0.0
        else:
            high = share
        better = share - slope / bend if bend > 0 else 2.0
        if not low < better < high:
            better = (low + high) / 2
        if abs(better - share) <= LINE_PRECISION * better:
            return better
        share = better
    return share


@njit(cache=True, nogil=True)
def _sweep(
    arrives: Any, tail: Any, head: Any, hosts: Any, demand: Any, hardness: Any, first: Any,
    load: Any, flow: Any,
) -> None:  # fmt: skip
    """One step for each destination; ``flow[goal, link]`` and ``load[link]`` are changed."""
    tiles, links = len(arrives), len(tail)
    dist, ahead = np.empty(tiles), np.empty(tiles)
    via, work = np.empty(tiles, np.int32), np.empty((3, tiles), np.int32)
    delta, touched = np.empty(links), np.empty(links, np.int32)
    top = load.max()
    length = np.empty(links)
    for link in range(links):
        length[link] = math.exp(hardness * (load[link] - top)) + FLOOR
    for goal in range(len(hosts)):
        reached = _shortest(hosts[goal], arrives, tail, length, dist, via, work)
        for link in range(links):
            delta[link] = -flow[goal, link]
        ahead[:] = 0.0
        for source in range(len(hosts)):
            ahead[hosts[source]] = demand[source, goal]
        for k in range(reached - 1, 0, -1):
            tile = work[2, k]
            delta[via[tile]] += ahead[tile]
            ahead[head[via[tile]]] += ahead[tile]
        count = 0
        for link in range(links):
            if delta[link] != 0.0:
                touched[count] = link
                count += 1
        share = 1.0 if first else _step(touched, count, delta, load, hardness, top)
        for k in range(count):
            link = touched[k]
            flow[goal, link] += share * delta[link]
            load[link] += share * delta[link]
            length[link] = math.exp(hardness * (load[link] - top)) + FLOOR


@njit(cache=True, nogil=True)
def _volume(arrives: Any, tail: Any, hosts: Any, demand: Any, length: Any) -> Any:
    """Demand times distance, summed."""
    tiles = len(arrives)
    dist, via, work = np.empty(tiles), np.empty(tiles, np.int32), np.empty((3, tiles), np.int32)
    total = 0.0
    for goal in range(len(hosts)):
        _shortest(hosts[goal], arrives, tail, length, dist, via, work)
        for source in range(len(hosts)):
            if demand[source, goal] > 0:
                total += demand[source, goal] * dist[hosts[source]]
    return total


def balanced(problem: FlowProblem, gap: float) -> tuple[Floats, Floats, int]:
    """Lengths and flows whose bounds are at most ``gap`` apart.

    Parameters
    ----------
    problem : FlowProblem
        Every demanded pair is connected.
    gap : float
        Upper over lower bound, less 1.

    Returns
    -------
    (length, flow, sweeps)
        float64[links], positive; float64[hosts, links] that carry the demand at throughput 1; and
        how many sweeps were made. After ``MOST_SWEEPS`` the best found, whatever their gap.
    """
    arrives = _arrivals(problem)
    demand = problem.demand * ~np.eye(len(problem.hosts), dtype=np.bool_)
    fixed = (arrives, problem.tail, problem.head, problem.hosts, demand)
    load, flow = np.zeros(problem.links), np.zeros((len(problem.hosts), problem.links))
    best = np.ones(problem.links)
    volume = _volume(arrives, problem.tail, problem.hosts, demand, best)
    upper, sweeps, hardness = problem.links / volume, 0, FIRST_HARDNESS
    _sweep(*fixed, 1.5 * problem.links / volume, True, load, flow)
    while sweeps < MOST_SWEEPS:
        top = load.max()
        length = np.exp(hardness * (load / top - 1)) + FLOOR
        found = length.sum() / _volume(arrives, problem.tail, problem.hosts, demand, length)
        if found < upper:
            upper, best = found, length
        apart = min(upper, problem.local_limit) * max(top, 1 / problem.local_limit) - 1
        if apart <= gap:
            break
        hardness = max(hardness * GROWTH, GAP_TIMES_HARDNESS / apart)
        hardness = min(hardness, MOST_TIMES_GAP / gap)
        _sweep(*fixed, hardness / top, False, load, flow)
        sweeps += 1
    return best, flow, sweeps


def _arrivals(problem: FlowProblem) -> Any:
    """int32[tiles, 4]: links that enter a tile, -1 where there is none."""
    arrives = np.full((problem.tiles, 4), -1, np.int32)
    order = np.argsort(problem.head, kind="stable").astype(np.int32)
    head = problem.head[order]
    arrives[head, np.arange(len(head)) - np.searchsorted(head, head)] = order
    return arrives
