"""One wafer of each kind of defects, for docs: ``python -m tools.defects_picture FILE``."""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Patch

from model.atomic import check_target
from model.defects import parse_model, sample
from model.geometry import SIDE
from model.wafer import WaferMap
from tools.defect_options import EXAMPLES
from tools.picture_parts import AMBER, KINDS, RED
from tools.plotting import FAINT, picture

TILES: Final = 128
SEED: Final = 6


def panel(axes: Any, wafer: WaferMap, title: str, text: str) -> None:
    """One map in mm, with the rim of a 300 mm wafer; dead links are dots."""
    half = SIDE / 2
    shape = (wafer.height, wafer.width)
    colours = ListedColormap([KINDS["spare"], AMBER, KINDS["dead"]])
    axes.imshow(
        wafer.state.reshape(shape), cmap=colours, vmin=0, vmax=2, interpolation="nearest",
        extent=(-half, half, -half, half),
    )  # fmt: skip
    y, x, port = np.nonzero(wafer.dead_link.reshape(*shape, 4))
    dx, dy = np.array([0, 0.5, 0, -0.5])[port], np.array([-0.5, 0, 0.5, 0])[port]
    pitch = SIDE / wafer.width, SIDE / wafer.height
    axes.scatter(
        (x + 0.5 + dx) * pitch[0] - half, half - (y + 0.5 + dy) * pitch[1], s=0.7, color=RED, lw=0
    )
    axes.add_patch(Circle((0, 0), 150, fill=False, edgecolor=FAINT, lw=0.8))
    axes.set_xlim(-153, 153)
    axes.set_ylim(-153, 153)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(title, fontweight="bold", fontsize=9, loc="center", pad=2)
    axes.text(
        0, -152, "\n+".join(text.rsplit("+", 1)), ha="center", va="top", fontsize=5.2, color=FAINT
    )


def main(path: str) -> None:
    """Draw all of :data:`EXAMPLES`."""
    check_target("FILE", path)
    with picture(path, rows=3, columns=3, size=(7.5, 8.9)) as (figure, axes):
        for place, (title, text) in zip(axes.flat, EXAMPLES.items(), strict=True):
            panel(place, sample(parse_model(text), TILES, TILES, SEED), title, text)
        signs: list[Any] = [
            Patch(facecolor=KINDS["dead"], label="dead tile"),
            Patch(facecolor=AMBER, label="dead core"),
            Line2D([], [], color=RED, marker=".", lw=0, label="dead link"),
        ]
        figure.legend(handles=signs, loc="outside lower center", ncols=3, fontsize=8)


if __name__ == "__main__":
    main(sys.argv[1])
