"""Least total displacement: dead homes move to spares by an optimal assignment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.repair.grid_flow import pair
from model.repair.homes import HomePlan


def least_displacement(homes: HomePlan, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Host every logical core with the least sum of distances from home.

    Optimises the sum of Manhattan distances between home and host. Guarantees: as many cores
    hosted as there are usable tiles for, the sum least among those ways, and every core whose home
    works stays there.

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
    host = np.where(usable[homes.home], homes.home, -1).astype(np.int32)
    dead = homes.home[host < 0].astype(np.int64)
    free = np.flatnonzero(usable & homes.spare)
    if not len(dead) or not len(free):
        return host
    if len(dead) > len(free):
        dead, free = pair(free, dead, homes.width, homes.height), free
    else:
        free = pair(dead, free, homes.width, homes.height)
    spare_of = np.full(homes.width * homes.height, -1, np.int32)
    spare_of[dead] = free
    return np.where(host < 0, spare_of[homes.home], host).astype(np.int32)
