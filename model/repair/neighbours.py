"""Neighbours: the sum of distances between logical neighbours, made small by exact line moves.

It starts from :func:`ripple`. Then each row and each column of tiles in turn is laid out anew while
all others stand still: its cores keep their order, and a sweep over (core, tile) finds the least
sum for that line (:mod:`model.repair.layout`). Where a line is full, near tiles trade places.

What a single line cannot find is a seam: a tile left out in *many* lines at one place, so that they
stay alongside each other. So other starts are tried, too: the lines laid out one after the other,
each following the one before it more than the one behind it. The start that ends best wins.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from model.repair.homes import HomePlan
from model.repair.layout import lay_out, trade
from model.repair.ripple import lines_are_rows, ripple

SWEEPS: Final = 8
"""Most rounds over all lines; they end earlier when nothing gets better."""
FOLLOW: Final = (((1, 0),), ((2, 1), (1, 2)), ())
"""Starts: passes with the weights of (the line before, the line behind)."""
LARGE: Final = 1 << 18
"""Tiles from which on only the first start is tried, with two rounds."""

Tiles = npt.NDArray[np.int32]


def neighbours(homes: HomePlan, usable: npt.NDArray[np.bool_]) -> Tiles:
    """Host every logical core, logical neighbours close to each other.

    Optimises the sum of Manhattan distances between the hosts of logical neighbours, to a state
    that no line and no trade of two near tiles makes better (or :data:`SWEEPS` rounds).
    Guarantees: as many cores hosted as there are usable tiles for, the same ones as
    :func:`ripple` does, with a sum that is not above ripple's.

    Parameters
    ----------
    homes : HomePlan
    usable : bool[tiles]
        The core works and all usable tiles reach each other.

    Returns
    -------
    int32[logical]
        Host tile, -1 when lost.
    """
    start = ripple(homes, usable)
    large = len(usable) >= LARGE
    starts = FOLLOW[:1] if large else FOLLOW
    made = [start, *(_improve(homes, usable, start, way, 2 if large else SWEEPS) for way in starts)]
    return min(made, key=lambda host: neighbour_sum(homes, host))


def neighbour_sum(homes: HomePlan, host: Tiles) -> int:
    """Sum of Manhattan distances over pairs of logical neighbours that are both hosted."""
    return int(neighbour_distances(homes, host).sum())


def neighbour_distances(homes: HomePlan, host: Tiles) -> npt.NDArray[np.int32]:
    """int32[pairs]: Manhattan distance of every two logical neighbours that are both hosted."""
    grid = host.reshape(homes.logical_height, homes.logical_width)
    y, x = np.divmod(grid, np.int32(homes.width))
    found = []
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        both = (grid[a] >= 0) & (grid[b] >= 0)
        found.append((abs(x[a] - x[b]) + abs(y[a] - y[b]))[both])
    return np.concatenate(found)


def _improve(
    homes: HomePlan,
    usable: npt.NDArray[np.bool_],
    start: Tiles,
    way: tuple[tuple[int, int], ...],
    sweeps: int,
) -> Tiles:
    host = start.copy()
    core_at = np.where(usable, -1, -2).astype(np.int32)
    hosted = np.flatnonzero(host >= 0).astype(np.int32)
    core_at[host[hosted]] = hosted
    sizes = (homes.width, homes.height, homes.logical_width)
    rows = lines_are_rows(homes)
    stale = np.ones((2, max(homes.width, homes.height)), np.bool_)
    for before, behind in way:
        lay_out(host, core_at, *sizes, rows, before, behind, stale)
    stale[:] = True
    for _ in range(sweeps):
        gain = lay_out(host, core_at, *sizes, True, 1, 1, stale)
        gain += lay_out(host, core_at, *sizes, False, 1, 1, stale)
        gain += trade(host, core_at, *sizes, stale)
        if not gain:
            break
    return host
