"""Repair strategies by name (RMP-3): which tile hosts each logical core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.repair.displacement import least_displacement
from model.repair.homes import HomePlan

Strategy = Callable[[HomePlan, npt.NDArray[np.bool_]], npt.NDArray[np.int32]]
"""(homes, bool[tiles] that can host) -> int32[logical] host tile, -1 when lost."""

REPAIRS: Final[Mapping[str, Strategy]] = {"displacement": least_displacement}


def repair_strategy(name: str) -> Strategy:
    """Look a strategy up by name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    if name not in REPAIRS:
        raise InputError(f"repair is {name!r}; allowed: {', '.join(REPAIRS)}")
    return REPAIRS[name]
