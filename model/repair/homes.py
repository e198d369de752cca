"""Homes and spares (RMP-3): which tile each logical core would have without defects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError

PLACES: Final = ("columns", "rows")
"""Where spares lie: columns at the east edge or rows at the south edge."""


def spare_lines(spares: str | int, side: int) -> int:
    """Number of spare columns or rows.

    Parameters
    ----------
    spares : str or int
        A count (``2``) or a share (``"7%"``), rounded half up: 7 % of 32 = 2.
    side : int
        Columns or rows of the wafer; at least one remains.

    Raises
    ------
    InputError
        When it is neither, or nothing would remain.
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)(%?)", str(spares).strip())
    number = Fraction(match[1]) if match else Fraction(-1)
    if match and match[2]:
        lines = int(number / 100 * side + Fraction(1, 2))
    else:
        lines = int(number) if number.denominator == 1 else -1
    if not 0 <= lines < side:
        raise InputError(
            f"spares is {spares!r}; allowed: a share as 7%, or a count, that leaves at least one"
            f" of {side}"
        )
    return lines


@dataclass(frozen=True, eq=False, kw_only=True)
class HomePlan:
    """Logical array on the wafer, from the north-west corner on.

    Members
    -------
    width, height : int
        Of the wafer.
    logical_width, logical_height : int
    home : int32[logical]
        Tile id of each logical id's home; the other tiles are spares.
    """

    width: int
    height: int
    logical_width: int
    logical_height: int
    home: npt.NDArray[np.int32]

    @classmethod
    def build(cls, width: int, height: int, spares: str | int, place: str) -> HomePlan:
        """Take spare columns or rows off the wafer.

        Raises
        ------
        InputError
            From :func:`spare_lines`, or when ``place`` is unknown.
        """
        if place not in PLACES:
            raise InputError(f"spare_place is {place!r}; allowed: {', '.join(PLACES)}")
        lines = spare_lines(spares, width if place == "columns" else height)
        across = width - lines if place == "columns" else width
        down = height - lines if place == "rows" else height
        y, x = np.divmod(np.arange(across * down, dtype=np.int32), np.int32(across))
        return cls(
            width=width,
            height=height,
            logical_width=across,
            logical_height=down,
            home=y * np.int32(width) + x,
        )

    @property
    def spare(self) -> npt.NDArray[np.bool_]:
        """bool[tiles]: the tile is nobody's home."""
        free = np.ones(self.width * self.height, np.bool_)
        free[self.home] = False
        return free
