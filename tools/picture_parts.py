"""What pictures of an image are made of: tiles, lanes of links, rasters, dots, legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.graph import neighbours
from model.image import ConfigImage
from model.spec import PORT_DX, PORT_DY
from model.wafer import inside
from tools.plotting import COLOURS, FAINT, GRID, HEAT

DETAIL: Final = 64
"""Tiles a side up to which every tile and link is drawn."""
DOTS: Final = 5000
"""Most defects of a large wafer that are drawn as dots."""

BLUE, RED, _, _, AMBER, _ = COLOURS
KINDS: Final = {"home": "#dbe9f3", "spare": "#f4f5f7", "core": "#f3d9a4", "dead": "#4b5563"}
"""Fill of a tile: hosts its own core or any, is an idle spare, has a dead core, is dead."""


@dataclass(frozen=True, eq=False)
class Places:
    """x and y of every tile."""

    x: npt.NDArray[np.intp]
    y: npt.NDArray[np.intp]

    @classmethod
    def of(cls, image: ConfigImage) -> Places:
        y, x = np.divmod(np.arange(image.spec.tiles), image.spec.width)
        return cls(x, y)


def small(image: ConfigImage) -> bool:
    """Whether every tile and link is drawn."""
    return max(image.spec.width, image.spec.height) <= DETAIL


def _kinds(image: ConfigImage) -> npt.NDArray[np.str_]:
    """Key of :data:`KINDS` of every tile."""
    kind = np.where(image.identity >= 0, "home", "spare")
    kind[~image.core_ok] = "core"
    kind[~image.live] = "dead"
    return kind


def tiles(axes: Any, image: ConfigImage, *, plain: bool = False) -> None:
    """Fill every tile by what it is; plain: only what is broken differs. Large wafers get dots."""
    from matplotlib.colors import to_rgb

    fills = {**KINDS, "home": KINDS["spare"]} if plain else KINDS
    kind = _kinds(image).reshape(image.spec.height, image.spec.width)
    colours = np.zeros((*kind.shape, 3))
    for name, fill in fills.items():
        colours[kind == name] = to_rgb(fill)
    axes.imshow(colours, interpolation="nearest", zorder=0)
    if small(image):
        grid = {"color": "white", "linewidth": 0.8, "zorder": 1}
        axes.vlines(np.arange(image.spec.width + 1) - 0.5, -0.5, image.spec.height - 0.5, **grid)
        axes.hlines(np.arange(image.spec.height + 1) - 0.5, -0.5, image.spec.width - 0.5, **grid)
    else:
        _dots(axes, image)


def _dots(axes: Any, image: ConfigImage) -> None:
    """Few defects on a large wafer: a dot each, larger than the tile."""
    place = Places.of(image)
    broken = {AMBER: image.live & ~image.core_ok, KINDS["dead"]: ~image.live}
    for colour, which in broken.items():
        where = np.flatnonzero(which)
        if 0 < len(where) <= DOTS:
            axes.scatter(
                place.x[where], place.y[where], s=_dot(len(where)), color=colour, lw=0.3,
                edgecolors="white", zorder=5,
            )  # fmt: skip


def _dot(count: int) -> float:
    """Area of a dot among so many, in square points."""
    return 14.0 if count < 500 else 4.0


def dead_links(image: ConfigImage) -> npt.NDArray[np.bool_]:
    """bool[tiles, 4]: the link is dead although both its tiles live."""
    near = neighbours(image.spec.width, image.spec.height)
    both = inside(image.spec.width, image.spec.height) & image.live[:, None] & image.live[near]
    return np.asarray(both & ~image.out_ok)


def _segments(image: ConfigImage, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """float[links, 2, 2]: a line beside the middle of each link, on the right in its direction."""
    place = Places.of(image)
    tile, port = np.nonzero(used)
    dx, dy = np.array(PORT_DX)[port], np.array(PORT_DY)[port]
    x, y = place.x[tile] - 0.14 * dy, place.y[tile] + 0.14 * dx  # y grows south
    ends = [np.stack([x + part * dx, y + part * dy], axis=1) for part in (0.16, 0.84)]
    return np.stack(ends, axis=1)


def lanes(figure: Any, axes: Any, image: ConfigImage, loads: Any, label: str) -> None:
    """Every live link as a lane, coloured and as wide as its load."""
    from matplotlib.collections import LineCollection

    values = loads[image.out_ok]
    order = np.argsort(values)
    top = max(values.max(initial=0), 1e-9)
    drawn = LineCollection(
        list(_segments(image, image.out_ok)[order]),
        array=values[order],
        cmap=_heat(),
        linewidths=_points(axes, image) * (0.05 + 0.15 * values[order] / top),
        capstyle="butt",
        zorder=3,
    )
    drawn.set_clim(0, top)
    axes.add_collection(drawn)
    _scale(figure, axes, drawn, label)
    broken_links(axes, image, dead_links(image))


def broken_links(axes: Any, image: ConfigImage, gone: npt.NDArray[np.bool_]) -> None:
    """Dead links in red: lanes on small wafers, dots on large ones."""
    from matplotlib.collections import LineCollection

    if small(image):
        width = 0.09 * _points(axes, image)
        axes.add_collection(
            LineCollection(list(_segments(image, gone)), colors=RED, linewidths=width, zorder=4)
        )
    elif 0 < gone.sum() <= DOTS:
        x, y = _segments(image, gone).mean(axis=1).T
        axes.scatter(x, y, s=0.5 * _dot(int(gone.sum())), color=RED, lw=0, zorder=5)


def raster(figure: Any, axes: Any, image: ConfigImage, field: Any, label: str) -> None:
    """A value per tile over :func:`tiles`, which show where there is none.

    The scale ends where it holds 99.9 % of a large wafer's tiles: single peaks would hide the rest.
    """
    tiles(axes, image, plain=True)
    grid = np.ma.masked_invalid(field.reshape(image.spec.height, image.spec.width))
    there = grid.compressed()
    top = there.max(initial=0) if small(image) else np.percentile(there, 99.9)
    drawn = axes.imshow(
        grid, cmap=_heat(), interpolation="nearest", vmin=0, vmax=max(top, 1e-9), zorder=0.5
    )
    _scale(figure, axes, drawn, label, beyond=bool(top < there.max(initial=0)))


def _heat() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("heat", HEAT)


def _scale(figure: Any, axes: Any, drawn: Any, label: str, beyond: bool = False) -> None:
    place = axes.inset_axes((1.015, 0, 0.018, 1))
    bar = figure.colorbar(drawn, cax=place, extend="max" if beyond else "neither")
    bar.set_label(label)
    bar.outline.set_visible(False)


def _points(axes: Any, image: ConfigImage) -> float:
    """Size of a tile in points."""
    inches = axes.figure.get_size_inches()
    return float(72 * min(0.8 * inches[0] / image.spec.width, 0.8 * inches[1] / image.spec.height))


def font(axes: Any, image: ConfigImage) -> float:
    """Size of a number that fits a tile, in points."""
    return min(9.0, 0.5 * _points(axes, image))


def legend(
    figure: Any,
    image: ConfigImage,
    *,
    plain: bool = False,
    links: bool | None = None,
    arrows: bool = False,
    note: str = "",
) -> None:
    """Under the axes: what the fills mean that occur, dead links, arrows, a note."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    texts = {"home": "hosts a core", "spare": "idle", "core": "dead core", "dead": "dead tile"}
    present = set(_kinds(image).tolist()) - ({"home", "spare"} if plain else set())
    signs: list[Any] = [
        Patch(facecolor=fill, edgecolor=GRID, label=texts[name])
        for name, fill in KINDS.items()
        if name in present
    ]
    if links if links is not None else dead_links(image).any():
        signs.append(Line2D([], [], color=RED, linewidth=2, label="dead link"))
    if arrows:
        signs.append(Line2D([], [], color=BLUE, marker=">", label="home to host"))
    if note:
        signs.append(Line2D([], [], color=FAINT, marker=">", label=note))
    if signs:
        figure.legend(handles=signs, loc="outside lower left", ncols=len(signs), fontsize=8.5)
