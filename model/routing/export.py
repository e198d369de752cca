"""Trees written out as hops by state, and tables read back (compiled loops)."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def export(
    layer_of: Any, turns: Any, succ: Any, end: Any, starts: Any, port: Any, entry: Any, hosts: Any,
    step: Any, first: Any, ahead: Any, dearer: Any, hop: Any, good: Any,
) -> None:  # fmt: skip
    """Write ``hop`` and ``good`` of a :class:`model.routing.plan.PathPlan`.

    ``dearer``: an output is good that costs at most so many times what the chosen one does. Other
    arrays: see :mod:`model.routing.kernel` and :class:`model.routing.links.Links`.
    """
    for goal in range(len(hosts)):
        layer = layer_of[goal]
        hops, goods = hop[layer, goal], good[layer, goal]
        for link in range(len(succ)):
            if step[link, goal] > 2 or end[link] == goal:
                continue
            state = entry[link]
            chosen = succ[link, step[link, goal]]
            hops[state] = port[chosen]
            limit = ahead[chosen, goal] * dearer
            for k in range(3):
                if turns[layer, link] >> k & 1 and ahead[succ[link, k], goal] <= limit:
                    goods[state] |= 1 << port[succ[link, k]]
            goods[state] |= 1 << port[chosen]
        for source in range(len(hosts)):
            chosen = first[source, goal]
            if chosen > 3:
                continue
            state = hosts[source] * 5 + 4
            hops[state] = chosen
            limit = ahead[starts[source, chosen], goal] * dearer
            for out in range(4):
                if starts[source, out] >= 0 and ahead[starts[source, out], goal] <= limit:
                    goods[state] |= 1 << out
            goods[state] |= 1 << chosen


@njit(cache=True, nogil=True)
def _decode(entries: Any, count: Any, came: Any, x: Any, y: Any, vc: Any) -> Any:
    """Output of the first entry that matches; 7 when none does."""
    for i in range(count):
        x_lo, x_hi, y_lo, y_hi, ports, vcs, out = entries[i]
        if x_lo <= x <= x_hi and y_lo <= y <= y_hi and ports >> came & 1 and vcs >> vc & 1:
            return out
    return 7


@njit(cache=True, nogil=True)
def obey(
    entries: Any, count: Any, bound: Any, width: Any, hosts: Any, vcs: Any, head: Any, port: Any,
    succ: Any, fixed: Any, gates: Any,
) -> None:  # fmt: skip
    """Bit sets of the turns and starts that bound tiles' tables leave; see ``Weave.obey``."""
    for goal in range(len(hosts)):
        for link in range(len(head)):
            if bound[head[link]]:
                out = _decode(
                    entries[head[link]], count[head[link]], (port[link] + 2) % 4,
                    hosts[goal] % width, hosts[goal] // width, vcs[goal],
                )  # fmt: skip
                fixed[link, goal] = 0
                for k in range(3):
                    if succ[link, k] >= 0 and port[succ[link, k]] == out:
                        fixed[link, goal] = 1 << k
        for source in range(len(hosts)):
            tile = hosts[source]
            if bound[tile] and source != goal:
                out = _decode(
                    entries[tile], count[tile], 4, hosts[goal] % width, hosts[goal] // width,
                    vcs[goal],
                )  # fmt: skip
                gates[source, goal] = 1 << out
