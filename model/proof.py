"""Proof of an image (TBL-4): its turns cannot deadlock, and every pair arrives.

Everything is read from the image's tables as a tile would read them; nothing of how they were
compiled is used.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.errors import InputError
from model.graph import neighbours, receivers
from model.image import ConfigImage
from model.spec import Port

Channel = tuple[int, int, int]
"""(tile id, output port, VC) of a live link."""

_LANES: Final = 2
_DE_BRUIJN: Final = np.uint64(0x03F79D71B4CB0A89)  # each six bits of it occur once (Leiserson 1998)
_PLACE: Final = np.zeros(64, np.uint8)
for _bit in range(64):
    _PLACE[(int(_DE_BRUIJN) << _bit) % (1 << 64) >> 58] = _bit


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
        trail: dict[tuple[int, int], int] = {}
        while (tile, out) not in trail:
            trail[tile, out] = len(trail)
            for came in range(4):
                before, port = int(near[tile, came]), (came + 2) % 4
                if before < 0 or not image.turns[tile, came, out, vc]:
                    continue
                if image.out_ok[before, port] and waits[before, port] > 0:
                    tile, out = before, port
                    break
        cycle = list(trail)[trail[tile, out] :]
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


@njit(cache=True, nogil=True)
def _index(
    lane: Any, width: Any, height: Any, turns: Any, routes: Any, out_ok: Any, core_ok: Any,
    by_x: Any, by_y: Any, by_state: Any, to: Any, legal: Any,
) -> None:  # fmt: skip
    """Sets of valid entries, one bit each, that match an x, a y, or an input and VC.

    ``to[tile, entry]`` are their outputs, ``legal[vc, state]`` those that RTR-7 lets packets take.
    """
    for tile in range(lane, len(routes), _LANES):
        for e in range(routes.shape[1]):
            entry = routes[tile, e]
            to[tile, e] = entry.to
            if not entry.valid:
                continue
            bit = np.uint64(1) << np.uint64(e)
            for x in range(entry.x_lo, min(width, entry.x_hi + 1)):
                by_x[x, tile] |= bit
            for y in range(entry.y_lo, min(height, entry.y_hi + 1)):
                by_y[y, tile] |= bit
            for vc in range(len(legal)):
                for came in range(5):
                    if entry.from_ports >> came & 1 and entry.vcs >> vc & 1:
                        by_state[vc, tile * 5 + came] |= bit
        for vc in range(len(legal)):
            for came in range(5):
                for out in range(5):
                    alive = out_ok[tile, out] if out < 4 else core_ok[tile]
                    if alive and turns[tile, came, out, vc]:
                        legal[vc, tile * 5 + came] |= 1 << out


@njit(cache=True, nogil=True)
def _distances(goal: Any, before: Any, dist: Any, queue: Any) -> None:
    """Links to ``goal`` from each tile, -1 without a way; ``before[tile]``: who sends to it."""
    dist[:] = -1
    dist[goal] = 0
    queue[0] = goal
    head, count = 0, 1
    while head < count:
        tile = queue[head]
        head += 1
        for came in range(4):
            sender = before[tile, came]
            if sender >= 0 and dist[sender] < 0:
                dist[sender] = dist[tile] + 1
                queue[count] = sender
                count += 1


@njit(cache=True, nogil=True)
def _first(match: Any) -> Any:
    """Number of the lowest bit that is set."""
    return _PLACE[(match & (~match + np.uint64(1))) * _DE_BRUIJN >> np.uint64(58)]


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(
    lane: Any, width: Any, neighbour: Any, before: Any, index: Any, rules: Any, ruled: Any,
    remap: Any, remap_vc: Any, load: Any, totals: Any, stretch: Any,
) -> None:  # fmt: skip
    """Walk to every ``_LANES``-th id from ``lane`` on; each state of a destination once.

    ``totals[b]``: pairs, arrived, first lost source or -1, hops, most hops, shortest;
    ``stretch[b]``: sum and largest.
    """
    by_x, by_y, by_state, to, legal = index
    tiles, states = len(neighbour), len(neighbour) * 5
    dist = np.empty(tiles, np.int32)
    queue = np.empty(tiles, np.int32)
    known = np.full(len(legal) * states, -1, np.int32)  # destination that the state is known for
    hops = np.empty(len(known), np.int32)  # to the destination, -1: does not arrive
    link = np.empty(len(known), np.int32)  # that the state leaves by
    after = np.empty(len(known), np.int32)  # state behind that link
    flow = np.empty(len(known), np.int32)  # pairs that pass the state
    order = np.empty(len(known), np.int32)  # known states, each behind the one it leads to
    path = np.empty(len(known) + 1, np.int32)
    for b in range(lane, len(remap), _LANES):
        goal = remap[b]
        if goal < 0:
            continue
        x, y = goal % width, goal // width
        at_x, at_y = by_x[x], by_y[y]
        _distances(goal, before, dist, queue)
        ordered = pairs = arrived = total = most = shortest = 0
        lost, ratios, worst = -1, 0.0, 0.0
        for a in range(len(remap)):
            source = remap[a]
            if source < 0:
                continue
            vc = remap_vc[b]
            for r in range(rules.shape[1] if ruled[source] else 0):
                rule = rules[source, r]
                if rule.valid and rule.x_lo <= x <= rule.x_hi and rule.y_lo <= y <= rule.y_hi:
                    vc = rule.vc
                    break
            start = vc * states + source * 5 + 4
            here, depth = start, 0
            tile, came = source, 4
            while known[here] != b:
                known[here] = b
                hops[here] = -1  # if the path comes back to it
                flow[here] = 0
                state = tile * 5 + came
                if tile == goal:
                    if legal[vc, state] >> 4 & 1:
                        hops[here] = 0
                    break
                match = at_x[tile] & at_y[tile] & by_state[vc, state]
                out = to[tile, _first(match)] if match else 4
                if out >= 4 or not legal[vc, state] >> out & 1:
                    break
                link[here] = tile * 4 + out
                path[depth] = here
                depth += 1
                tile, came = neighbour[tile, out], out ^ 2
                after[here] = vc * states + tile * 5 + came
                here = after[here]
            far = hops[here]
            while depth:
                depth -= 1
                far = far + 1 if far >= 0 else -1
                hops[path[depth]] = far
                order[ordered] = path[depth]
                ordered += 1
            far = hops[start]
            if far < 0 and lost < 0:
                lost = a
            if a == b:
                continue
            pairs += 1
            if far >= 0:
                flow[start] += 1
                arrived += 1
                total += far
                most = max(most, far)
                shortest += dist[source]
                ratios += far / dist[source]
                worst = max(worst, far / dist[source])
        totals[b] = pairs, arrived, lost, total, most, shortest
        stretch[b] = ratios, worst
        for k in range(ordered - 1, -1, -1):
            here = order[k]
            if flow[here]:
                load[link[here] >> 2, link[here] & 3] += flow[here]
                flow[after[here]] += flow[here]


def walk_pairs(image: ConfigImage) -> PairWalk:
    """Walk every hosted ordered pair through the tables, VC rules included."""
    spec = image.spec
    near = neighbours(spec.width, spec.height)
    before = np.where(receivers(image.out_ok, near), near, -1).astype(np.int32)
    index = (
        np.zeros((spec.width, spec.tiles), np.uint64),
        np.zeros((spec.height, spec.tiles), np.uint64),
        np.zeros((spec.vcs, spec.tiles * 5), np.uint64),
        np.zeros((spec.tiles, spec.route_entries), np.uint8),
        np.zeros((spec.vcs, spec.tiles * 5), np.uint8),
    )
    tables = (image.turns, image.routes, image.out_ok, image.core_ok)
    ruled = image.rules["valid"].any(axis=1)  # most tiles have none: a quarter of the time
    places = (image.rules, ruled, image.remap_tile, image.remap_vc)
    load = np.zeros((_LANES, spec.tiles, 4), np.int64)
    totals = np.full((image.logical, 6), [0, 0, -1, 0, 0, 0], np.int64)
    stretch = np.zeros((image.logical, 2))

    def index_lane(lane: int) -> None:
        _index(lane, spec.width, spec.height, *tables, *index)

    def walk_lane(lane: int) -> None:
        _walk(lane, spec.width, near, before, index, *places, load[lane], totals, stretch)

    with ThreadPoolExecutor(_LANES) as pool:
        list(pool.map(index_lane, range(_LANES)))
        list(pool.map(walk_lane, range(_LANES)))
    lost = np.flatnonzero(totals[:, 2] >= 0)
    arrived = int(totals[:, 1].sum())
    return PairWalk(
        pairs=int(totals[:, 0].sum()),
        arrived=arrived,
        first_failure=(int(totals[lost[0], 2]), int(lost[0])) if len(lost) else None,
        hops=int(totals[:, 3].sum()),
        most_hops=int(totals[:, 4].max(initial=0)),
        shortest=int(totals[:, 5].sum()),
        stretch=float(stretch[:, 0].sum()) / arrived if arrived else 1.0,
        worst_stretch=max(1.0, float(stretch[:, 1].max(initial=0.0))),
        load=load.sum(axis=0),
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
