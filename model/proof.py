"""Proof of an image (TBL-4): its turns cannot deadlock, and every pair arrives.

Everything is read from the image's tables as a tile would read them; nothing of how they were
compiled is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from model.errors import InputError
from model.graph import neighbours
from model.image import ConfigImage
from model.spec import Port

Channel = tuple[int, int, int]
"""(tile id, output port, VC) of a live link."""


@njit(cache=True)
def _unordered(turns: Any, out_ok: Any, neighbour: Any, vc: Any, waits: Any, order: Any) -> Any:
    """Kahn's algorithm over the links of one VC; how many got a place in the order.

    ``waits[tile, port]`` ends as the number of predecessors without a place.
    """
    tiles = len(out_ok)
    count = 0
    for tile in range(tiles):
        for out in range(4):
            waits[tile, out] = 0
            if not out_ok[tile, out]:
                continue
            for came in range(4):
                before = neighbour[tile, came]
                if before >= 0 and out_ok[before, (came + 2) % 4] and turns[tile, came, out, vc]:
                    waits[tile, out] += 1
            if waits[tile, out] == 0:
                order[count] = tile * 4 + out
                count += 1
    head = 0
    while head < count:
        tile, out = order[head] // 4, order[head] % 4
        head += 1
        after, came = neighbour[tile, out], (out + 2) % 4
        for further in range(4):
            if out_ok[after, further] and turns[after, came, further, vc]:
                waits[after, further] -= 1
                if waits[after, further] == 0:
                    order[count] = after * 4 + further
                    count += 1
    return count


def find_cycle(image: ConfigImage) -> list[Channel] | None:
    """Links of a cycle of the channel dependency graph in driving order, or None without one.

    Vertices: live links per VC; edges: legal turns between mesh ports of live links (TBL-2).
    """
    near = neighbours(image.spec.width, image.spec.height)
    waits = np.zeros((image.spec.tiles, 4), np.int32)
    order = np.zeros(image.spec.tiles * 4, np.int32)
    for vc in range(image.spec.vcs):
        if _unordered(image.turns, image.out_ok, near, vc, waits, order) == image.out_ok.sum():
            continue
        tile, out = (int(k) for k in np.argwhere(waits > 0)[0])
        trail: list[tuple[int, int]] = []
        while (tile, out) not in trail:
            trail.append((tile, out))
            for came in range(4):
                before, port = int(near[tile, came]), (came + 2) % 4
                if before < 0 or not image.turns[tile, came, out, vc]:
                    continue
                if image.out_ok[before, port] and waits[before, port] > 0:
                    tile, out = before, port
                    break
        cycle = trail[trail.index((tile, out)) :]
        ring = [(t, p, vc) for t, p in reversed(cycle)]
        start = ring.index(min(ring))
        return ring[start:] + ring[:start]
    return None


def require_acyclic(image: ConfigImage) -> None:
    """Refuse an image whose turns could deadlock.

    Raises
    ------
    InputError
        Prints the cycle: tiles, ports and VC.
    """
    cycle = find_cycle(image)
    if cycle is None:
        return
    width = image.spec.width
    steps = [f"({t % width}, {t // width}) {Port(p).name}" for t, p, _ in cycle]
    raise InputError(
        f"image.turns is a cycle in VC {cycle[0][2]}: {' > '.join([*steps, steps[0]])};"
        " allowed: turns without a cycle (TBL-2)"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PairWalk:
    """What walking every hosted ordered pair showed; a core is no pair with itself.

    Members
    -------
    pairs, arrived : int
    first_failure : (int, int) or None
        Logical source and destination of the first pair that does not arrive, itself included.
    hops, most_hops : int
        Mesh links crossed: sum over arriving pairs, largest.
    shortest : int
        Sum of the distances over live links that no turn rule limits.
    stretch, worst_stretch : float
        Mean and largest of a pair's hops over its distance.
    load : int64[tiles, 4]
        Arriving pairs that cross each link.
    """

    pairs: int
    arrived: int
    first_failure: tuple[int, int] | None
    hops: int
    most_hops: int
    shortest: int
    stretch: float
    worst_stretch: float
    load: npt.NDArray[np.int64]


@njit(cache=True)
def _route(
    tile: Any, came: Any, vc: Any, goal: Any, width: Any, turns: Any, routes: Any, out_ok: Any,
    core_ok: Any,
) -> Any:  # fmt: skip
    """Output by RTR-7, or -1 for an offender."""
    x, y = goal % width, goal // width
    out = -1
    if tile == goal:
        out = 4
    else:
        for e in routes[tile]:
            if (
                e.valid
                and e.x_lo <= x <= e.x_hi
                and e.y_lo <= y <= e.y_hi
                and e.from_ports >> came & 1
                and e.vcs >> vc & 1
            ):
                out = e.to
                break
    if out < 0 or out > 4 or not turns[tile, came, out, vc]:
        return -1
    if out == 4:
        return 4 if core_ok[tile] else -1
    return out if out_ok[tile, out] else -1


@njit(cache=True)
def _distances(goal: Any, out_ok: Any, neighbour: Any, dist: Any, queue: Any) -> None:
    dist[:] = -1
    dist[goal] = 0
    queue[0] = goal
    head, count = 0, 1
    while head < count:
        tile = queue[head]
        head += 1
        for came in range(4):
            before = neighbour[tile, came]
            if before >= 0 and out_ok[before, (came + 2) % 4] and dist[before] < 0:
                dist[before] = dist[tile] + 1
                queue[count] = before
                count += 1


@njit(cache=True)
def _walk(
    width: Any, neighbour: Any, turns: Any, routes: Any, rules: Any, out_ok: Any, core_ok: Any,
    remap: Any, remap_vc: Any, load: Any, totals: Any, stretch: Any,
) -> None:  # fmt: skip
    tiles = len(out_ok)
    dist = np.empty(tiles, np.int32)
    queue = np.empty(tiles, np.int32)
    known = np.empty((turns.shape[3], tiles * 5), np.int8)
    path = np.empty(tiles * 5 + 1, np.int32)
    for b in range(len(remap)):
        goal = remap[b]
        if goal < 0:
            continue
        known[:] = -2
        _distances(goal, out_ok, neighbour, dist, queue)
        for a in range(len(remap)):
            source = remap[a]
            if source < 0:
                continue
            vc = remap_vc[b]
            for rule in rules[source]:
                inside_x = rule.x_lo <= goal % width <= rule.x_hi
                if rule.valid and inside_x and rule.y_lo <= goal // width <= rule.y_hi:
                    vc = rule.vc
                    break
            tile, came, hops = source, 4, 0
            while hops <= tiles * 5:
                state = tile * 5 + came
                if known[vc, state] == -2:
                    known[vc, state] = _route(
                        tile, came, vc, goal, width, turns, routes, out_ok, core_ok
                    )
                out = known[vc, state]
                if out < 0 or out == 4:
                    break
                path[hops] = tile * 4 + out
                hops += 1
                tile, came = neighbour[tile, out], (out + 2) % 4
            arrived = tile == goal and known[vc, tile * 5 + came] == 4
            if not arrived and totals[2] < 0:
                totals[2], totals[3] = a, b
            if a == b:
                continue
            totals[0] += 1
            if arrived:
                totals[1] += 1
                totals[4] += hops
                totals[5] = max(totals[5], hops)
                totals[6] += dist[source]
                stretch[0] += hops / dist[source]
                stretch[1] = max(stretch[1], hops / dist[source])
                for k in range(hops):
                    load[path[k] // 4, path[k] % 4] += 1


def walk_pairs(image: ConfigImage) -> PairWalk:
    """Walk every hosted ordered pair through the tables, VC rules included."""
    load = np.zeros((image.spec.tiles, 4), np.int64)
    totals = np.array([0, 0, -1, -1, 0, 0, 0], np.int64)
    stretch = np.zeros(2)
    near = neighbours(image.spec.width, image.spec.height)
    tables = (image.turns, image.routes, image.rules, image.out_ok, image.core_ok)
    places = (image.remap_tile, image.remap_vc)
    _walk(image.spec.width, near, *tables, *places, load, totals, stretch)
    pairs, arrived, a, b, hops, most, shortest = (int(v) for v in totals)
    return PairWalk(
        pairs=pairs,
        arrived=arrived,
        first_failure=None if a < 0 else (a, b),
        hops=hops,
        most_hops=most,
        shortest=shortest,
        stretch=float(stretch[0]) / arrived if arrived else 1.0,
        worst_stretch=max(1.0, float(stretch[1])),
        load=load,
    )


def prove(image: ConfigImage) -> PairWalk:
    """Prove what TBL-4 asks before an image is written.

    Raises
    ------
    InputError
        When the turns have a cycle, or a hosted pair does not arrive.
    """
    require_acyclic(image)
    walk = walk_pairs(image)
    if walk.first_failure is not None:
        a, b = walk.first_failure
        raise InputError(
            f"image.routes loses logical {a} to {b}; allowed: every hosted pair arrives"
        )
    return walk
