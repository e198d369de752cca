"""Walking packets through an image too large for all pairs (TBL-4), by its tables alone.

Nothing of how the image was made is used. Where tables of a row or column of tiles say the same to
every packet that goes straight on, a walk jumps to the end of that stretch.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.graph import neighbours
from model.image import ConfigImage
from model.random import below, draws

Progress = Callable[[str, int, int], None]
"""Told what is under way, steps done and steps in all."""

_LANES: Final = 2
_CHUNK: Final = 1 << 18
_FIELDS: Final = ("x_lo", "x_hi", "y_lo", "y_hi", "from_ports", "vcs", "to")


@dataclass(frozen=True, eq=False, kw_only=True)
class SampleWalk:
    """What walking some ordered pairs of hosts showed.

    Members
    -------
    pairs, arrived : int
    first_failure : (int, int) or None
        Tiles of the first pair that does not arrive.
    hops, most_hops : int
        Mesh links crossed: sum over arriving pairs, largest.
    load : int64[tiles, 4]
        Arriving pairs that cross each link.
    """

    pairs: int
    arrived: int
    first_failure: tuple[int, int] | None
    hops: int
    most_hops: int
    load: npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _covers(e: Any, x_lo: Any, x_hi: Any, y_lo: Any, y_hi: Any) -> Any:
    """2: the entry covers the whole rectangle; 1: some of it; 0: nothing."""
    if e[0] > x_hi or e[1] < x_lo or e[2] > y_hi or e[3] < y_lo:
        return 0
    return 2 if e[0] <= x_lo and e[1] >= x_hi and e[2] <= y_lo and e[3] >= y_hi else 1


@njit(cache=True, nogil=True)
def _stretches(
    width: Any, height: Any, packed: Any, begin: Any, turns: Any, out_ok: Any, stretch: Any
) -> None:
    """``stretch[vc, tile, port]``: tiles in a row, this one first, that send on straight.

    North and south: everything for the rows ahead; east and west: for the row's columns ahead.
    """
    for vc in range(len(stretch)):
        for port in range(4):
            came, step = (port + 2) % 4, (-width, 1, width, -1)[port]
            for k in range(width * height):
                tile = k if port == 0 or port == 3 else width * height - 1 - k
                x, y = tile % width, tile // width
                stretch[vc, tile, port] = 0
                if not (out_ok[tile, port] and turns[tile, came, port, vc]):
                    continue
                x_lo, x_hi, y_lo, y_hi = 0, width - 1, y, y
                if port == 0:
                    y_lo, y_hi = 0, y - 1
                elif port == 1:
                    x_lo = x + 1
                elif port == 2:
                    y_lo, y_hi = y + 1, height - 1
                else:
                    x_hi = x - 1
                for i in range(begin[tile], begin[tile + 1]):
                    e = packed[i]
                    if not (e[4] >> came & 1 and e[5] >> vc & 1):
                        continue
                    covered = _covers(e, x_lo, x_hi, y_lo, y_hi)
                    if covered and e[6] != port:
                        break
                    if covered == 2:
                        stretch[vc, tile, port] = 1 + stretch[vc, tile + step, port]
                        break


@njit(cache=True, nogil=True)
def _follow(
    source: Any, goal: Any, vc: Any, width: Any, packed: Any, begin: Any, turns: Any, out_ok: Any,
    core_ok: Any, near: Any, stretch: Any, ends: Any,
) -> Any:  # fmt: skip
    """Hops from source to goal by RTR-7, -1 when the packet does not arrive.

    ``ends[tile, port]`` gains 1 where a stretch of hops begins and loses 1 behind its last hop.
    """
    x, y = goal % width, goal // width
    tile, came, hops = source, 4, 0
    steps = 0
    while tile != goal:
        far = 0
        if came < 4:
            out = (came + 2) % 4
            if out == 0:
                far = tile // width - y
            elif out == 2:
                far = y - tile // width
            elif tile // width == y:
                far = x - tile % width if out == 1 else tile % width - x
            if far > 0:
                far = min(far, stretch[vc, tile, out])
        if far <= 0:
            far, out = 1, 255
            for i in range(begin[tile], begin[tile + 1]):
                e = packed[i]
                if (
                    e[0] <= x <= e[1] and e[2] <= y <= e[3] and e[4] >> came & 1
                    and e[5] >> vc & 1
                ):  # fmt: skip
                    out = e[6]
                    break
            if out > 3 or not turns[tile, came, out, vc] or not out_ok[tile, out]:
                return -1
        ends[tile, out] += 1
        if far == 1:
            tile = near[tile, out]
        else:
            tile += (-width, 1, width, -1)[out] * far
        ends[tile, out] -= 1
        hops += far
        came = (out + 2) % 4
        steps += 1
        if steps > 4 * len(near):
            return -1
    return hops if turns[goal, came, 4, vc] and core_ok[goal] else -1


@njit(cache=True, nogil=True)
def _vc(source: Any, goal: Any, width: Any, rules: Any, default: Any) -> Any:
    """VC of a pair by RMP-2."""
    for rule in rules[source]:
        if (
            rule.valid
            and rule.x_lo <= goal % width <= rule.x_hi
            and rule.y_lo <= goal // width <= rule.y_hi
        ):
            return rule.vc
    return default


@njit(cache=True, nogil=True)
def _walk_list(
    sources: Any, goals: Any, vcs: Any, rules: Any, width: Any, tables: Any, totals: Any,
    hops_of: Any,
) -> None:  # fmt: skip
    """Walk pair by pair; ``hops_of`` gets each pair's hops where it has room."""
    for k in range(len(sources)):
        source, goal = sources[k], goals[k]
        hops = _follow(source, goal, _vc(source, goal, width, rules, vcs[goal]), width, *tables)
        _count(source, goal, hops, totals)
        if k < len(hops_of):
            hops_of[k] = hops


@njit(cache=True, nogil=True)
def _walk_windows(
    places: Any, reach: Any, is_host: Any, vcs: Any, rules: Any, width: Any, tables: Any,
    totals: Any,
) -> None:  # fmt: skip
    """Walk every ordered pair of hosts in the square around each place."""
    height = len(is_host) // width
    for place in places:
        x, y = place % width, place // width
        x_lo, x_hi = max(0, x - reach), min(width - 1, x + reach)
        y_lo, y_hi = max(0, y - reach), min(height - 1, y + reach)
        for goal_y in range(y_lo, y_hi + 1):
            for goal_x in range(x_lo, x_hi + 1):
                goal = goal_y * width + goal_x
                if not is_host[goal]:
                    continue
                for source_y in range(y_lo, y_hi + 1):
                    for source_x in range(x_lo, x_hi + 1):
                        source = source_y * width + source_x
                        if is_host[source] and source != goal:
                            vc = _vc(source, goal, width, rules, vcs[goal])
                            _count(source, goal, _follow(source, goal, vc, width, *tables), totals)


@njit(cache=True, nogil=True)
def _count(source: Any, goal: Any, hops: Any, totals: Any) -> None:
    totals[0] += 1
    if hops >= 0:
        totals[1] += 1
        totals[2] += hops
        totals[3] = max(totals[3], hops)
    elif totals[4] < 0:
        totals[4], totals[5] = source, goal


@njit(cache=True)
def _distances(goal: Any, out_ok: Any, near: Any, distance: Any, queue: Any) -> None:
    """Hops to ``goal`` over working links, -1 where there is no way."""
    distance[:] = -1
    distance[goal] = 0
    queue[0] = goal
    head, count = 0, 1
    while head < count:
        tile = queue[head]
        head += 1
        for came in range(4):
            before = near[tile, came]
            if before >= 0 and distance[before] < 0 and out_ok[before, (came + 2) % 4]:
                distance[before] = distance[tile] + 1
                queue[count] = before
                count += 1


class Walker:
    """Walks through one image, whose turns must be acyclic (so that every walk ends).

    Parameters
    ----------
    image : ConfigImage
    """

    def __init__(self, image: ConfigImage) -> None:
        spec = image.spec
        self.image, self.width = image, spec.width
        valid = image.routes["valid"] != 0
        begin = np.zeros(spec.tiles + 1, np.int64)
        np.cumsum(valid.sum(axis=1), out=begin[1:])
        chosen = image.routes[valid]
        packed = np.stack([chosen[field].astype(np.uint16) for field in _FIELDS], axis=1)
        near = neighbours(spec.width, spec.height)
        stretch = np.zeros((spec.vcs, spec.tiles, 4), np.uint16)
        turns, out_ok = image.turns, image.out_ok
        _stretches(spec.width, spec.height, packed, begin, turns, out_ok, stretch)
        self._tables = (packed, begin, turns, out_ok, image.core_ok, near, stretch)
        self.hosts = np.sort(image.remap_tile[image.remap_tile >= 0])
        self.is_host = np.zeros(spec.tiles, np.bool_)
        self.is_host[self.hosts] = True
        self._vcs = np.zeros(spec.tiles, np.uint8)
        hosted = image.remap_tile >= 0
        self._vcs[image.remap_tile[hosted]] = image.remap_vc[hosted]
        used = (image.rules["valid"] != 0).any(axis=0)
        self._rules = np.ascontiguousarray(image.rules[:, used])

    def random_pairs(self, count: int, seed: int, progress: Progress | None = None) -> SampleWalk:
        """Walk ``count`` ordered pairs of different hosts, drawn uniformly."""
        hosts = self.hosts
        if len(hosts) < 2:
            return self._result([])
        first = np.sort(below(draws(seed, 0, count), len(hosts)))
        other = below(draws(seed, 1, count), len(hosts) - 1)
        goals = hosts[other + (other >= first)]
        sources = hosts[first]
        nothing = np.empty(0, np.int32)

        def walk(part: int, ends: Any, totals: Any) -> None:
            span = slice(part * _CHUNK, (part + 1) * _CHUNK)
            tables = (*self._tables, ends)
            some = (sources[span], goals[span])
            _walk_list(*some, self._vcs, self._rules, self.width, tables, totals, nothing)

        return self._lanes(-(-count // _CHUNK), walk, "walking random pairs", progress)

    def windows(
        self, places: npt.NDArray[np.integer[Any]], reach: int, progress: Progress | None = None
    ) -> SampleWalk:
        """Walk every ordered pair of hosts at most ``reach`` columns and rows from a place."""
        parts = min(len(places), 64)

        def walk(part: int, ends: Any, totals: Any) -> None:
            tables = (*self._tables, ends)
            some = places[len(places) * part // parts : len(places) * (part + 1) // parts]
            known = (self.is_host, self._vcs, self._rules, self.width)
            _walk_windows(some, reach, *known, tables, totals)

        return self._lanes(parts, walk, "walking around defects", progress)

    def stretch(self, goals: int, sources: int, seed: int) -> tuple[float, float]:
        """Mean and largest hops over true distance, from random sources to random goals."""
        distance, queue = np.empty((2, self.image.spec.tiles), np.int32)
        ends, totals = self._blank()
        ratios = []
        chosen = self.hosts[below(draws(seed, 2, goals), len(self.hosts))]
        for k, goal in enumerate(chosen):
            _distances(goal, self.image.out_ok, self._tables[5], distance, queue)
            some = self.hosts[below(draws(seed, 3 + k, sources), len(self.hosts))]
            some = some[some != goal]
            hops = np.zeros(len(some), np.int32)
            tables = (*self._tables, ends)
            known = (self._vcs, self._rules, self.width)
            _walk_list(some, np.full_like(some, goal), *known, tables, totals, hops)
            ratios.append(hops[hops > 0] / distance[some[hops > 0]])
        every = np.concatenate(ratios)
        return (float(every.mean()), float(every.max())) if len(every) else (1.0, 1.0)

    def _blank(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        return (
            np.zeros((self.image.spec.tiles, 4), np.int32),
            np.array([0, 0, 0, 0, -1, -1], np.int64),
        )

    def _lanes(
        self, parts: int, walk: Callable[[int, Any, Any], None], what: str,
        progress: Progress | None,
    ) -> SampleWalk:  # fmt: skip
        """Share the parts among threads; sums do not depend on which thread does which."""
        found = []
        lanes = [self._blank()[0] for _ in range(_LANES)]

        def lane(number: int) -> list[tuple[int, npt.NDArray[np.int64]]]:
            mine = []
            for part in range(number, parts, _LANES):
                totals = self._blank()[1]
                walk(part, lanes[number], totals)
                mine.append((part, totals))
                if progress is not None and number == 0:
                    progress(what, min(part + _LANES, parts), parts)
            return mine

        with ThreadPoolExecutor(_LANES) as pool:
            for mine in pool.map(lane, range(_LANES)):
                found += mine
        found.sort(key=lambda item: item[0])
        return self._result([totals for _, totals in found], lanes)

    def _result(
        self, totals: list[npt.NDArray[np.int64]], lanes: list[npt.NDArray[np.int32]] | None = None
    ) -> SampleWalk:
        every = np.array(totals, np.int64).reshape(-1, 6)
        failed = every[every[:, 4] >= 0]
        load = self._blank()[0].astype(np.int64)
        for ends in lanes or []:
            load += ends
        grid = load.reshape(self.image.spec.height, self.width, 4)
        grid[:, :, 1] = grid[:, :, 1].cumsum(axis=1)
        grid[:, :, 2] = grid[:, :, 2].cumsum(axis=0)
        grid[:, :, 3] = grid[:, ::-1, 3].cumsum(axis=1)[:, ::-1]
        grid[:, :, 0] = grid[::-1, :, 0].cumsum(axis=0)[::-1]
        return SampleWalk(
            pairs=int(every[:, 0].sum()),
            arrived=int(every[:, 1].sum()),
            first_failure=(int(failed[0, 4]), int(failed[0, 5])) if len(failed) else None,
            hops=int(every[:, 2].sum()),
            most_hops=int(every[:, 3].max(initial=0)),
            load=load,
        )
