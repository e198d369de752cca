"""What is asked of every tile's table; compiled, in one file.

``wanted : uint32[tiles, hosts]`` holds, per tile and destination, four bits an input port
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
MOVED: Final = np.uint32(1 << 20)
"""One bit a port above the outputs: followed anew by :func:`trace`."""


@njit(cache=True, nogil=True)
def _output(word: Any, port: Any) -> Any:
    """The output wanted of an input port; 0 also when there is none."""
    outs = word >> np.uint32(4 * port) & _ALL
    return (outs >= 2) + (outs >= 4) + (outs >= 8)


@njit(cache=True, nogil=True)
def _follow(k: Any, goal: Any, state: Any, forward: Any, hop: Any, wanted: Any, dirty: Any) -> None:
    """Go on from a state until others have come by."""
    tile = state // 5
    while tile != goal:
        port = state - tile * 5
        if wanted[tile, k] >> np.uint32(4 * port) & _ALL:
            return
        out = np.int64(hop[state, k])
        wanted[tile, k] |= np.uint32(1) << np.uint32(4 * port + out)
        dirty[tile] = True
        state = forward[tile, out]
        tile = state // 5


@njit(cache=True, nogil=True)
def trace(
    hosts: Any, forward: Any, hop: Any, moved: Any, wanted: Any, dirty: Any
) -> None:  # fmt: skip
    """Follow packets behind tiles whose answers changed.

    Parameters
    ----------
    hosts : int32[hosts]
        Tile ids.
    forward : int32[tiles, 4]
        State behind an output.
    hop : uint8[states, hosts]
        Output where nothing is wanted yet.
    moved : bool[tiles]
        Tiles to look at; cleared.
    wanted : uint32[tiles, hosts]
        Written where a packet comes by for the first time.
    dirty : bool[tiles]
        Set where something was written.
    """
    for tile in np.flatnonzero(moved):
        moved[tile] = False
        for k in range(len(hosts)):
            ports = wanted[tile, k] // MOVED
            if not ports:
                continue
            wanted[tile, k] %= MOVED
            for port in range(5):
                if ports >> port & 1:
                    after = forward[tile, _output(wanted[tile, k], port)]
                    _follow(k, hosts[k], after, forward, hop, wanted, dirty)


@njit(cache=True, nogil=True)
def gather(wanted: Any, hosts: Any, layer_of: Any, demands: Any) -> None:
    """Demands of tiles, over the fabric as the grid.

    Parameters
    ----------
    wanted : uint32[n, hosts]
    hosts : int32[hosts]
    layer_of : uint8[hosts]
    demands : uint32[n, layers, tiles]
        Written.
    """
    demands[:] = 0
    for tile in range(len(demands)):
        for k in range(len(hosts)):
            demands[tile, layer_of[k], hosts[k]] = wanted[tile, k]


@njit(cache=True, nogil=True)
def _to_go(k: Any, goal: Any, state: Any, hop: Any, turns: Any, forward: Any, most: Any) -> Any:
    """Links that the plan crosses from a state to ``goal``, -1 if more than ``most`` or never."""
    for count in range(most + 1):
        tile, port = state // 5, state % 5
        if tile == goal:
            return count if turns[goal, port, 4] else -1
        if hop[state, k] == NOWHERE:
            return -1
        state = forward[tile, hop[state, k]]
    return -1


@njit(cache=True, nogil=True)
def loosen_each(
    each: Any, slack: Any, hosts: Any, layer_of: Any, turns: Any, forward: Any, hop: Any, good: Any,
    wanted: Any, demands: Any,
) -> None:  # fmt: skip
    """Tiles' demands with more outputs to choose from.

    Parameters
    ----------
    each : int64[n]
        Tiles.
    slack : int
        :data:`GOOD`, or links by which the plan's path may grow longer here; every output allowed
        is legal, and the destination can be reached from behind it.
    hosts, layer_of, turns, forward, hop, good
        Of the :class:`model.routing.plan.PathPlan`.
    wanted : uint32[tiles, hosts]
    demands : uint32[n, layers, tiles]
        Written.
    """
    demands[:] = 0
    longest = 5 * len(forward)
    for i in range(len(each)):
        tile = each[i]
        for k in range(len(hosts)):
            word = wanted[tile, k]
            for port in range(5 if word else 0):
                if not word >> np.uint32(4 * port) & _ALL:
                    continue
                state = tile * 5 + port
                if slack == GOOD:
                    word |= np.uint32(good[state, k]) << np.uint32(4 * port)
                    continue
                legal = turns[layer_of[k]]
                planned = _to_go(k, hosts[k], state, hop, legal, forward, longest)
                most = min(longest, planned - 1 + slack)
                for out in range(4):
                    after = forward[tile, out]
                    if (
                        after >= 0
                        and legal[tile, port, out]
                        and _to_go(k, hosts[k], after, hop, legal, forward, most) >= 0
                    ):
                        word |= np.uint32(1) << np.uint32(4 * port + out)
            demands[i, layer_of[k], hosts[k]] = word
