"""Presets: wafers by name, with the place of their spares and the density of their defects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from model.errors import InputError
from model.geometry import Geometry

REAL_DENSITY: Final = 5e-5
"""Share of tiles, and of links, that are broken on a real wafer: a defect density of 0.1/cm² on
tiles of 0.05 mm²: about 45 of 893,064."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One kind of wafer.

    Members
    -------
    about : str
        What it is, for the help text.
    width, height : int
        Tiles across (x) and down (y).
    spares, spare_place : str
        As :class:`model.compile.CompileOptions` takes them.
    tile_rate, link_rate : float
        Shares of dead tiles and of dead directed links.
    geometry : Geometry
        Where the tiles lie: 215 x 215 mm in the middle of a 300 mm wafer, 12 x 7 dies.
    """

    about: str
    width: int
    height: int
    spares: str
    spare_place: str
    tile_rate: float = REAL_DENSITY
    link_rate: float = REAL_DENSITY
    geometry: Geometry = field(default_factory=Geometry)


PRESETS: Final[Mapping[str, Preset]] = {
    "page": Preset(
        about="32x18, 12 %/6 % defects, 7 % spare columns",
        width=32, height=18, spares="7%", spare_place="columns", tile_rate=0.12, link_rate=0.06,
    ),
    "wse2": Preset(
        about="757x996, real defects, 7 % spare columns",
        width=757, height=996, spares="7%", spare_place="columns",
    ),
    "wse3": Preset(
        about="762x1172, real defects, 7 % spare columns",
        width=762, height=1172, spares="7%", spare_place="columns",
    ),
    "dies": Preset(
        about="816x1190, 12 x 7 dies of 68x170 tiles, real defects, the last 12 rows of each spare",
        width=12 * 68, height=7 * 170, spares="12", spare_place="dies",
    ),
}  # fmt: skip
"""``page``: the size of the page this work started from. ``wse2``, ``wse3``: fabrics of the size
that software sees on the published chips, the spares taken out of it. ``dies``: the physical array
of dies, 971,040 tiles of which 68 x 158 a die are the logical array."""


def preset(name: str) -> Preset:
    """Look a preset up by name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    if name not in PRESETS:
        raise InputError(f"preset is {name!r}; allowed: {', '.join(PRESETS)}")
    return PRESETS[name]
