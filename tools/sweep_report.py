"""Tables of a sweep, one for each curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tools.common import console
from tools.rows import Row, case_of
from tools.sweep_rows import Point

COLUMNS: Final = ("load", "through", "latency", "p99", "p99.9", "queued", "waited", "worst", "")
"""Loads and throughput in flits per tile and cycle; cycles of the total latency, and the mean parts
that are source queueing and contention; the worst source's share of what it was offered."""


def render(every: Sequence[Row], again: str) -> None:
    """Print a table for each curve, and the command that makes them again."""
    curves: dict[Point, list[Row]] = {}
    for row in every:
        curves.setdefault(case_of(row, Point).curve, []).append(row)
    for curve, rows in curves.items():
        console.print(_title(curve, rows), soft_wrap=True)
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for column in COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for row in rows:
            if row["error"]:
                console.print(f"  load {row['load']:g}: {row['error']}", soft_wrap=True)
            elif row["kind"] == "point":
                table.add_row(*_cells(row))
        if table.row_count:
            console.print(table)
    console.print(f"Again: {again}", soft_wrap=True)


def _title(curve: Point, rows: list[Row]) -> str:
    kind = curve.image or f"{100 * curve.tile_rate:g}/{100 * curve.link_rate:g} %"
    name = f"{curve.width}x{curve.height} {kind}, {curve.vcs} VC, {curve.routing}, depth"
    name += f" {curve.depth}, {curve.pattern}, length {curve.length}, seed {curve.seed}"
    first = rows[0]
    if first["kind"] == "saturation":
        return name if first["error"] else f"{name}: saturates at {first['saturation']:.4f}"
    return name


def _cells(row: Row) -> list[str]:
    def cycles(value: float | None) -> str:
        return "" if value is None else f"{value:.3g}" if value < 999 else f"{value:.0f}"

    mean, half_width = row["total_latency_mean"], row["total_latency_half_width"]
    flags = [
        name
        for name, is_so in (
            ("saturated", row["saturated"]),
            ("drifts", row["steadiness_drifts"] and not row["saturated"]),
        )
        if is_so
    ]
    return [
        f"{row['load']:.4f}",
        f"{row['throughput']:.4f}",
        cycles(mean) + ("" if half_width is None else f" ± {cycles(half_width)}"),
        *(cycles(row[f"total_latency_{name}"]) for name in ("p99", "p99_9")),
        *(cycles(row[f"split_{name}"]) for name in ("queueing", "contention")),
        cycles(row["fairness_share_least"]),
        ", ".join(flags),
    ]
