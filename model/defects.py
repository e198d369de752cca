"""Random defects (design.md §3): equal seeds make equal maps on every machine.

Each place draws from a counter of its own, so a map with a higher rate has all the defects of one
with a lower rate, and a defect never depends on what happened elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError, require_int
from model.random import draws, threshold
from model.repair.homes import DIE_ROWS
from model.spec import Port
from model.wafer import TileState, WaferMap

SEED_MAX: Final = 2**32 - 1
_STREAMS: Final = {"tile_rate": 0, "core_rate": 1, "link_rate": 2, "pair_rate": 3, "density": 4}
DIE_COLUMNS: Final = 12
CLUSTERS: Final = ("none", "wafer", "dies")
"""What shares one random density: nothing, the whole wafer, or each of its 12 x 7 dies."""
_UNIT: Final = 16
"""Fraction bits of a density factor."""


def bernoulli(
    width: int,
    height: int,
    *,
    tile_rate: float = 0.0,
    core_rate: float = 0.0,
    link_rate: float = 0.0,
    pair_rate: float = 0.0,
    seed: int = 1,
) -> WaferMap:
    """Draw every defect on its own.

    Parameters
    ----------
    width, height : int
        1 to 2048 tiles.
    tile_rate : float
        Share of tiles that are dead, 0 to 1, like all rates.
    core_rate : float
        Share of the other tiles whose core is dead.
    link_rate : float
        Share of directed links between live tiles that are dead.
    pair_rate : float
        Share of wire pairs between live tiles of which both directions are dead.
    seed : int
        0 to 2**32 - 1.

    Raises
    ------
    InputError
        When a rate is not a number from 0 to 1, or a size or the seed is out of range.
    """
    rates = {
        "tile_rate": tile_rate,
        "core_rate": core_rate,
        "link_rate": link_rate,
        "pair_rate": pair_rate,
    }
    return clustered(width, height, rates, cluster="none", seed=seed)


def clustered(
    width: int,
    height: int,
    rates: Mapping[str, float],
    *,
    cluster: str = "dies",
    alpha: int = 2,
    seed: int = 1,
) -> WaferMap:
    """Draw defects with a density that varies over wafers or over dies.

    Parameters
    ----------
    width, height, seed : int
        As :func:`bernoulli`'s.
    rates : mapping
        All four of :func:`bernoulli`'s rates: the means.
    cluster : str
        ``wafer`` or ``dies``: all rates of the wafer, or of each die (a twelfth of the width, a
        seventh of the height), are multiplied by one gamma-distributed factor of mean 1, so that
        counts are negative-binomial. ``none``: by 1.
    alpha : int
        Shape of that distribution, 1 to 100; small means strongly clustered.

    Raises
    ------
    InputError
        As :func:`bernoulli`, and when ``cluster`` or ``alpha`` is out of range.
    """
    wafer = WaferMap.perfect(width, height)
    require_int("seed", seed, 0, SEED_MAX)
    limits = {name: threshold(name, rate) for name, rate in rates.items()}
    factor = _density(width, height, cluster, alpha, seed)

    def happens(name: str, each: int = 1) -> npt.NDArray[np.bool_]:
        """bool[height, width, each]: what happens to each tile, or at its first ports."""
        if not limits[name]:
            return np.zeros((height, width, each), np.bool_)
        numbers = draws(seed, _STREAMS[name], width * height * each) >> np.uint64(32)
        limit = np.uint64(limits[name]) * factor >> np.uint64(_UNIT)
        return np.asarray(numbers.reshape(height, width, each) < limit)

    wafer.state[happens("core_rate").ravel()] = TileState.CORE_DEFECT
    wafer.state[happens("tile_rate").ravel()] = TileState.TILE_DEFECT
    dead = happens("link_rate", 4)
    pairs = happens("pair_rate", 2)
    dead[:, :-1, Port.EAST] |= pairs[:, :-1, 0]
    dead[:, 1:, Port.WEST] |= pairs[:, :-1, 0]
    dead[:-1, :, Port.SOUTH] |= pairs[:-1, :, 1]
    dead[1:, :, Port.NORTH] |= pairs[:-1, :, 1]
    wafer.dead_link = dead.reshape(-1, 4) & wafer.live_links()
    wafer.origin = {"generator": "bernoulli", "seed": seed, **rates}
    if cluster != "none":
        wafer.origin |= {"generator": "clustered", "cluster": cluster, "alpha": alpha}
    return wafer


def _density(
    width: int, height: int, cluster: str, alpha: int, seed: int
) -> npt.NDArray[np.uint64]:
    """uint64[height or 1, width or 1, 1]: factor of all rates in units of 2**-16, mean 1.

    A gamma variate of whole shape is a sum of logarithms. They are taken in decimal arithmetic,
    which is the same on every machine; the C library's is not.
    """
    require_int("alpha", alpha, 1, 100)
    if cluster not in CLUSTERS:
        raise InputError(f"cluster is {cluster!r}; allowed: {', '.join(CLUSTERS)}")
    if cluster == "none":
        return np.full((1, 1, 1), 1 << _UNIT, np.uint64)
    down, across = (DIE_ROWS, DIE_COLUMNS) if cluster == "dies" else (1, 1)
    context = Context(prec=25)
    factors = []
    for numbers in draws(seed, _STREAMS["density"], down * across * alpha).reshape(-1, alpha):
        logs = sum(context.ln(Decimal(int(u) + 1) / Decimal(2**64)) for u in numbers)
        factors.append(int(-logs * (1 << _UNIT) / alpha))
    grid = np.array(factors, np.uint64).reshape(down, across)
    rows, columns = (np.arange(n) * parts // n for n, parts in ((height, down), (width, across)))
    return np.asarray(grid[rows][:, columns, None])
