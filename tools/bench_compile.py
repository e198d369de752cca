"""``wafermesh bench compile``: time and memory of the compiler, by size, defect rate and effort."""

from __future__ import annotations

import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, get_args

import click
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from model.atomic import atomic_open, check_target
from model.compile import CompileOptions
from model.routing import ROUTINGS, Effort
from tools.common import (
    SIZE,
    OutputType,
    console,
    emit,
    json_option,
    progress_console,
    reproduce,
    seed_option,
)
from tools.options import RATES, several
from tools.plotting import COLOURS, ENDINGS, INK, picture

Point = dict[str, Any]

MUST_HOLD: Final = {
    ("32x18", "12/6", "fast"): (0.05, None),
    ("32x32", "12/6", "best"): (10.0, None),
    ("32x32", "12/6", "fast"): (0.2, None),
    ("64x64", "3/1", "fast"): (20.0, None),
    ("64x64", "3/1", "best"): (20.0, None),
    ("762x1172", "0.005/0.005", "fast"): (60.0, 4.0),
    ("762x1172", "1/1", "fast"): (600.0, 8.0),
}
"""Seconds and GiB at most, by size, rates in per cent, and effort."""

FEWEST_TILES: Final = 256
"""Growth is fitted from this size on: below, fixed costs rule."""


@click.command()
@several("--size", SIZE, "8x8,16x16,32x18,32x32,64x64", "Wafers.")
@several("--rates", RATES, "0/0,3/1,12/6", "Dead tiles / dead links, per cent.")
@several("--effort", click.Choice(get_args(Effort)), "fast,best", "Efforts.")
@click.option("--vcs", type=click.Choice([1, 2, 4]), default=1, show_default=True)
@click.option(
    "--routing",
    type=click.Choice(list(ROUTINGS)),
    default=CompileOptions().routing,
    show_default=True,
)
@click.option(
    "--wafers",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="Wafers a point, --seed and up; a point's time is their median.",
)
@seed_option
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@click.option("--plot", type=OutputType(*ENDINGS), help="Picture of time and memory over size.")
@json_option
def command(
    size: tuple[tuple[int, int], ...],
    rates: tuple[tuple[float, float], ...],
    effort: tuple[Effort, ...],
    vcs: int,
    routing: str,
    wafers: int,
    seed: int,
    output: str | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Measure the compiler, one point after the other, each in a process of its own.

    Time is from a wafer map in memory to a proven image, once loaded: a small wafer was compiled
    before. Memory is the peak of the whole process, Python and its libraries included. Growth is
    the power of the number of tiles that fits the times best. Exit code 1 when a figure misses
    what must hold.
    """
    for option, path in (("-o", output), ("--plot", plot)):
        if path is not None:
            check_target(option, path)
    points = list(_points(size, rates, effort, vcs, routing, wafers, seed))
    growth = _growth(points)
    data = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "vcs": vcs,
        "routing": routing,
        "points": points,
        "growth": growth,
        "missed": _missed(points),
        "reproduce": reproduce(
            "bench", "compile",
            "--size", ",".join(f"{width}x{height}" for width, height in size),
            "--rates", ",".join(dict.fromkeys(point["rates"] for point in points)),
            "--effort", ",".join(effort), "--vcs", vcs, "--routing", routing,
            "--wafers", wafers, "--seed", seed,
        ),
    }  # fmt: skip
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    if plot is not None:
        _draw(points, growth, plot)
    emit(as_json, data, lambda: _render(data, output, plot))
    if data["missed"]:
        raise SystemExit(1)


def _points(
    sizes: tuple[tuple[int, int], ...],
    rates: tuple[tuple[float, float], ...],
    efforts: tuple[Effort, ...],
    vcs: int,
    routing: str,
    wafers: int,
    seed: int,
) -> Iterator[Point]:
    """Measure every combination, small wafers first."""
    sizes = tuple(sorted(sizes, key=lambda sides: sides[0] * sides[1]))
    with progress_console.status("") as status:
        for (width, height), (tile, link), effort in itertools.product(sizes, rates, efforts):
            name = {"size": f"{width}x{height}", "rates": f"{100 * tile:g}/{100 * link:g}"}
            status.update(f"{name['size']} at {name['rates']} %, {effort}")
            map_of = {"width": width, "height": height, "tile_rate": tile, "link_rate": link}
            seeds = list(range(seed, seed + wafers))
            with get_context("spawn").Pool(1) as pool:
                found = pool.apply(_measure, (map_of, seeds, vcs, routing, effort))
            yield {**name, "tiles": width * height, "effort": effort, **found}


def _measure(
    map_of: dict[str, Any], seeds: list[int], vcs: int, routing: str, effort: Effort
) -> Any:
    """Compile some wafers in this fresh process."""
    from model.compile import compile_wafer
    from model.defects import bernoulli

    options = CompileOptions(routing=routing, effort=effort)
    started = time.perf_counter()
    compile_wafer(bernoulli(10, 10, tile_rate=0.05, link_rate=0.02, seed=1), options, vcs=vcs)
    loading = time.perf_counter() - started
    before = _memory("VmRSS")
    seconds = []
    for seed in seeds:
        wafer = bernoulli(**map_of, seed=seed)
        started = time.perf_counter()
        compile_wafer(wafer, options, vcs=vcs)
        seconds.append(time.perf_counter() - started)
    return {
        "loading_seconds": round(loading, 3),
        "seconds": round(statistics.median(seconds), 4),
        "seconds_most": round(max(seconds), 4),
        "loaded_gib": before,
        "peak_gib": _memory("VmHWM"),
    }


def _memory(field: str) -> float:
    """GiB of this process; unlike ``ru_maxrss`` it has nothing of the parent's before ``exec``."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return round(int(line.split()[1]) / 2**20, 3)
    raise AssertionError(f"the kernel does not tell {field}")


def _growth(points: list[Point]) -> list[dict[str, Any]]:
    """Least-squares power of the tiles, for each series of three sizes or more."""
    found = []
    for rates, effort in dict.fromkeys((point["rates"], point["effort"]) for point in points):
        series = _series(points, rates, effort)
        fitted = [point for point in series if point["tiles"] >= FEWEST_TILES]
        if len(fitted) >= 3:
            tiles = np.log([point["tiles"] for point in fitted])
            power = np.polyfit(tiles, np.log([point["seconds"] for point in fitted]), 1)[0]
            found.append({"rates": rates, "effort": effort, "power": round(float(power), 2)})
    return found


def _series(points: list[Point], rates: str, effort: str) -> list[Point]:
    return [point for point in points if (point["rates"], point["effort"]) == (rates, effort)]


def _missed(points: list[Point]) -> list[str]:
    """What must hold and does not, one line each."""
    missed = []
    for point in points:
        limit = MUST_HOLD.get((point["size"], point["rates"], point["effort"]))
        if limit is None:
            continue
        name = f"{point['size']} at {point['rates']} %, {point['effort']}"
        if point["seconds"] > limit[0]:
            missed.append(f"{name}: {point['seconds']} s, not {limit[0]:g}")
        if limit[1] is not None and point["peak_gib"] > limit[1]:
            missed.append(f"{name}: {point['peak_gib']} GiB, not {limit[1]:g}")
    return missed


def _render(data: dict[str, Any], output: str | None, plot: str | None) -> None:
    title = f"Compiling, {data['routing']}, {data['vcs']} VC"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in ("wafer", "effort", "median s", "most s", "peak GiB", "must hold"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in data["points"]:
        limit = MUST_HOLD.get((point["size"], point["rates"], point["effort"]))
        told = ""
        if limit is not None:
            told = f"≤ {limit[0]:g} s" + (f", {limit[1]:g} GiB" if limit[1] else "")
        table.add_row(
            f"{point['size']} {point['rates']} %",
            point["effort"],
            f"{point['seconds']:.3f}",
            f"{point['seconds_most']:.3f}",
            f"{point['peak_gib']:.2f}",
            told,
        )
    console.print(table)
    for one in data["growth"]:
        what = f"{one['rates']} %, {one['effort']}"
        console.print(f"Time at {what} grows with the tiles to the power of {one['power']}")
    console.print(f"Machine: {data['machine']}")
    console.print(f"Verdict: {'; '.join(data['missed']) or 'all of it holds'}", soft_wrap=True)
    for what, path in (("Figures", output), ("Picture", plot)):
        if path is not None:
            console.print(f"{what}: {path}", soft_wrap=True)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)


def _draw(points: list[Point], growth: list[dict[str, Any]], path: str) -> None:
    """Draw time and memory over the number of tiles, both axes logarithmic."""
    powers = {(one["rates"], one["effort"]): one["power"] for one in growth}
    rates = list(dict.fromkeys(point["rates"] for point in points))
    with picture(path, columns=2, size=(10.0, 4.2)) as (figure, axes):
        for key in dict.fromkeys((point["rates"], point["effort"]) for point in points):
            series = _series(points, *key)
            look = {
                "color": COLOURS[rates.index(key[0]) % len(COLOURS)],
                "linestyle": "-" if key[1] == "best" else "--",
                "marker": "o",
                "markersize": 4,
            }
            tiles = [point["tiles"] for point in series]
            label = f"{key[0]} %, {key[1]}"
            label += f": tiles^{powers[key]}" if key in powers else ""
            axes[0, 0].plot(tiles, [point["seconds"] for point in series], label=label, **look)
            axes[0, 1].plot(tiles, [point["peak_gib"] for point in series], **look)
        for axis, title in zip(axes[0], ("seconds, once loaded", "peak GiB"), strict=True):
            axis.set(xscale="log", yscale="log", xlabel="tiles", title=title)
            axis.grid(which="major")
        axes[0, 1].set_ylim(0.1, max(1.0, 1.5 * max(point["peak_gib"] for point in points)))
        for point in points:
            limit = MUST_HOLD.get((point["size"], point["rates"], point["effort"]))
            for axis, most in zip(axes[0], limit or (None, None), strict=True):
                if most is not None:
                    axis.plot(point["tiles"], most, "_", color=INK, markersize=14)
        axes[0, 0].plot([], [], "_", color=INK, label="must hold")
        figure.legend(loc="outside right center")
