"""Shortest legal paths to every host, and one balanced choice among them.

A *state* is (tile, input port), numbered ``tile * 5 + port``; a packet that starts is in its
tile's LOCAL state. Legal turns decide which states follow each other, so distances to a
destination are found by a breadth-first search backwards over states. Where several outputs are
equally short, ``choice[tile, set of outputs]`` picks one: few bits per tile, hence compact tables,
yet enough to spread the load.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.graph import LinkGraph
from model.random import draws
from model.routing import TurnPlan

_LANES: Final = 2  # fixed, so that sums do not depend on the machine
UNREACHED: Final = 255


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """What path search needs of a plan and its hosts.

    Members
    -------
    width, height : int
    hosts : int32[hosts]
        Tiles that send and receive, ascending.
    turns : bool[tiles, 5, 5]
        Legal turns, LOCAL's included: hosts send to and receive from every link.
    forward : int32[tiles, 4]
        State behind an output; -1 when the link is not used.
    backward : int32[tiles, 4]
        Tile behind an input; -1 when the link is not used.
    """

    width: int
    height: int
    hosts: npt.NDArray[np.int32]
    turns: npt.NDArray[np.bool_]
    forward: npt.NDArray[np.int32]
    backward: npt.NDArray[np.int32]

    @classmethod
    def build(cls, graph: LinkGraph, plan: TurnPlan, hosts: npt.NDArray[np.int32]) -> Network:
        """Combine a graph, its legal turns and the tiles that host a core."""
        near = graph.neighbour
        both = plan.routable[:, None] & (near >= 0) & plan.routable[near]
        leaves, arrives = graph.out_ok & both, graph.in_ok & both
        opposite = np.array([2, 3, 0, 1], np.int32)
        turns = plan.turns.copy()
        is_host = np.zeros(graph.tiles, np.bool_)
        is_host[hosts] = True
        turns[:, 4, :4] = leaves & is_host[:, None]
        turns[:, :4, 4] = arrives & is_host[:, None]
        turns[:, 4, 4] = is_host
        return cls(
            width=graph.width,
            height=graph.height,
            hosts=hosts,
            turns=turns,
            forward=np.where(leaves, near * 5 + opposite, -1).astype(np.int32),
            backward=np.where(arrives, near, -1).astype(np.int32),
        )


@njit(cache=True, nogil=True)
def _search(goal: Any, turns: Any, backward: Any, dist: Any, order: Any) -> Any:
    """Distance of every state to ``goal`` (-1: cannot), states in ascending order; their count."""
    dist[:] = -1
    count = 0
    for port in range(5):
        if turns[goal, port, 4]:
            dist[goal * 5 + port] = 0
            order[count] = goal * 5 + port
            count += 1
    head = 0
    while head < count:
        state = order[head]
        head += 1
        port = state % 5
        if port == 4:
            continue
        before = backward[state // 5, port]
        out = (port + 2) % 4
        for came in range(5):
            if turns[before, came, out] and dist[before * 5 + came] < 0:
                dist[before * 5 + came] = dist[state] + 1
                order[count] = before * 5 + came
                count += 1
    return count


@njit(cache=True, nogil=True)
def _shortest(state: Any, turns: Any, forward: Any, dist: Any) -> Any:
    """Bit set of the outputs on a shortest way."""
    tile, came = state // 5, state % 5
    found = 0
    for out in range(4):
        after = forward[tile, out]
        if after >= 0 and turns[tile, came, out] and dist[after] == dist[state] - 1:
            found |= 1 << out
    return found


@njit(cache=True, nogil=True)
def _masks(hosts: Any, turns: Any, forward: Any, backward: Any, masks: Any) -> None:
    dist = np.empty(turns.shape[0] * 5, np.int32)
    order = np.empty_like(dist)
    for k in range(len(hosts)):
        count = _search(hosts[k], turns, backward, dist, order)
        masks[k, :] = 255
        for j in range(count):
            masks[k, order[j]] = _shortest(order[j], turns, forward, dist)


@njit(cache=True, nogil=True)
def _flow(
    goals: Any, hosts: Any, turns: Any, forward: Any, backward: Any, choice: Any, price: Any,
    load: Any, cost: Any,
) -> None:  # fmt: skip
    """Send one unit from every host to every goal; add up loads, and what each output would cost.

    ``cost[tile, set, out]`` grows by flow x price of going on through ``out``.
    """
    states = turns.shape[0] * 5
    dist = np.empty(states, np.int32)
    order = np.empty_like(dist)
    flow = np.empty(states, np.int64)
    ahead = np.empty(states, np.float64)
    for goal in goals:
        count = _search(goal, turns, backward, dist, order)
        flow[:] = 0
        for host in hosts:
            if dist[host * 5 + 4] > 0:
                flow[host * 5 + 4] = 1
        for j in range(count - 1, -1, -1):
            state = order[j]
            if flow[state] and dist[state] > 0:
                tile = state // 5
                out = choice[tile, _shortest(state, turns, forward, dist)]
                load[tile, out] += flow[state]
                flow[forward[tile, out]] += flow[state]
        for j in range(count):
            state = order[j]
            tile = state // 5
            ahead[state] = 0.0
            if dist[state] == 0:
                continue
            found = _shortest(state, turns, forward, dist)
            out = choice[tile, found]
            ahead[state] = price[tile, out] + ahead[forward[tile, out]]
            if flow[state] and found & (found - 1):
                for other in range(4):
                    if found >> other & 1:
                        via = price[tile, other] + ahead[forward[tile, other]]
                        cost[tile, found, other] += flow[state] * via


def channel_loads(
    network: Network,
    choice: npt.NDArray[np.uint8],
    price: npt.NDArray[np.float64],
    most_goals: int = 1024,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Paths over each link (int64[tiles, 4]), and the cost of each alternative.

    Of more than ``most_goals`` hosts every n-th is a goal, so that large fabrics stay quick.
    """
    tiles = len(network.turns)
    goals = network.hosts[:: -(-len(network.hosts) // most_goals)]

    def lane(k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        load = np.zeros((tiles, 4), np.int64)
        cost = np.zeros((tiles, 16, 4))
        arrays = (network.hosts, network.turns, network.forward, network.backward)
        _flow(goals[k::_LANES], *arrays, choice, price, load, cost)
        return load, cost

    with ThreadPoolExecutor(_LANES) as pool:
        (load, cost), *others = pool.map(lane, range(_LANES))
    for more_load, more_cost in others:
        load += more_load
        cost += more_cost
    return load, cost


def first_choices(width: int, height: int) -> list[npt.NDArray[np.uint8]]:
    """Choices to start from, uint8[tiles, 16] each.

    All tiles prefer EAST/WEST, all prefer NORTH/SOUTH, and a chessboard of both.
    """
    vertical_first = [next((p for p in (0, 2, 1, 3) if s >> p & 1), 0) for s in range(16)]
    level_first = [next((p for p in (1, 3, 0, 2) if s >> p & 1), 0) for s in range(16)]
    y, x = np.divmod(np.arange(width * height), width)
    both = np.array([vertical_first, level_first], np.uint8)
    colour = (x + y) % 2
    return [both[np.ones_like(colour)], both[np.zeros_like(colour)], both[colour]]


def balance(
    network: Network, choice: npt.NDArray[np.uint8], rounds: int, most_goals: int = 1024
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Improve a choice: links are priced by their load, a part of the tiles follows the prices.

    Parameters
    ----------
    network : Network
    choice : uint8[tiles, 16]
        To start from.
    rounds : int
        At least 0.
    most_goals : int
        Destinations that are looked at.

    Returns
    -------
    (choice, load)
        The best seen by largest, then by squared load; paths over each link.
    """
    price = np.ones(network.forward.shape)
    sets = np.arange(16)[:, None] >> np.arange(4) & 1
    best = None
    for turn in range(rounds + 1):
        load, cost = channel_loads(network, choice, price, most_goals)
        if best is None or _score(load) < _score(best[1]):
            best = choice, load
        share = load / max(1, load.max())
        price = 0.02 + share * share * share * share
        cheapest = np.where(sets, cost, np.inf).argmin(axis=2).astype(np.uint8)
        paid = np.take_along_axis(cost, choice[:, :, None].astype(np.int64), axis=2)[:, :, 0]
        least = np.take_along_axis(cost, cheapest[:, :, None].astype(np.int64), axis=2)[:, :, 0]
        lucky = draws(1, turn, choice.size).reshape(choice.shape) >> np.uint64(62) == 0
        choice = np.where(lucky & (least < 0.98 * paid), cheapest, choice)
    assert best is not None
    return best


def _score(load: npt.NDArray[np.int64]) -> tuple[int, int]:
    return int(load.max(initial=0)), int((load * load).sum())


def shortest_masks(network: Network) -> npt.NDArray[np.uint8]:
    """uint8[hosts, tiles * 5]: outputs on a shortest way to each host from each state.

    0 at the host itself, 255 where the host cannot be reached.
    """
    masks = np.empty((len(network.hosts), len(network.turns) * 5), np.uint8)
    arrays = (network.turns, network.forward, network.backward)

    def lane(k: int) -> None:
        _masks(network.hosts[k::_LANES], *arrays, masks[k::_LANES])

    with ThreadPoolExecutor(_LANES) as pool:
        list(pool.map(lane, range(_LANES)))
    return masks
