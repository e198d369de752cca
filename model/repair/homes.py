"""Homes and spares (RMP-3): which tile each logical core would have without defects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.image import ConfigImage

DIE_ROWS: Final = 7
"""Rows of dies on a wafer (12 x 7 dies); ``dies`` puts spare rows at the end of each."""

PLACES: Final = ("columns", "rows", "spread", "dies")
"""Where spares lie: columns at the east edge, rows at the south edge, columns spread evenly over
the width, or the last rows of every row of dies."""


def spare_lines(spares: str | int, side: int) -> int:
    """Number of spare columns or rows.

    Parameters
    ----------
    spares : str or int
        A count (``2``) or a share (``"7%"``), rounded half up: 7 % of 32 = 2.
    side : int
        Columns or rows of the wafer, or rows of a die; at least one remains.

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


def _spare_numbers(spares: str | int, side: int, place: str) -> npt.NDArray[np.int32]:
    """Which columns (``columns``, ``spread``) or rows (``rows``, ``dies``) are spare, ascending."""
    if place == "dies":
        if side < DIE_ROWS:
            raise InputError(
                f"spare_place is 'dies'; allowed: a wafer of at least {DIE_ROWS} rows, not {side}"
            )
        ends = [(k + 1) * side // DIE_ROWS for k in range(DIE_ROWS)]
        starts = [0, *ends[:-1]]
        counts = [spare_lines(spares, end - start) for start, end in zip(starts, ends, strict=True)]
        runs = [np.arange(end - n, end) for end, n in zip(ends, counts, strict=True)]
        return np.concatenate(runs).astype(np.int32)
    count = spare_lines(spares, side)
    if place == "spread":
        k = np.arange(count)
        return ((2 * k + 1) * side // max(1, 2 * count)).astype(np.int32)
    return np.arange(side - count, side, dtype=np.int32)


@dataclass(frozen=True, eq=False, kw_only=True)
class HomePlan:
    """Logical array on the wafer, row by row on the columns and rows that are not spare.

    Members
    -------
    width, height : int
        Of the wafer.
    logical_width, logical_height : int
    home : int32[logical]
        Tile id of each logical id's home; the other tiles are spares.
    spares, place : str
        What it was built from.
    """

    width: int
    height: int
    logical_width: int
    logical_height: int
    home: npt.NDArray[np.int32]
    spares: str = "0"
    place: str = "columns"

    @classmethod
    def build(cls, width: int, height: int, spares: str | int, place: str) -> HomePlan:
        """Take spare columns or rows off the wafer.

        Parameters
        ----------
        width, height : int
            Of the wafer.
        spares : str or int
            Share or count of all columns (``columns``, ``spread``), of all rows (``rows``), or
            of the rows of each die (``dies``); see :func:`spare_lines`.
        place : str
            One of :data:`PLACES`. ``spread``: spare column k of n is column
            ⌊(2k + 1) · width / 2n⌋, the middle of the k-th of n equal parts. ``dies``: row of
            dies k ends before row ⌊(k + 1) · height / 7⌋; the last rows of each are spare.

        Raises
        ------
        InputError
            From :func:`spare_lines`, when ``place`` is unknown, or a die would have no row.
        """
        if place not in PLACES:
            raise InputError(f"spare_place is {place!r}; allowed: {', '.join(PLACES)}")
        x, y = np.arange(width, dtype=np.int32), np.arange(height, dtype=np.int32)
        if place in ("columns", "spread"):
            x = np.delete(x, _spare_numbers(spares, width, place))
        else:
            y = np.delete(y, _spare_numbers(spares, height, place))
        return cls(
            width=width,
            height=height,
            logical_width=len(x),
            logical_height=len(y),
            home=(y[:, None] * np.int32(width) + x).ravel(),
            spares=str(spares),
            place=place,
        )

    @classmethod
    def of_image(cls, image: ConfigImage) -> HomePlan:
        """The plan an image was compiled with, by its report; without one, the north-west corner.

        Notes
        -----
        The report is free-form: what does not describe the image's logical size is not believed.
        """
        width, height = image.spec.width, image.spec.height
        spares, place = (image.report.get(key) for key in ("spares", "spare_place"))
        if isinstance(spares, str) and isinstance(place, str):
            try:
                plan = cls.build(width, height, spares, place)
            except InputError:
                plan = None
            logical = (image.logical_width, image.logical_height)
            if plan and (plan.logical_width, plan.logical_height) == logical:
                return plan
        y, x = np.divmod(np.arange(image.logical, dtype=np.int32), np.int32(image.logical_width))
        return cls(
            width=width,
            height=height,
            logical_width=image.logical_width,
            logical_height=image.logical_height,
            home=y * np.int32(width) + x,
        )

    @property
    def spare(self) -> npt.NDArray[np.bool_]:
        """bool[tiles]: the tile is nobody's home."""
        free = np.ones(self.width * self.height, np.bool_)
        free[self.home] = False
        return free
