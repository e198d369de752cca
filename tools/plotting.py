"""The one look of all pictures: size, fonts, colours, and files that appear whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from model.atomic import atomic_path

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
"""Text and lines, secondary text, grid lines."""

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Series, in this order: the colour-blind-safe palette of Okabe and Ito."""

HEAT: Final = ("#d3e2ee", "#7fb8dc", "#0072b2", "#08306b", "#02091c")
"""Heat maps, low to high: one hue that only gets darker, so it reads alike for all eyes."""

ENDINGS: Final = (".png", ".svg")

_STYLE: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so pictures are alike everywhere
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "wafermesh",  # equal pictures are equal files
}


@contextmanager
def picture(
    path: str | Path, *, rows: int = 1, columns: int = 1, size: tuple[float, float] = (8.0, 4.5)
) -> Iterator[tuple[Any, Any]]:
    """Give a figure and its axes; write the file when the block ends without an exception.

    Parameters
    ----------
    path : path
        ``.png`` or ``.svg``.
    rows, columns : int
        Of axes; they come as ``matplotlib``'s ``Figure.subplots`` returns them with
        ``squeeze=False``: axes[row, column].
    size : (float, float)
        Width and height in inches, at 160 dots per inch.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with atomic_path(path) as temporary, matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, dpi=160, layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False)
        metadata = {"Date": None} if temporary.suffix == ".svg" else None
        figure.savefig(temporary, facecolor="white", metadata=metadata)
        if temporary.suffix == ".svg":
            text = temporary.read_text(encoding="utf-8")
            # A hundredth of a point is more than enough, and saves a third.
            shorter = re.sub(r"(?<=\d\.\d\d)\d+", "", text)
            temporary.write_text(shorter, encoding="utf-8")
