"""How many entries every tile's table would take, path quality untouched."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from model.lanes import share
from model.routing.plan import PathPlan
from model.tables.cover import FIELDS, cover_each
from model.tables.demand import gather

MOST: Final = 64
"""Entries that are tried before a tile is said to need one more than that."""
_ROUNDS: Final = 6
_BLOCK: Final = 32  # tiles looked at together


def entries_needed(paths: PathPlan) -> npt.NDArray[np.int32]:
    """Estimate, from above, the entries that answer a plan exactly.

    Returns
    -------
    int32[tiles]
        0 … :data:`MOST` + 1.
    """
    need = np.zeros(len(paths.asked), np.int32)
    asked = np.flatnonzero(paths.asked.any(axis=1))

    def count(first: int) -> None:
        tiles = asked[first : first + _BLOCK]
        demands = np.empty((len(tiles), paths.layers, paths.height, paths.width), np.uint32)
        flat = demands.reshape(len(tiles), paths.layers, -1)
        gather(paths.asked[tiles], paths.hosts, paths.layer_of, flat)
        entries = np.zeros((len(tiles), MOST, FIELDS), np.int32)
        used = np.zeros(len(tiles), np.int32)
        cover_each(demands, np.ones(len(tiles), np.bool_), MOST, _ROUNDS, entries, used)
        need[tiles] = np.where(used < 0, MOST + 1, used)

    share(count, range(0, len(asked), _BLOCK))
    return need
