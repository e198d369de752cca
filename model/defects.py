"""Random defects (design.md §3): equal seeds make equal maps on every machine.

Each place draws from a counter of its own, so a map with a higher rate has all the defects of one
with a lower rate, and a defect never depends on what happened elsewhere.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import require_int
from model.random import draws, threshold
from model.spec import Port
from model.wafer import TileState, WaferMap

SEED_MAX: Final = 2**32 - 1
_STREAMS: Final = {"tile_rate": 0, "core_rate": 1, "link_rate": 2, "pair_rate": 3}


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
    wafer = WaferMap.perfect(width, height)
    require_int("seed", seed, 0, SEED_MAX)
    rates = {
        "tile_rate": tile_rate,
        "core_rate": core_rate,
        "link_rate": link_rate,
        "pair_rate": pair_rate,
    }
    limits = {name: threshold(name, rate) for name, rate in rates.items()}

    def happens(name: str, *shape: int) -> npt.NDArray[np.bool_]:
        numbers = draws(seed, _STREAMS[name], int(np.prod(shape))) >> np.uint64(32)
        return (numbers < np.uint64(limits[name])).reshape(shape)

    n = width * height
    wafer.state[happens("core_rate", n)] = TileState.CORE_DEFECT
    wafer.state[happens("tile_rate", n)] = TileState.TILE_DEFECT
    dead = happens("link_rate", height, width, 4)
    pairs = happens("pair_rate", height, width, 2)
    dead[:, :-1, Port.EAST] |= pairs[:, :-1, 0]
    dead[:, 1:, Port.WEST] |= pairs[:, :-1, 0]
    dead[:-1, :, Port.SOUTH] |= pairs[:-1, :, 1]
    dead[1:, :, Port.NORTH] |= pairs[:-1, :, 1]
    wafer.dead_link = dead.reshape(n, 4) & wafer.live_links()
    wafer.origin = {"generator": "bernoulli", "seed": seed, **rates}
    return wafer
