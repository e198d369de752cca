"""Least total displacement: dead homes move to spares by an optimal assignment.

Working homes stay. As many cores as possible are hosted; among those ways the sum of Manhattan
distances is least, and among those a fixed pseudo-random order decides.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from model.random import draws
from model.repair.homes import HomePlan

_TIE_BITS: Final = 12


def least_displacement(homes: HomePlan, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Host every logical core.

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
    dead = np.flatnonzero(host < 0)
    free = np.flatnonzero(usable & homes.spare)
    if not len(dead) or not len(free):
        return host
    home_y, home_x = np.divmod(homes.home[dead], homes.width)
    free_y, free_x = np.divmod(free, homes.width)
    distance = abs(home_x[:, None] - free_x) + abs(home_y[:, None] - free_y)
    # Ties are drawn so small that all of them together stay below one step of distance.
    ties = draws(0, 0, distance.size).reshape(distance.shape) >> np.uint64(64 - _TIE_BITS)
    step = min(distance.shape) << _TIE_BITS
    rows, columns = linear_sum_assignment(distance * float(step) + ties)
    host[dead[rows]] = free[columns]
    return host
