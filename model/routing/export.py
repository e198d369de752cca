"""Trees written out as hops by state, and tables read back (compiled loops)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from model.routing.plan import NOWHERE


@njit(cache=True, nogil=True)
def export(
    layer_of: Any, turns: Any, succ: Any, starts: Any, port: Any, entry: Any, hosts: Any,
    step: Any, flow: Any, first: Any, ahead: Any, dearer: Any, begin: Any, end: Any, hop: Any,
    good: Any, asked: Any,
) -> None:  # fmt: skip
    """Write ``hop``, ``good`` and ``asked`` of a :class:`model.routing.plan.PathPlan`.

    Those of the destinations ``begin`` to ``end``; ``good`` and ``asked`` are zeros so far.
    ``dearer``: an output is good that costs at most so many times what the chosen one does. Other
    arrays: see :mod:`model.routing.kernel` and :class:`model.routing.links.Links`. Destinations
    run innermost, without branches, so that they fill vectors.
    """
    legal = np.empty(len(hosts), np.uint8)
    one = np.uint8(1)
    hop[:, begin:end] = NOWHERE
    mine = range(np.uint64(begin), np.uint64(end))  # unsigned: no index counts from the end
    for link in range(len(succ)):
        state = entry[link]
        tile, came = state // 5, np.uint32(4 * (state % 5))
        ahead_of = np.uint8(port[link])
        to_right, to_left = np.uint8((port[link] + 1) % 4), np.uint8((port[link] + 3) % 4)
        a, b, c = succ[link, 0], succ[link, 1], succ[link, 2]  # -1 is never legal
        legal[:] = turns[0, link]
        for layer in range(1, len(turns)):
            for goal in mine:
                if layer_of[goal] == layer:
                    legal[goal] = turns[layer, link]
        for goal in mine:
            k, may = step[link, goal], legal[goal]
            straight, right, left = ahead[a, goal], ahead[b, goal], ahead[c, goal]
            limit = dearer * (straight if k == 0 else right if k == 1 else left)
            out = ahead_of if k == 0 else to_right if k == 1 else to_left
            outs = one << out
            outs |= one << ahead_of if may & 1 and straight <= limit else np.uint8(0)
            outs |= one << to_right if may & 2 and right <= limit else np.uint8(0)
            outs |= one << to_left if may & 4 and left <= limit else np.uint8(0)
            hop[state, goal] = out if k < 3 else np.uint8(NOWHERE)
            good[state, goal] = outs if k < 3 else np.uint8(0)
            asks = k < 3 and flow[link, goal] > 0
            asked[tile, goal] |= np.uint32(1) << came + np.uint32(out) if asks else np.uint32(0)
    for source in range(len(hosts)):
        state = hosts[source] * 5 + 4
        for goal in mine:
            chosen = first[source, goal]
            if chosen > 3:
                continue
            hop[state, goal] = chosen
            outs = one << chosen
            limit = dearer * ahead[starts[source, chosen], goal]
            for other in range(4):
                if starts[source, other] >= 0 and ahead[starts[source, other], goal] <= limit:
                    outs |= one << np.uint8(other)
            good[state, goal] = outs
            asked[hosts[source], goal] |= np.uint32(1) << np.uint32(16 + chosen)
