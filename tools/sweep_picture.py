"""Pictures of a sweep: latency and throughput against offered load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tools.plotting import COLOURS, FAINT, INK, picture
from tools.rows import Row, case_of
from tools.sweep_rows import Point, is_saturated

MARKERS: Final = "os^Dvp"
"""Series are told apart by these, too, so that a print without colours can be read."""

DASHES: Final = (0, (4, 2))

TALLEST: Final = 8
"""The latency axis ends at so many times the latency of the lowest load."""

COLUMN: Final = ("size", "rates")
ROW: Final = ("pattern", "length")
SERIES: Final = ("image", "routing", "effort", "vcs", "depth")
"""What tells columns, rows and lines of a picture apart. Seeds are lines of one look."""

Line = Callable[[Any, list[Row], dict[str, Any]], None]


def draw_latency(rows: Sequence[Row], path: str) -> None:
    """Draw mean and 99th percentile of the total latency against the offered load.

    Parameters
    ----------
    rows : sequence
        Of points and of saturations; a point without a delivered packet is left out.
    path : str
        ``.png`` or ``.svg``.
    """

    def line(axis: Any, curve: list[Row], look: dict[str, Any]) -> None:
        load = [row["offered_load"] for row in curve]
        axis.plot(load, [row["total_latency_mean"] for row in curve], linewidth=1.6, **look)
        tail = [row["total_latency_p99"] for row in curve]
        axis.plot(load, tail, linewidth=0.9, **look | {"linestyle": DASHES, "markersize": 2.5})
        top = TALLEST * curve[0]["total_latency_mean"]
        axis.set_ylim(0, top if axis.get_autoscaley_on() else max(top, axis.get_ylim()[1]))

    _draw(rows, path, line, "total latency, cycles", ("mean", "99th percentile"))


def draw_throughput(rows: Sequence[Row], path: str) -> None:
    """Draw throughput, and offered load x the worst source's share, against the offered load."""

    def line(axis: Any, curve: list[Row], look: dict[str, Any]) -> None:
        load = [row["offered_load"] for row in curve]
        axis.plot([0, *load], [0, *load], color=FAINT, linewidth=0.8, zorder=0)
        axis.plot(load, [row["throughput"] for row in curve], linewidth=1.6, **look)
        worst = [min(1.0, row["fairness_share_least"]) * row["offered_load"] for row in curve]
        axis.plot(load, worst, linewidth=0.9, **look | {"linestyle": DASHES, "markersize": 2.5})

    _draw(rows, path, line, "flits per tile and cycle", ("throughput", "of the worst source"))


def _draw(rows: Sequence[Row], path: str, line: Line, label: str, kinds: tuple[str, str]) -> None:
    points = [row for row in rows if row.get("total_latency_mean") is not None]
    shown = _varying(points)

    def place(row: Row, names: Sequence[str]) -> str:
        return ", ".join(_name(row, name) for name in names if name in shown)

    columns, lines, series = (
        list(dict.fromkeys(place(row, names) for row in points)) or [""]
        for names in (COLUMN, ROW, SERIES)
    )
    size = (1.0 + 3.4 * len(columns), 1.2 + 2.3 * len(lines))
    with picture(path, rows=len(lines), columns=len(columns), size=size) as (figure, axes):
        for curve in _curves(points):
            first = curve[0]
            axis = axes[lines.index(place(first, ROW)), columns.index(place(first, COLUMN))]
            number = series.index(place(first, SERIES))
            look = _look(number) | {"markevery": [not is_saturated(row) for row in curve]}
            line(axis, curve, look)
            for limit in _saturations(rows, first):
                axis.axvline(limit, color=look["color"], linewidth=0.9, linestyle=":", zorder=0)
        for (y, x), axis in np.ndenumerate(axes):
            axis.set_title(", ".join(filter(None, (columns[x], lines[y]))))
            axis.set_xlim(left=0)
            axis.set_ylim(bottom=0)
            axis.grid(axis="y")
        for axis in axes[-1]:
            axis.set_xlabel("offered load, flits per tile and cycle")
        for axis in axes[:, 0]:
            axis.set_ylabel(label)
        _legend(figure, axes[0, 0], series, kinds)


def _varying(points: Sequence[Row]) -> set[str]:
    """Settings that differ somewhere, and those that a picture always names."""
    names = (*COLUMN, *ROW, *SERIES)
    several = {name for name in names if len({_name(row, name) for row in points}) > 1}
    return several | {"size", "pattern"}


def _name(row: Row, name: str) -> str:
    """A setting of a row, as a picture calls it."""
    if name == "size":
        return f"{row['width']} × {row['height']}"
    if name == "image":
        return Path(row["image"]).stem
    if name == "rates":
        if not row["tile_rate"] and not row["link_rate"]:
            return "no defects"
        return f"{100 * row['tile_rate']:g} %/{100 * row['link_rate']:g} % dead"
    texts = {"vcs": "{} VC", "depth": "depth {}", "length": "{} flits"}
    return texts.get(name, "{}").format(row[name])


def _curves(points: Sequence[Row]) -> list[list[Row]]:
    """Points by curve, each by load."""
    found: dict[Point, list[Row]] = {}
    for row in points:
        found.setdefault(case_of(row, Point).curve, []).append(row)
    return [sorted(curve, key=lambda row: row["load"]) for curve in found.values()]


def _saturations(rows: Sequence[Row], point: Row) -> list[float]:
    """Where a curve saturates: where its search says so, in the loads that are offered per tile."""
    curve = case_of(point, Point).curve
    share = 1 - point["silent_sources"] / point["hosted"]
    return [
        row["saturation"] * share
        for row in rows
        if row["kind"] == "saturation" and not row["error"] and case_of(row, Point) == curve
    ]


def _look(number: int) -> dict[str, Any]:
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
    }


def _legend(figure: Any, axis: Any, series: Sequence[str], kinds: tuple[str, str]) -> None:
    for number, name in enumerate(series):
        if name:
            axis.plot([], [], linewidth=1.6, label=name, **_look(number))
    axis.plot([], [], color=INK, linewidth=1.6, label=kinds[0])
    axis.plot([], [], color=INK, linewidth=0.9, linestyle=DASHES, label=kinds[1])
    axis.plot([], [], color=INK, linewidth=0.9, linestyle=":", label="saturation (SAT-1)")
    figure.legend(loc="outside lower center", ncols=int(figure.get_figwidth() / 1.7))
