"""Pictures of an image: defects, displacement, channel load, route entries.

Up to :data:`DETAIL` tiles a side every tile and link is drawn; larger wafers become rasters, one
value per tile, and few defects are then drawn as dots, so that they can be seen at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from model.image import ConfigImage
from model.proof import walk_pairs
from model.repair.homes import HomePlan
from model.wide.walker import Walker
from tools.picture_parts import (
    BLUE,
    Places,
    broken_links,
    dead_links,
    font,
    lanes,
    legend,
    raster,
    small,
    tiles,
)
from tools.plotting import FAINT, GRID, INK

ALL_PAIRS: Final = 4096
"""Hosts up to which every pair is walked for the load; beyond, :data:`SAMPLE` random ones."""
SAMPLE: Final = 1 << 18

Draw = Callable[[Any, Any, ConfigImage], str]
"""(figure, axes, image) -> title."""


def picture_size(image: ConfigImage) -> tuple[float, float]:
    """Inches that fit the wafer's shape, with room for title, legend and scale."""
    width, height = image.spec.width, image.spec.height
    across = 8.5 * min(1.0, 1.3 * width / height) if height > width else 8.5
    return max(5.0, across), max(3.2, min(9.5, across * 0.82 * height / width + 1.3))


# What can be drawn --------------------------------------------------------------------------------


def defects(figure: Any, axes: Any, image: ConfigImage) -> str:
    """Dead tiles, dead cores, dead links."""
    tiles(axes, image)
    gone = dead_links(image)
    broken_links(axes, image, gone)
    dead, cores = int((~image.live).sum()), int((image.live & ~image.core_ok).sum())
    legend(figure, image, links=bool(gone.any()))
    return f"Defects: {dead} dead tiles, {cores} dead cores, {int(gone.sum())} dead links"


def displacement(figure: Any, axes: Any, image: ConfigImage) -> str:
    """Arrows from home to host; on large wafers the distance, at the host."""
    place, home = Places.of(image), HomePlan.of_image(image).home
    moved = np.flatnonzero((image.remap_tile >= 0) & (image.remap_tile != home))
    start, end = home[moved], image.remap_tile[moved]
    dx, dy = place.x[end] - place.x[start], place.y[end] - place.y[start]
    shift = abs(dx) + abs(dy)
    if small(image):
        tiles(axes, image)
        reach = {"angles": "xy", "scale_units": "xy", "scale": 1, "units": "xy", "width": 0.11}
        head = {"headwidth": 3.4, "headlength": 3.6, "headaxislength": 3.2, "minlength": 0.1}
        axes.quiver(
            place.x[start],
            place.y[start],
            dx,
            dy,
            color=BLUE,
            alpha=0.85,
            zorder=4,
            **reach,
            **head,
        )
        legend(figure, image, links=False, arrows=bool(len(moved)))
    else:
        field = np.full(image.spec.tiles, np.nan)
        hosted = image.remap_tile[image.remap_tile >= 0]
        field[hosted] = 0
        field[end] = shift
        raster(figure, axes, image, field, "distance between home and host")
        legend(figure, image, plain=True, links=False)
    mean = shift.mean() if len(shift) else 0.0
    return (
        f"Displacement: {len(moved)} of {int((image.remap_tile >= 0).sum())} cores away from home,"
        f" mean {mean:.2f}, max {shift.max(initial=0)}"
    )


def load(figure: Any, axes: Any, image: ConfigImage) -> str:
    """Flits per cycle on each link when every core offers one; on large wafers a tile's busiest."""
    if image.logical <= ALL_PAIRS:
        crossed = walk_pairs(image).load
        unit, how = 1 / max(1, int((image.remap_tile >= 0).sum()) - 1), "every pair"
    else:
        walker = Walker(image)
        sample = walker.random_pairs(SAMPLE, seed=1)
        crossed = sample.load
        unit, how = (
            int((image.remap_tile >= 0).sum()) / max(1, sample.pairs),
            f"{sample.pairs} random pairs",
        )
    loads = crossed * unit
    links(figure, axes, image, loads, "flits/cycle on a link, per unit of load")
    used = loads[image.out_ok]
    mean = used.mean() if len(used) else 0.0
    return f"Channel load of {how}: max {loads.max(initial=0):.2f}, mean {mean:.2f}"


def links(figure: Any, axes: Any, image: ConfigImage, loads: Any, label: str) -> None:
    """A value for every link, as float[tiles, 4]; on large wafers a tile's largest."""
    if small(image):
        tiles(axes, image, plain=True)
        lanes(figure, axes, image, loads, label)
        legend(figure, image, plain=True, note="traffic keeps to the right of its link")
    else:
        busiest = np.where(image.live, loads.max(axis=1), np.nan)
        raster(figure, axes, image, busiest, f"{label}, busiest of the tile")
        legend(figure, image, plain=True, links=False)


def entries(figure: Any, axes: Any, image: ConfigImage) -> str:
    """Route table entries in use."""
    count = (image.routes["valid"] != 0).sum(axis=1)
    raster(figure, axes, image, np.where(image.live, count, np.nan), "route entries in use")
    place = Places.of(image)
    if small(image) and image.spec.tiles <= 1024:
        dark = 0.4 * count.max(initial=0)
        for tile in np.flatnonzero(image.live).tolist():
            axes.text(
                place.x[tile], place.y[tile], str(count[tile]), ha="center", va="center",
                fontsize=font(axes, image), color="white" if count[tile] > dark else INK,
            )  # fmt: skip
    legend(figure, image, plain=True, links=False)
    live = count[image.live]
    return (
        f"Route entries of {image.spec.route_entries}: mean {live.mean() if len(live) else 0:.2f},"
        f" max {live.max(initial=0)}"
    )


PICTURES: Final[Mapping[str, Draw]] = {
    "load": load,
    "displacement": displacement,
    "entries": entries,
    "defects": defects,
}


def draw(figure: Any, axes: Any, image: ConfigImage, what: str | Draw) -> None:
    """Draw one of :data:`PICTURES`, or something else, with its title, size and strategies."""
    spec, report = image.spec, image.report
    paint = PICTURES[what] if isinstance(what, str) else what
    title = paint(figure, axes, image)
    names = [report[key] for key in ("routing", "repair", "effort") if key in report]
    about = ", ".join([f"{spec.width}x{spec.height}", f"{spec.vcs} VC", *map(str, names)])
    axes.set_title(f"{title}\n", loc="left", fontweight="bold", fontsize=10.5)
    axes.text(0, 1.012, about, transform=axes.transAxes, color=FAINT, fontsize=8.5, va="bottom")
    axes.set_aspect("equal")
    axes.set_xlim(-0.5, spec.width - 0.5)
    axes.set_ylim(spec.height - 0.5, -0.5)
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    axes.tick_params(length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_major_locator().set_params(integer=True)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(GRID)
