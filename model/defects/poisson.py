"""Point defects of a density D0 on the areas of cores, routers and link wires (DEF-3).

Counts are Poisson where the density is constant; with a gamma-distributed density they are
negative binomial (Stapper 1973), with one such factor for the wafer and another for each die they
are compound on two levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.defects.canvas import F64, Canvas, Mask
from model.defects.density import ALPHA_MAX, ALPHA_MIN, at_least_one, mean_one
from model.described import Choice, Described, Number, Row, Rows, field, number
from model.errors import InputError

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
        density = self.d0 / 100.0 * self._factor(canvas)[:, :, None]

        def happens(stream: int, given: float | None, own: float, each: int = 1) -> Mask:
            area = own if given is None else given
            return canvas.happens(stream, at_least_one(density * area), each)

        canvas.tile |= happens(_ROUTER, self.router_area, places.router_area)[:, :, 0]
        canvas.core |= happens(_CORE, self.core_area, places.core_area)[:, :, 0]
        canvas.link |= happens(_LINK, self.link_area, places.link_area, 4)
        canvas.add_pairs(happens(_PAIR, self.pair_area, 0.0, 2))

    def _factor(self, canvas: Canvas) -> F64:
        """float64[height or 1, width or 1]: the density at each tile, in units of D0."""
        places, numbers = canvas.places, canvas.numbers
        rows, columns = places.down.die, places.across.die
        down, across = int(rows[-1]) + 1, int(columns[-1]) + 1
        factor = mean_one(numbers, _WAFER, 1, self.wafer_alpha).reshape(1, 1)
        if self.murphy == "wafer":
            factor = factor * mean_one(numbers, _MURPHY, 1, None, "triangle")
        for alpha, law, stream in (
            (self.die_alpha, "gamma", _DIE),
            (1 if self.murphy == "dies" else None, "triangle", _MURPHY),
        ):
            if alpha is not None:
                grid = mean_one(numbers, stream, down * across, alpha, law)
                factor = factor * grid.reshape(down, across)[rows][:, columns]
        return factor * profile(places.radius(), self.radial) if self.radial else factor


def profile(radius: F64, table: tuple[tuple[float, float], ...]) -> F64:
    """Value at each radius: linear between the table's rows, constant before and behind them."""
    at, value = (np.array(column, np.float64) for column in zip(*table, strict=True))
    last = np.clip(np.searchsorted(at, radius, "right"), 1, max(1, len(at) - 1))
    if len(at) == 1:
        return np.full_like(radius, value[0])
    part = (radius - at[last - 1]) / (at[last] - at[last - 1])
    part = np.clip(part, 0.0, 1.0)
    return np.asarray(value[last - 1] + part * (value[last] - value[last - 1]))
