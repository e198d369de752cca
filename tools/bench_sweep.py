"""``wafermesh bench sweep``: latency and throughput over loads, patterns, routings and maps."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
from click.core import ParameterSource

from model.atomic import check_target
from model.compile import CompileOptions
from model.errors import InputError
from model.measure import MEASURED, WARM_UP
from model.routing import ROUTINGS, Effort
from tools.common import (
    SIZE,
    OutputType,
    RateType,
    emit,
    json_option,
    reproduce,
    seed_option,
)
from tools.options import RATES, WarmUpType, several
from tools.plotting import ENDINGS
from tools.rows import Row, load_rows, measure_all, workers
from tools.sweep_picture import draw_latency, draw_throughput
from tools.sweep_report import render
from tools.sweep_rows import (
    AUTO,
    Map,
    Point,
    code,
    ended,
    map_of,
    measure,
    prepare,
    use_images,
)

Loads = str | tuple[float, ...]


class LoadsType(click.ParamType[Loads]):
    """``0.05,0.1``, ``FIRST:LAST:COUNT``, ``auto`` or ``saturation``."""

    name = "loads"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Loads:
        """Parse; loads from 0 (not included) to 1024, ascending."""
        text = str(value)
        if text in ("auto", "saturation"):
            return text
        match = re.fullmatch(r"([^:,]+):([^:,]+):(\d{1,4})", text)
        number = RateType(0, 1024)
        if match:
            first, last = (number.convert(match[side], param, ctx) for side in (1, 2))
            loads = np.linspace(first, last, int(match[3])).round(9).tolist()
        else:
            loads = [number.convert(part.strip(), param, ctx) for part in text.split(",")]
        if not loads or min(loads) <= 0:
            raise InputError(
                f"--load is {text!r}; allowed: A,B,…, FIRST:LAST:COUNT, auto or saturation, loads"
                " above 0"
            )
        return tuple(sorted(set(loads)))


COMPILED = ("size", "rates", "vcs", "routing", "depth", "effort")
"""Options that an image answers."""

CYCLES = click.IntRange(100, 10**8)


@click.command()
@click.option(
    "--load",
    "loads",
    type=LoadsType(),
    default="auto",
    show_default=True,
    help="A,B,… or FIRST:LAST:COUNT; auto: up to beyond saturation; saturation: only find it.",
)
@several("--pattern", click.STRING, "uniform", "As `wafermesh traffic patterns` lists them.")
@several("--size", SIZE, "8x8", "Wafers.")
@several("--rates", RATES, "0/0", "Dead tiles / dead links, per cent.")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="FILE",
    help="Compiled image instead of sizes, rates, VCs, routings; several times for several.",
)
@several("--vcs", click.Choice([1, 2, 4]), "1", "Virtual channels.")
@several("--routing", click.Choice(list(ROUTINGS)), CompileOptions().routing, "Strategies.")
@several("--length", click.STRING, "1", "Flits per packet: N, LOW-HIGH.")
@several("--depth", click.IntRange(2, 64), "4", "Flits of a buffer.")
@click.option("--effort", type=click.Choice(get_args(Effort)), default="best", show_default=True)
@click.option("--seeds", type=click.IntRange(1, 10**6), default=1, show_default=True)
@seed_option
@click.option(
    "--warm-up",
    type=WarmUpType(),
    default=WARM_UP,
    show_default=True,
    help="Cycles; auto: as many as it takes.",
)
@click.option("--cycles", type=CYCLES, default=MEASURED, show_default=True, help="Measured.")
@click.option("--drain", type=click.IntRange(0, 10**8), help="At most.  [default: --cycles]")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True)
@click.option("-o", "output", type=OutputType(".parquet"), help="Rows; an interrupted run goes on.")
@click.option("--plot", type=OutputType(*ENDINGS), help="Picture: latency against load.")
@click.option("--plot-throughput", type=OutputType(*ENDINGS), help="Throughput against load.")
@json_option
def command(
    loads: Loads,
    seeds: int,
    seed: int,
    jobs: int,
    output: str | None,
    plot: str | None,
    plot_throughput: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure latency and throughput over loads, patterns, routings and maps.

    Each point is a run that warms up, is measured and drains (docs/measurements.md), and a row with
    all its figures. A curve ends after two saturated points. A seed is that of defects and traffic.
    What cannot be run is a row with its error. With -o rows are kept as they come; the same command
    goes on where it was stopped.
    """
    for option, path in (("-o", output), ("--plot", plot), ("--plot-throughput", plot_throughput)):
        if path is not None:
            check_target(option, path)
    target = None if output is None else Path(output)
    kept = {} if target is None else load_rows(target, Point, code())
    curves = _curves(range(seed, seed + seeds), given)
    points = _run(curves, loads, kept, target, jobs)
    columns = dict.fromkeys(name for point in points for name in kept[point])
    rows = [{name: kept[point].get(name) for name in columns} for point in points]
    if plot is not None:
        draw_latency(rows, plot)
    if plot_throughput is not None:
        draw_throughput(rows, plot_throughput)
    again = _again(loads, seed, seeds, given)
    data = {"code": code(), "rows": rows, "reproduce": again}
    emit(as_json, data, lambda: render(rows, again))
    if any(row["error"] for row in rows):
        raise SystemExit(1)


def _again(loads: Loads, seed: int, seeds: int, given: dict[str, Any]) -> str:
    def joined(values: Iterable[object]) -> str:
        return ",".join(map(str, values))

    words: list[object] = ["--load", loads if isinstance(loads, str) else joined(loads)]
    for path in given["images"]:
        words += ["--image", path]
    if not given["images"]:
        words += ["--size", joined(f"{width}x{height}" for width, height in given["size"])]
        rates = (f"{100 * tiles:g}/{100 * links:g}" for tiles, links in given["rates"])
        words += ["--rates", joined(rates), "--effort", given["effort"]]
        for name in ("vcs", "routing", "depth"):
            words += [f"--{name}", joined(given[name])]
    for name in ("pattern", "length"):
        words += [f"--{name}", joined(given[name])]
    words += ["--seed", seed, "--seeds", seeds]
    warm_up = given["warm_up"]
    words += ["--warm-up", "auto" if warm_up is None else warm_up, "--cycles", given["cycles"]]
    words += [] if given["drain"] is None else ["--drain", given["drain"]]
    return reproduce("bench", "sweep", *words)


def _maps(seed: int, given: dict[str, Any]) -> list[Map]:
    if given["images"]:
        source = click.get_current_context().get_parameter_source
        for name in COMPILED:
            if source(name) is ParameterSource.COMMANDLINE:
                raise InputError(f"--{name} is given with --image; allowed: one of them")
        return [map_of(path) for path in given["images"]]
    return [
        Map(
            width=width, height=height, tile_rate=tiles, link_rate=links,
            map_seed=seed if tiles or links else 0, vcs=vcs, depth=depth, routing=routing,
            effort=given["effort"],
        )
        for (width, height), (tiles, links), routing, vcs, depth in itertools.product(
            *(given[name] for name in ("size", "rates", "routing", "vcs", "depth"))
        )
    ]  # fmt: skip


def _curves(seeds: range, given: dict[str, Any]) -> list[Point]:
    """The saturations of all curves."""
    drain = given["cycles"] if given["drain"] is None else given["drain"]
    return [
        Point(
            **asdict(what), pattern=pattern, length=length, load=0.0, seed=seed,
            warm_up=given["warm_up"], cycles=given["cycles"], drain=drain, kind="saturation",
        )
        for seed in seeds
        for what in _maps(seed, given)
        for pattern, length in itertools.product(given["pattern"], given["length"])
    ]  # fmt: skip


def _run(
    curves: list[Point], loads: Loads, kept: dict[Point, Row], target: Path | None, jobs: int
) -> list[Point]:
    """Measure what is not kept; the points whose rows make the result, in order."""
    points: dict[Point, list[Point]] = {}
    with tempfile.TemporaryDirectory() as folder, workers(jobs, use_images, Path(folder)) as pool:

        def make(cases: Sequence[Point], what: str) -> None:
            maps = dict.fromkeys(case.map for case in cases if case not in kept)
            list(pool.map(prepare, maps))
            measure_all(
                pool, cases, measure, kept, target, jobs=jobs, now=code(), what=what,
                needless=lambda case: ended(kept, case, points.get(case.curve, [])),
            )  # fmt: skip

        def loads_of(curve: Point) -> Sequence[float]:
            return _automatic(kept[curve], loads) if isinstance(loads, str) else loads

        if isinstance(loads, str):
            make(curves, "saturations")
        for curve in curves:
            points[curve] = [replace(curve, load=load, kind="point") for load in loads_of(curve)]
        make(_by_map(points), "points")
    found: list[Point] = []
    for curve, mine in points.items():
        found += [curve] if isinstance(loads, str) else []
        found += [point for point in mine if not ended(kept, point, mine)]
    return found


def _automatic(row: Row, loads: str) -> list[float]:
    """The loads of an automatic curve; a source cannot send more than a flit per cycle."""
    if row["error"] or loads == "saturation":
        return []
    found = [round(share * row["saturation"], 6) for share in AUTO]
    return [load for load in found if 0 < load <= 1]


def _by_map(points: dict[Point, list[Point]]) -> list[Point]:
    """All points, those of one map together, by load: what saturates is known when it matters."""
    maps = {curve.map: number for number, curve in reversed([*enumerate(points)])}
    every = [point for mine in points.values() for point in mine]
    return sorted(every, key=lambda point: (maps[point.map], point.load))
