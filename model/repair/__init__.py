"""Repair strategies by name (RMP-3): which tile hosts each logical core.

All of :data:`REPAIRS` host as many cores as there are usable tiles for, so a logical array is
hosted whole whenever enough healthy cores reach each other; they differ in who moves where.
``none`` moves nobody: what a wafer is without its remap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.repair.displacement import least_displacement
from model.repair.homes import HomePlan
from model.repair.neighbours import neighbours
from model.repair.ripple import ripple

Strategy = Callable[[HomePlan, npt.NDArray[np.bool_]], npt.NDArray[np.int32]]
"""(homes, bool[tiles] that can host) -> int32[logical] host tile, -1 when lost."""

REPAIRS: Final[Mapping[str, Strategy]] = {
    "displacement": least_displacement,
    "ripple": ripple,
    "neighbours": neighbours,
}

NO_REPAIR: Final = "none"
"""A baseline: cores whose home cannot host are lost, whatever spares there are."""


def at_home(homes: HomePlan, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """The strategy :data:`NO_REPAIR`."""
    return np.where(usable[homes.home], homes.home, np.int32(-1))


def repair_strategy(name: str) -> Strategy:
    """Look a strategy up by name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    known = {**REPAIRS, NO_REPAIR: at_home}
    if name not in known:
        raise InputError(f"repair is {name!r}; allowed: {', '.join(known)}")
    return known[name]
