"""``wafermesh bench repair``: what each repair strategy makes of each place of the spares."""

from __future__ import annotations

import itertools
import json
import os
import platform
import time
from collections.abc import Callable
from typing import Any, Final

import click
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from model.atomic import atomic_open, check_target
from model.defects import CLUSTERS, clustered
from model.graph import LinkGraph
from model.repair import REPAIRS, repair_strategy
from model.repair.figures import repair_figures, six
from model.repair.homes import PLACES, HomePlan
from model.wide.plan import largest_part
from tools.common import (
    SIZE,
    OutputType,
    console,
    emit,
    json_option,
    progress,
    reproduce,
    seed_option,
)
from tools.options import RATES, several

Row = dict[str, Any]

MEANS: Final = ("lost", "homes_dead", "repaired", "displacement_mean", "neighbour_mean",
                "neighbour_adjacent", "milliseconds")  # fmt: skip
LARGEST: Final = ("displacement_max", "neighbour_max", "lost_though_possible")


@click.command()
@several("--size", SIZE, "32x18", "Wafers, physical.")
@several("--rates", RATES, "3/1,12/6", "Dead tiles / dead links, per cent.")
@click.option("--cluster", type=click.Choice(CLUSTERS), default="none", show_default=True)
@click.option("--spares", default="7%", show_default=True, help="A share, or a count of lines.")
@several("--spare-place", click.Choice(PLACES), "columns,rows,spread", "Where they lie.")
@several("--repair", click.Choice(list(REPAIRS)), ",".join(REPAIRS), "Strategies.")
@click.option("--wafers", type=click.IntRange(1, 10**6), default=100, show_default=True)
@seed_option
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@json_option
def command(
    size: tuple[tuple[int, int], ...],
    rates: tuple[tuple[float, float], ...],
    cluster: str,
    spares: str,
    spare_place: tuple[str, ...],
    repair: tuple[str, ...],
    wafers: int,
    seed: int,
    output: str | None,
    as_json: bool,
) -> None:
    """Repair random wafers by every strategy and every place of the spares.

    A core can be used when it works and reaches, and is reached by, all others that can. Means are
    over wafers --seed … --seed + --wafers - 1, maxima over all of them; displacement counts cores
    away from home. Exit code 1 when a core was lost that could have been hosted.
    """
    if output is not None:
        check_target("-o", output)
    for sides, place in itertools.product(size, spare_place):
        HomePlan.build(*sides, spares, place)
    cases = list(itertools.product(size, rates))
    chosen = list(itertools.product(spare_place, repair))
    _measure((16, 16), (0.1, 0.05), cluster, "10%", chosen, range(1))  # loads the compiled code
    columns = (TextColumn("wafers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    seeds = range(seed, seed + wafers)
    with progress(*columns) as bar:
        task = bar.add_task("", total=len(cases) * wafers)
        rows = [
            row
            for sides, rate in cases
            for row in _measure(
                sides, rate, cluster, spares, chosen, seeds, lambda: bar.advance(task)
            )
        ]
    data = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": rows,
        "missed": [
            f"{row['size']} {row['rates']} {row['spare_place']} {row['repair']}:"
            f" {row['lost_though_possible']} cores lost that could be hosted"
            for row in rows
            if row["lost_though_possible"]
        ],
        "reproduce": reproduce(
            "bench", "repair", "--size", ",".join(f"{w}x{h}" for w, h in size),
            "--rates", ",".join(f"{100 * t:g}/{100 * k:g}" for t, k in rates),
            "--cluster", cluster, "--spares", spares, "--spare-place", ",".join(spare_place),
            "--repair", ",".join(repair), "--wafers", wafers, "--seed", seed,
        ),
    }  # fmt: skip
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render(data))
    if data["missed"]:
        raise SystemExit(1)


def _measure(
    size: tuple[int, int],
    rates: tuple[float, float],
    cluster: str,
    spares: str,
    chosen: list[tuple[str, str]],
    seeds: range,
    done: Callable[[], None] = lambda: None,
) -> list[Row]:
    """One row per place of the spares and strategy, over one wafer per seed."""
    tile_rate, link_rate = rates
    every = {"tile_rate": tile_rate, "core_rate": 0.0, "link_rate": link_rate, "pair_rate": 0.0}
    plans = {place: HomePlan.build(*size, spares, place) for place, _ in chosen}
    found: dict[tuple[str, str], list[Row]] = {key: [] for key in chosen}
    for seed in seeds:
        graph = LinkGraph.from_wafer(clustered(*size, every, cluster=cluster, seed=seed))
        routable = largest_part(graph)
        usable = routable & graph.core_ok
        for (place, name), rows in found.items():
            homes = plans[place]
            started = time.perf_counter()
            host = repair_strategy(name)(homes, usable)
            seconds = time.perf_counter() - started
            row = repair_figures(homes, host, graph.core_ok, routable)
            possible = min(len(host), int(usable.sum()))
            row["lost_though_possible"] = possible - row["hosted"]
            rows.append({**row, "milliseconds": 1000 * seconds})
        done()
    about = {"size": f"{size[0]}x{size[1]}", "rates": f"{100 * tile_rate:g}/{100 * link_rate:g}"}
    return [
        {
            **about,
            "spare_place": place,
            "spare_share": rows[0]["spare_share"],
            "repair": name,
            "wafers": len(rows),
            **{key: six(float(np.mean([row[key] for row in rows]))) for key in MEANS},
            **{key: max(row[key] for row in rows) for key in LARGEST},
        }
        for (place, name), rows in found.items()
    ]


def _render(data: dict[str, Any]) -> None:
    cases = itertools.groupby(data["rows"], key=_case)
    for case, rows in cases:
        table = Table(title=f"\n{case}", title_justify="left", box=None, pad_edge=False)
        table.add_column("strategy", min_width=12)
        for name in ("lost", "moved", "displaced", "max", "neighbours", "max", "adjacent", "ms"):
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(
                row["repair"],
                f"{row['lost']:.1f}",
                f"{row['repaired']:.1f}",
                f"{row['displacement_mean']:.2f}",
                str(row["displacement_max"]),
                f"{row['neighbour_mean']:.3f}",
                str(row["neighbour_max"]),
                f"{100 * row['neighbour_adjacent']:.1f} %",
                f"{row['milliseconds']:.{1 if row['milliseconds'] < 100 else 0}f}",
            )
        console.print(table)
    console.print(f"Means over {data['rows'][0]['wafers']} wafers each; {data['machine']}")
    verdict = "; ".join(data["missed"]) or "every core is hosted that can be"
    console.print(f"Verdict: {verdict}\nAgain: {data['reproduce']}", soft_wrap=True)


def _case(row: Row) -> str:
    return (
        f"{row['size']} at {row['rates']} %, {100 * row['spare_share']:.2f} % spares:"
        f" {row['spare_place']}; {row['homes_dead']:.1f} homes dead"
    )
