"""Walking packets through an image too large for all pairs (TBL-4), by its tables alone.

Nothing of how the image was made is used.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.graph import neighbours
from model.image import ConfigImage
from model.random import below, draws
from model.wide.walk import distances, stretches, walk_list, walk_windows

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
        Pairs that cross each link.
    unreached : int32[...]
        Goals of the pairs that do not arrive, each once.
    """

    pairs: int
    arrived: int
    first_failure: tuple[int, int] | None
    hops: int
    most_hops: int
    load: npt.NDArray[np.int64]
    unreached: npt.NDArray[np.int32]


class _Tally:
    """What one thread counts."""

    def __init__(self, tiles: int) -> None:
        self.ends = np.zeros((tiles, 4), np.int32)
        self.missed = np.zeros(tiles, np.bool_)
        self.parts: list[tuple[int, npt.NDArray[np.int64]]] = []

    def part(self, number: int) -> npt.NDArray[np.int64]:
        """Begin a part: pairs, arrived, hops, most hops, first failure's source and goal."""
        totals = np.array([0, 0, 0, 0, -1, -1], np.int64)
        self.parts.append((number, totals))
        return totals


class Walker:
    """Walks through one image, whose turns must be acyclic (so that every walk ends).

    Parameters
    ----------
    image : ConfigImage
    """

    def __init__(self, image: ConfigImage) -> None:
        self._spec = spec = image.spec
        valid = image.routes["valid"] != 0
        begin = np.zeros(spec.tiles + 1, np.int64)
        np.cumsum(valid.sum(axis=1), out=begin[1:])
        chosen = image.routes[valid]
        packed = np.stack([chosen[field].astype(np.uint16) for field in _FIELDS], axis=1)
        self._near = neighbours(spec.width, spec.height)
        stretch = np.zeros((spec.vcs, spec.tiles, 4), np.uint16)
        self._out_ok = image.out_ok
        stretches(spec.width, spec.height, packed, begin, image.turns, image.out_ok, stretch)
        self._tables = (
            packed, begin, image.turns, image.out_ok, image.core_ok, self._near, stretch
        )  # fmt: skip
        hosted = image.remap_tile >= 0
        self._hosts = np.sort(image.remap_tile[hosted])
        self._is_host = np.zeros(spec.tiles, np.bool_)
        self._is_host[self._hosts] = True
        vcs = np.zeros(spec.tiles, np.uint8)
        vcs[image.remap_tile[hosted]] = image.remap_vc[hosted]
        used = (image.rules["valid"] != 0).any(axis=0)
        self._places = (vcs, np.ascontiguousarray(image.rules[:, used]), spec.width)

    def random_pairs(self, count: int, seed: int, progress: Progress | None = None) -> SampleWalk:
        """Walk ``count`` ordered pairs of different hosts, drawn uniformly."""
        hosts = self._hosts
        if len(hosts) < 2:
            count = 0
        first = np.sort(below(draws(seed, 0, count), max(1, len(hosts))))
        other = below(draws(seed, 1, count), max(1, len(hosts) - 1))
        goals = hosts[other + (other >= first)]
        sources = hosts[first]
        nothing = np.empty(0, np.int32)

        def walk(part: int, tally: _Tally) -> None:
            span = slice(part * _CHUNK, (part + 1) * _CHUNK)
            tables = (*self._tables, tally.ends)
            counts = (tally.part(part), tally.missed, nothing)
            walk_list(sources[span], goals[span], *self._places, tables, *counts)

        return self._lanes(-(-count // _CHUNK), walk, "walking random pairs", progress)

    def windows(
        self, places: npt.NDArray[np.int32], reach: int, progress: Progress | None = None
    ) -> SampleWalk:
        """Walk every ordered pair of hosts at most ``reach`` columns and rows from a place."""
        parts = min(len(places), 64)

        def walk(part: int, tally: _Tally) -> None:
            tables = (*self._tables, tally.ends)
            some = places[len(places) * part // parts : len(places) * (part + 1) // parts]
            known = (reach, self._is_host, *self._places)
            walk_windows(some, *known, tables, tally.part(part), tally.missed)

        return self._lanes(parts, walk, "walking around defects", progress)

    def stretch(self, goals: int, sources: int, seed: int) -> tuple[float, float]:
        """Mean and largest hops over true distance, from random sources to random goals."""
        distance, queue = np.empty((2, self._spec.tiles), np.int32)
        tally = _Tally(self._spec.tiles)
        ratios = [np.ones(0)]
        for k, goal in enumerate(self._hosts[below(draws(seed, 2, goals), len(self._hosts))]):
            distances(goal, self._out_ok, self._near, distance, queue)
            some = self._hosts[below(draws(seed, 3 + k, sources), len(self._hosts))]
            some = some[some != goal]
            hops = np.zeros(len(some), np.int32)
            tables = (*self._tables, tally.ends)
            counts = (tally.part(k), tally.missed, hops)
            walk_list(some, np.full_like(some, goal), *self._places, tables, *counts)
            ratios.append(hops[hops > 0] / distance[some[hops > 0]])
        every = np.concatenate(ratios)
        return (float(every.mean()), float(every.max())) if len(every) else (1.0, 1.0)

    def _lanes(
        self,
        parts: int,
        walk: Callable[[int, _Tally], None],
        what: str,
        progress: Progress | None,
    ) -> SampleWalk:
        """Share the parts among threads; sums do not depend on which thread does which."""
        tallies = [_Tally(self._spec.tiles) for _ in range(_LANES)]

        def lane(number: int) -> None:
            for part in range(number, parts, _LANES):
                walk(part, tallies[number])
                if progress is not None and number == 0:
                    progress(what, min(part + _LANES, parts), parts)

        with ThreadPoolExecutor(_LANES) as pool:
            list(pool.map(lane, range(_LANES)))
        found = sorted((p for tally in tallies for p in tally.parts), key=lambda part: part[0])
        totals = np.array([counts for _, counts in found], np.int64).reshape(-1, 6)
        failed = totals[totals[:, 4] >= 0]
        return SampleWalk(
            pairs=int(totals[:, 0].sum()),
            arrived=int(totals[:, 1].sum()),
            first_failure=(int(failed[0, 4]), int(failed[0, 5])) if len(failed) else None,
            hops=int(totals[:, 2].sum()),
            most_hops=int(totals[:, 3].max(initial=0)),
            load=self._load(tallies),
            unreached=np.flatnonzero(np.any([t.missed for t in tallies], axis=0)).astype(np.int32),
        )

    def _load(self, tallies: list[_Tally]) -> npt.NDArray[np.int64]:
        """Paths over each link, from where their stretches begin and end."""
        load = np.zeros((self._spec.tiles, 4), np.int64)
        for tally in tallies:
            load += tally.ends
        grid = load.reshape(self._spec.height, self._spec.width, 4)
        grid[:, :, 1] = grid[:, :, 1].cumsum(axis=1)
        grid[:, :, 2] = grid[:, :, 2].cumsum(axis=0)
        grid[:, :, 3] = grid[:, ::-1, 3].cumsum(axis=1)[:, ::-1]
        grid[:, :, 0] = grid[::-1, :, 0].cumsum(axis=0)[::-1]
        return load
