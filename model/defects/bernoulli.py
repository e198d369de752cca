"""Every part of the wafer breaks on its own with a given rate, or with rates that vary (DEF-2).

Each place draws from a counter of its own, so a map with a higher rate has all the defects of one
with a lower rate, and a defect never depends on what happened elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from model.defects.canvas import Canvas
from model.defects.density import ALPHA_MAX, ALPHA_MIN, scaled_gammas
from model.described import Choice, Described, Number, field, number
from model.errors import InputError, require_int
from model.geometry import Geometry, Places
from model.random import U64, threshold
from model.repair.homes import DIE_ROWS
from model.spec import MAX_SIDE
from model.wafer import WaferMap

SEED_MAX: Final = 2**32 - 1
DIE_COLUMNS: Final = 12
CLUSTERS: Final = ("none", "wafer", "dies")
"""What shares one random density: nothing, the whole wafer, or each of its 12 x 7 dies."""
RATES: Final = {"tile_rate": 0, "core_rate": 1, "link_rate": 2, "pair_rate": 3}
"""Names of the rates, and the random stream of each."""
_DENSITY: Final = 4
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
    alpha: float = 2,
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
    alpha : float
        Shape of that distribution, 0.05 to 100; small means strongly clustered.

    Raises
    ------
    InputError
        As :func:`bernoulli`, and when ``cluster`` or ``alpha`` is out of range.
    """
    require_size(width, height)
    require_int("seed", seed, 0, SEED_MAX)
    canvas = Canvas(width, height, seed, Places.build(Geometry(), width, height))
    _draw(canvas, rates, cluster, alpha)
    origin = {"generator": "bernoulli", "seed": seed, **rates}
    if cluster != "none":
        origin |= {"generator": "clustered", "cluster": cluster, "alpha": alpha}
    return canvas.finish(origin)


def require_size(width: int, height: int) -> None:
    """Refuse sides outside 1 to 2048 tiles."""
    require_int("wafer.width", width, 1, MAX_SIDE)
    require_int("wafer.height", height, 1, MAX_SIDE)


def _draw(canvas: Canvas, rates: Mapping[str, float], cluster: str, alpha: float) -> None:
    limits = {name: threshold(name, rate) for name, rate in rates.items()}
    factor = _density(canvas, cluster, alpha)

    def happens(name: str, each: int = 1) -> Any:
        limit = np.uint64(limits[name]) * factor >> np.uint64(_UNIT)
        return canvas.happens(RATES[name], limit, each, bits=32)

    canvas.core |= happens("core_rate")[:, :, 0]
    canvas.tile |= happens("tile_rate")[:, :, 0]
    canvas.link |= happens("link_rate", 4)
    canvas.add_pairs(happens("pair_rate", 2))


def _density(canvas: Canvas, cluster: str, alpha: float) -> U64:
    """uint64[height or 1, width or 1, 1]: factor of all rates in units of 2**-16, mean 1."""
    Number(ALPHA_MIN, ALPHA_MAX).read("alpha", alpha)
    if cluster not in CLUSTERS:
        raise InputError(f"cluster is {cluster!r}; allowed: {', '.join(CLUSTERS)}")
    if cluster == "none":
        return np.full((1, 1, 1), 1 << _UNIT, np.uint64)
    down, across = (DIE_ROWS, DIE_COLUMNS) if cluster == "dies" else (1, 1)
    factors = scaled_gammas(canvas.numbers, _DENSITY, down * across, alpha, 1 << _UNIT)
    grid = np.array([int(factor) for factor in factors], np.uint64).reshape(down, across)
    rows = np.arange(canvas.height) * down // canvas.height
    columns = np.arange(canvas.width) * across // canvas.width
    return np.asarray(grid[rows][:, columns, None])


@dataclass(frozen=True, kw_only=True)
class Bernoulli(Described):
    """The rates of :func:`clustered` as a part of a model: alone and first, the same map."""

    kind: ClassVar[str] = "bernoulli"
    about: ClassVar[str] = "each core, tile and link breaks with a rate of its own"

    tile_rate: float = number(0, 1, "share of dead tiles", 0)
    core_rate: float = number(0, 1, "share of dead cores, of live tiles", 0)
    link_rate: float = number(0, 1, "share of dead directed links", 0)
    pair_rate: float = number(0, 1, "share of wire pairs dead both ways", 0)
    cluster: str = field(Choice(CLUSTERS), "what shares one gamma-distributed density", "none")
    alpha: float = number(ALPHA_MIN, ALPHA_MAX, "shape of that density", 2)

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        _draw(canvas, {name: getattr(self, name) for name in RATES}, self.cluster, self.alpha)
