"""Where tiles lie on the wafer, in millimetres, and which place of a tile is which part (GEO-1).

Wafer coordinates: millimetres from the wafer's centre, x to the east, y to the north, as
inspection tools have them; tile rows count to the south. All arithmetic is +, −, ×, ÷ and √ of
IEEE doubles, each rounded by itself: the same on every machine.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from model.described import Described, Number, Row, field, number
from model.errors import InputError
from model.spec import Port

F64 = npt.NDArray[np.float64]

SIDE: Final = 215.0
"""Side in mm of the square that the tiles fill when no pitch is given: 46,225 mm²."""

_PAIR = Row((Number(0.001, 1000), Number(0.001, 1000)), "two numbers of mm, [across, down]")
_SHIFT = Row((Number(-1000, 1000), Number(-1000, 1000)), "two numbers of mm, [east, north]")
_DIES = Row((Number(1, 2048, whole=True),) * 2, "two integers, [across, down]")


@dataclass(frozen=True, kw_only=True)
class Geometry(Described):
    """Sizes of wafer, dies and tiles in mm.

    Members
    -------
    diameter : float
        Of the wafer.
    edge_exclusion : float
        Width of the ring at the wafer's edge in which nothing is expected to work.
    offset : (float, float)
        Centre of the array of tiles, east and north of the wafer's centre.
    dies : (int, int)
        Dies across and down; die k of n begins at tile ⌊k · tiles / n⌋.
    pitch : (float, float) or None
        From tile to tile, across and down; None: 215 mm shared by all tiles of a line.
    die_pitch : (float, float) or None
        From die to die; None: dies touch. What is between dies is the *street*.
    router_share, link_share : float
        Of a tile's area: its router, and the wires of its links.
    """

    kind: ClassVar[str] = "geometry"
    about: ClassVar[str] = "where tiles lie on the wafer, in mm"

    diameter: float = number(1, 1000, "of the wafer, mm", 300)
    edge_exclusion: float = number(0, 500, "ring at the wafer's edge, mm", 0)
    offset: tuple[float, float] = field(_SHIFT, "centre of the array, mm [east, north]", (0, 0))
    dies: tuple[int, int] = field(_DIES, "dies [across, down]", (12, 7))
    pitch: tuple[float, float] | None = field(_PAIR, "from tile to tile, mm", None)
    die_pitch: tuple[float, float] | None = field(_PAIR, "from die to die, mm", None)
    router_share: float = number(0.0001, 0.9, "of a tile's area: the router", 0.1)
    link_share: float = number(0.0001, 0.9, "of a tile's area: wires of its links", 0.05)

    def __post_init__(self) -> None:
        super().__post_init__()
        a = self.router_share**0.5
        if self.link_share > 2 * a * (1 - a):
            raise InputError(
                f"geometry.link_share is {self.link_share:g}; allowed: wires no wider than the "
                f"router, at most {2 * a * (1 - a):g} here"
            )


@dataclass(frozen=True, eq=False)
class Axis:
    """Lines across one direction: what of each tile begins where.

    Members
    -------
    lines : float64[tiles, 9]
        In mm from the array's centre, growing: the middle of the street before the tile, the
        tile's edge, the router's edge, the edge of the wires, the middle, and the same behind it.
    die : int64[tiles]
        Number of the die.
    """

    lines: F64
    die: npt.NDArray[np.int64]

    @classmethod
    def build(cls, tiles: int, dies: int, pitch: float, die_pitch: float | None,
              router: float, wires: float, name: str) -> Axis:  # fmt: skip
        """Lay ``tiles`` out in ``dies``; ``router`` and ``wires`` are shares of the pitch."""
        die = np.arange(tiles) * dies // tiles
        first = np.maximum.accumulate(np.where(np.diff(die, prepend=-1) > 0, np.arange(tiles), 0))
        if die_pitch is None:
            low = np.arange(tiles) * pitch
        else:
            low = die * die_pitch + (np.arange(tiles) - first) * pitch
        high = low + pitch
        gap = low[1:] - high[:-1] if die_pitch is not None else np.zeros(tiles - 1)
        if (gap < -1e-9 * pitch).any():
            raise InputError(
                f"geometry.die_pitch is {die_pitch:g} {name}; allowed: at least the tiles of a die "
                f"times their pitch, {pitch:g}"
            )
        half = np.maximum(gap, 0.0) * 0.5
        middle = low + pitch * 0.5
        centre = (low[0] + high[-1]) * 0.5
        lines = np.stack(
            [
                low - np.concatenate([[0.0], half]), low,
                middle - router * pitch * 0.5, middle - wires * pitch * 0.5, middle,
                middle + wires * pitch * 0.5, middle + router * pitch * 0.5,
                high, high + np.concatenate([half, [0.0]]),
            ],
            axis=1,
        )  # fmt: skip
        return cls(lines - centre, die)


_N, _E, _S, _W = (int(port) for port in (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST))
RECTANGLES: Final = np.array(
    [
        # x0 x1 y0 y1  dx dy port: the link that leaves tile (x + dx, y + dy) through port
        (2, 6, 2, 6, 0, 0, -1),  # router
        (6, 8, 4, 5, 0, 0, _E), (6, 8, 3, 4, 1, 0, _W),  # east: out on the right-hand side, in
        (0, 2, 3, 4, 0, 0, _W), (0, 2, 4, 5, -1, 0, _E),
        (4, 5, 0, 2, 0, 0, _N), (3, 4, 0, 2, 0, -1, _S),
        (3, 4, 6, 8, 0, 0, _S), (4, 5, 6, 8, 0, 1, _N),
        (1, 3, 1, 2, 0, 0, -2), (1, 2, 1, 3, 0, 0, -2),  # core: two for each corner of the tile
        (5, 7, 1, 2, 0, 0, -2), (6, 7, 1, 3, 0, 0, -2),
        (1, 3, 6, 7, 0, 0, -2), (1, 2, 5, 7, 0, 0, -2),
        (5, 7, 6, 7, 0, 0, -2), (6, 7, 5, 7, 0, 0, -2),
    ],
    np.int64,
)  # fmt: skip
"""Parts of a tile as rectangles between :class:`Axis` lines; port -1 router, -2 core."""


@dataclass(frozen=True, eq=False)
class Places:
    """A geometry on a wafer of a given size.

    Members
    -------
    geometry : Geometry
    across, down : Axis
        Of columns (west to east) and rows (north to south).
    core_area, router_area, link_area : float
        Of one tile in mm²; of the wires of one directed link.
    """

    geometry: Geometry
    across: Axis
    down: Axis
    core_area: float
    router_area: float
    link_area: float

    @classmethod
    @functools.lru_cache(maxsize=16)
    def build(cls, geometry: Geometry, width: int, height: int) -> Places:
        """Lay ``width`` x ``height`` tiles out.

        Raises
        ------
        InputError
            When dies are narrower than their tiles.
        """
        px, py = geometry.pitch or (SIDE / width, SIDE / height)
        dx, dy = geometry.die_pitch or (None, None)
        router = float(np.sqrt(geometry.router_share))
        wires = geometry.link_share / (2.0 * (1.0 - router))
        tile = px * py
        return cls(
            geometry,
            Axis.build(width, min(width, geometry.dies[0]), px, dx, router, wires, "across"),
            Axis.build(height, min(height, geometry.dies[1]), py, dy, router, wires, "down"),
            tile * (1.0 - geometry.router_share - geometry.link_share),
            tile * geometry.router_share,
            tile * geometry.link_share / 4.0,
        )

    @property
    def half_size(self) -> tuple[float, float]:
        """Half the width and height of the array in mm."""
        return float(self.across.lines[-1, 8]), float(self.down.lines[-1, 8])

    def radius(self) -> F64:
        """float64[height, width]: mm from the wafer's centre to each tile's centre."""
        x = self.across.lines[:, 4] + self.geometry.offset[0]
        y = self.down.lines[:, 4] - self.geometry.offset[1]
        return np.asarray(np.sqrt((x * x)[None, :] + (y * y)[:, None]))

    def to_array(self, x: F64, y: F64) -> tuple[F64, F64]:
        """Wafer coordinates to mm east and *south* of the array's centre."""
        return x - self.geometry.offset[0], self.geometry.offset[1] - y
