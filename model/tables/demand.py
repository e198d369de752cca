"""What is asked of every tile's table; compiled, in one file.

``wanted : uint32[layers, hosts, tiles]`` holds, per destination and tile, four bits an input port
(:mod:`model.tables.cover`): the one output that packets take, no bit where none comes by.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from model.routing.plan import NOWHERE

GOOD: Final = -1
"""Slack of :func:`loosen` that stands for the plan's good outputs."""

_ALL: Final = np.uint32(15)
_MOVED: Final = np.uint32(1 << 20)  # one bit a port above the outputs: followed anew by trace


@njit(cache=True, nogil=True)
def _output(word: Any, port: Any) -> Any:
    """The output wanted of an input port; 0 also when there is none."""
    outs = word >> np.uint32(4 * port) & _ALL
    return (outs >= 2) + (outs >= 4) + (outs >= 8)


@njit(cache=True, nogil=True)
def _follow(goal: Any, state: Any, forward: Any, hops: Any, words: Any, dirty: Any) -> None:
    """Go on from a state until others have come by."""
    tile = state // 5
    while tile != goal:
        port = state - tile * 5
        if words[tile] >> np.uint32(4 * port) & _ALL:
            return
        out = np.int64(hops[state])
        words[tile] |= np.uint32(1) << np.uint32(4 * port + out)
        dirty[tile] = True
        state = forward[tile, out]
        tile = state // 5


@njit(cache=True, nogil=True)
def trace(
    lane: Any, lanes: Any, hosts: Any, layer_to: Any, forward: Any, hop: Any, moved: Any,
    wanted: Any, dirty: Any,
) -> None:  # fmt: skip
    """Follow every host's packet to the destinations whose paths moved.

    Parameters
    ----------
    lane, lanes : int
        Every ``lanes``-th destination from ``lane`` on belongs to this call.
    hosts : int32[hosts]
        Tile ids.
    layer_to : uint8[hosts, hosts]
        Layer by destination and source.
    forward : int32[tiles, 4]
        State behind an output.
    hop : uint8[layers, hosts, states]
        Output where nothing is wanted yet.
    moved : bool[hosts]
        Destinations to look at; cleared.
    wanted : uint32[layers, hosts, tiles]
        Written where a packet comes by for the first time.
    dirty : bool[tiles]
        Set where something was written.
    """
    for k in range(lane, len(hosts), lanes):
        if not moved[k]:
            continue
        moved[k] = False
        for j in range(len(hosts)):
            layer = layer_to[k, j]
            if hosts[j] != hosts[k]:
                start = hosts[j] * 5 + 4
                _follow(hosts[k], start, forward, hop[layer, k], wanted[layer, k], dirty)
        for layer in range(len(wanted)):
            words = wanted[layer, k]
            for tile in range(len(words)):
                if words[tile] < _MOVED:
                    continue
                ports = words[tile] // _MOVED
                words[tile] %= _MOVED
                for port in range(5):
                    if ports >> port & 1:
                        out = _output(words[tile], port)
                        after = forward[tile, out]
                        _follow(hosts[k], after, forward, hop[layer, k], words, dirty)


@njit(cache=True, nogil=True)
def gather(wanted: Any, hosts: Any, first: Any, demands: Any) -> None:
    """Demands of neighbouring tiles, over the fabric as the grid.

    Parameters
    ----------
    wanted : uint32[layers, hosts, tiles]
    hosts : int32[hosts]
    first : int
        Tile of ``demands[0]``.
    demands : uint32[n, layers, tiles]
        Written; a block of tiles at a time reads whole cache lines.
    """
    demands[:] = 0
    for layer in range(len(wanted)):
        for k in range(len(hosts)):
            for tile in range(len(demands)):
                demands[tile, layer, hosts[k]] = wanted[layer, k, first + tile]


@njit(cache=True, nogil=True)
def _to_go(goal: Any, state: Any, hops: Any, turns: Any, forward: Any, most: Any) -> Any:
    """Links that the plan crosses from a state to ``goal``, -1 if more than ``most`` or never."""
    for count in range(most + 1):
        tile, port = state // 5, state % 5
        if tile == goal:
            return count if turns[goal, port, 4] else -1
        if hops[state] == NOWHERE:
            return -1
        state = forward[tile, hops[state]]
    return -1


@njit(cache=True, nogil=True)
def loosen(
    tile: Any, slack: Any, hosts: Any, turns: Any, forward: Any, hop: Any, good: Any,
    wanted: Any, demand: Any,
) -> None:  # fmt: skip
    """A tile's demand with more outputs to choose from.

    Parameters
    ----------
    tile : int
    slack : int
        :data:`GOOD`, or links by which the plan's path may grow longer here; every output allowed
        is legal, and the destination can be reached from behind it.
    hosts, turns, forward, hop, good
        Of the :class:`model.routing.plan.PathPlan`.
    wanted : uint32[layers, hosts, tiles]
    demand : uint32[layers, tiles]
        Written.
    """
    demand[:] = 0
    longest = 5 * len(forward)
    for layer in range(len(hop)):
        for k in range(len(hosts)):
            word = wanted[layer, k, tile]
            for port in range(5):
                if not word >> np.uint32(4 * port) & _ALL:
                    continue
                state = tile * 5 + port
                if slack == GOOD:
                    word |= np.uint32(good[layer, k, state]) << np.uint32(4 * port)
                    continue
                hops, legal = hop[layer, k], turns[layer]
                planned = _to_go(hosts[k], state, hops, legal, forward, longest)
                most = min(longest, planned - 1 + slack)
                for out in range(4):
                    after = forward[tile, out]
                    if (
                        after >= 0
                        and legal[tile, port, out]
                        and _to_go(hosts[k], after, hops, legal, forward, most) >= 0
                    ):
                        word |= np.uint32(1) << np.uint32(4 * port + out)
            demand[layer, hosts[k]] = word


@njit(cache=True, nogil=True)
def settle(
    tile: Any, width: Any, hosts: Any, entries: Any, count: Any, wanted: Any, moved: Any
) -> None:
    """Want what a tile's table answers.

    Parameters
    ----------
    tile, width : int
    hosts : int32[hosts]
    entries : int32[most, 7]
    count : int
        The tile's entries.
    wanted : uint32[layers, hosts, tiles]
        Written.
    moved : bool[hosts]
        Set for destinations with another output than before.
    """
    for layer in range(len(wanted)):
        for k in range(len(hosts)):
            x, y = hosts[k] % width, hosts[k] // width
            word = answer = wanted[layer, k, tile]
            for port in range(5):
                mask = _ALL << np.uint32(4 * port)
                if not word & mask:
                    continue
                for e in range(count):
                    if (
                        entries[e, 0] <= x <= entries[e, 1]
                        and entries[e, 2] <= y <= entries[e, 3]
                        and entries[e, 4] >> port & 1
                        and entries[e, 5] >> layer & 1
                    ):
                        out = np.uint32(1) << np.uint32(4 * port + entries[e, 6])
                        answer = answer & ~mask | out
                        break
            if answer != word:
                for port in range(5):
                    if (answer ^ word) >> np.uint32(4 * port) & _ALL:
                        answer |= _MOVED << np.uint32(port)
                wanted[layer, k, tile] = answer
                moved[k] = True
