"""Point defects of a density D0 on the areas of cores, routers and link wires (DEF-3).

Counts are Poisson where the density is constant; with a gamma-distributed density they are
negative binomial (Stapper 1973), with one such factor for the wafer and another for each die they
are compound on two levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from model.defects.canvas import F64, Canvas, Mask
from model.defects.density import ALPHA_MAX, ALPHA_MIN, at_least_one, mean_one
from model.described import Choice, Described, Number, Row, Rows, field, number
from model.errors import InputError

Line = npt.NDArray[np.int64]
_ROUTER, _CORE, _LINK, _PAIR, _WAFER, _DIE, _MURPHY = 0, 1, 2, 3, 4, 6, 8
_PROFILE = Rows(
    Row((Number(0, 1000), Number(0, 1000)), "[radius in mm, factor]"),
    "a list of [radius in mm, factor], radii growing",
)


@dataclass(frozen=True, kw_only=True)
class Poisson(Described):
    """Independent point defects, with a density that may vary over radius, wafers and dies."""

    kind: ClassVar[str] = "poisson"
    about: ClassVar[str] = "point defects of density D0 on areas of cores, routers and links"

    d0: float = number(0, 1e6, "mean defects per cm²")
    core_area: float | None = number(0, 1e5, "mm² where one kills the core; geometry's", None)
    router_area: float | None = number(0, 1e5, "mm² where one kills the tile; geometry's", None)
    link_area: float | None = number(0, 1e5, "mm² of a directed link's wires; geometry's", None)
    pair_area: float = number(0, 1e5, "mm² where one kills both directions of a link", 0)
    wafer_alpha: float | None = number(
        ALPHA_MIN, ALPHA_MAX, "shape of the wafer's gamma-distributed density; none", None
    )
    die_alpha: float | None = number(
        ALPHA_MIN, ALPHA_MAX, "shape of each die's gamma-distributed density; none", None
    )
    murphy: str = field(
        Choice(("none", "wafer", "dies")), "what shares one triangular density", "none"
    )
    radial: tuple[tuple[float, float], ...] = field(
        _PROFILE, "factor of the density by mm from the wafer's centre, linear in between", ()
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        radii = [radius for radius, _ in self.radial]
        if sorted(set(radii)) != radii:
            raise InputError(f"poisson.radial has radii {radii}; allowed: growing ones")

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        places = canvas.places
        density, rows, columns = self._density(canvas)

        def happens(stream: int, given: float | None, own: float, each: int = 1) -> Mask:
            limit = at_least_one(density * (own if given is None else given))
            return canvas.happens(stream, limit[rows][:, columns, None], each)

        canvas.tile |= happens(_ROUTER, self.router_area, places.router_area)[:, :, 0]
        canvas.core |= happens(_CORE, self.core_area, places.core_area)[:, :, 0]
        canvas.link |= happens(_LINK, self.link_area, places.link_area, 4)
        canvas.add_pairs(happens(_PAIR, self.pair_area, 0.0, 2))

    def _density(self, canvas: Canvas) -> tuple[F64, Line, Line]:
        """Defects per mm² of each die or tile, and which row and column of it a tile has."""
        rows, columns = canvas.places.down.die, canvas.places.across.die
        down, across = int(rows[-1]) + 1, int(columns[-1]) + 1
        wafer = mean_one(canvas.numbers, _WAFER, 1, self.wafer_alpha)
        if self.murphy == "wafer":
            wafer = wafer * mean_one(canvas.numbers, _MURPHY, 1, None, "triangle")
        density = np.full((down, across), self.d0 / 100.0 * wafer[0])
        if self.die_alpha is not None:
            drawn = mean_one(canvas.numbers, _DIE, down * across, self.die_alpha)
            density = density * drawn.reshape(down, across)
        if self.murphy == "dies":
            drawn = mean_one(canvas.numbers, _MURPHY, down * across, None, "triangle")
            density = density * drawn.reshape(down, across)
        if not self.radial:
            return density, rows, columns
        density = density[rows][:, columns] * profile(canvas.places.radius(), self.radial)
        return density, np.arange(canvas.height), np.arange(canvas.width)


def profile(radius: F64, table: tuple[tuple[float, float], ...]) -> F64:
    """Value at each radius: linear between the table's rows, constant before and behind them."""
    at, value = (np.array(column, np.float64) for column in zip(*table, strict=True))
    last = np.clip(np.searchsorted(at, radius, "right"), 1, max(1, len(at) - 1))
    if len(at) == 1:
        return np.full_like(radius, value[0])
    part = (radius - at[last - 1]) / (at[last] - at[last - 1])
    part = np.clip(part, 0.0, 1.0)
    return np.asarray(value[last - 1] + part * (value[last] - value[last - 1]))
