"""``wafermesh bench defects``: how long each kind of defects takes to draw."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from typing import Any, Final

import click
from rich.table import Table

from model.atomic import atomic_open, check_target
from model.defects import parse_model, sample
from tools.common import SIZE, OutputType, again, console, emit, json_option, seed_option
from tools.defect_options import EXAMPLES
from tools.defects import summary

GOAL: Final = 1.0
"""Most seconds a wafer of the chip's size may take."""


@click.command()
@click.option("--size", type=SIZE, default="762x1172", show_default=True, help="Wafer.")
@click.option("--wafers", type=click.IntRange(1, 10**4), default=5, show_default=True)
@seed_option
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@json_option
def command(
    size: tuple[int, int], wafers: int, seed: int, output: str | None, as_json: bool
) -> None:
    """Draw wafers of every kind; exit code 1 when one takes more than a second.

    Seconds are of one processor, medians over wafers --seed … --seed + --wafers - 1; counts of
    defects are means.
    """
    if output is not None:
        check_target("-o", output)
    rows = [
        {"name": name, "model": text, **_measure(text, size, range(seed, seed + wafers))}
        for name, text in EXAMPLES.items()
    ]
    data = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": rows,
        "missed": [
            f"{row['name']} takes {row['seconds']:.2f} s, not {GOAL:g}"
            for row in rows
            if row["seconds"] > GOAL
        ],
        "reproduce": again().replace("wafermesh ", "wafermesh bench ", 1),
    }
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render(data))
    if data["missed"]:
        raise SystemExit(1)


def _measure(text: str, size: tuple[int, int], seeds: range) -> dict[str, Any]:
    model = parse_model(text)
    sample(model, 8, 8, 1)  # loads what is loaded once
    seconds, counts = [], []
    for seed in seeds:
        begin = time.process_time()
        wafer = sample(model, *size, seed)
        seconds.append(time.process_time() - begin)
        counts.append(summary(wafer))
    means = {
        name: statistics.fmean(count[name] for count in counts)
        for name in ("tile_defects", "core_defects", "dead_links")
    }
    return {"seconds": statistics.median(seconds), **means}


def _render(data: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("kind", "seconds", "dead tiles", "dead cores", "dead links"):
        table.add_column(head, justify="left" if head == "kind" else "right", no_wrap=True)
    for row in data["rows"]:
        means = [f"{row[name]:.1f}" for name in ("tile_defects", "core_defects", "dead_links")]
        table.add_row(row["name"], f"{row['seconds']:.3f}", *means)
    console.print(table)
    click.echo(f"Verdict: {'; '.join(data['missed']) or 'all of it holds'}")
    click.echo(f"Again: {data['reproduce']}")
