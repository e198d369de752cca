"""``wafermesh bench routing``: how near routing comes to what any routing could carry."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import click

from model.atomic import check_target
from model.compile import CompileOptions
from model.routing import ROUTINGS, Effort
from tools.common import (
    SIZE,
    OutputType,
    emit,
    json_option,
    reproduce,
    seed_option,
)
from tools.options import RATES, several
from tools.plotting import ENDINGS
from tools.routing_rows import Case, code, measure
from tools.routing_summary import draw, missed, render, summaries
from tools.rows import load_rows, measure_all, workers


@click.command()
@several("--size", SIZE, "8x8,16x16", "Wafers.")
@several("--rates", RATES, "0/0,3/1,12/6", "Dead tiles / dead links, per cent.")
@several("--vcs", click.Choice([1, 2, 4]), "1,2,4", "Virtual channels.")
@several("--routing", click.Choice(list(ROUTINGS)), CompileOptions().routing, "Strategies.")
@click.option("--effort", type=click.Choice(get_args(Effort)), default="best", show_default=True)
@click.option("--wafers", type=click.IntRange(1, 10**6), default=100, show_default=True)
@seed_option
@click.option("--static", is_flag=True, help="Leave the simulation out: the busiest link only.")
@click.option(
    "--cycles",
    type=click.IntRange(100, 10**7),
    default=20_000,
    show_default=True,
    help="Measured cycles of a deciding run; figures need 20,000.",
)
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True)
@click.option("-o", "output", type=OutputType(".parquet"), help="Rows; an interrupted run goes on.")
@click.option("--plot", type=OutputType(*ENDINGS), help="Picture of all shares.")
@json_option
def command(
    size: tuple[tuple[int, int], ...],
    rates: tuple[tuple[float, float], ...],
    vcs: tuple[int, ...],
    routing: tuple[str, ...],
    effort: Effort,
    wafers: int,
    seed: int,
    static: bool,
    cycles: int,
    jobs: int,
    output: str | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Measure routing over random wafers: capacity, share of it, stretch, table entries.

    Shares are of a proven upper bound on what any routing carries. Saturation is the largest load
    that every source gets through. Each wafer is a row; wafers --seed … --seed + --wafers - 1 are
    taken, defects and traffic of one seed. A wafer that cannot be compiled counts with share 0.
    With -o rows are kept as they come; the same command goes on where it was stopped. Exit code 1
    when a figure misses what must hold of the default routing at effort best.
    """
    for option, path in (("-o", output), ("--plot", plot)):
        if path is not None:
            check_target(option, path)
    cases = [
        Case(
            width=sides[0], height=sides[1], tile_rate=rate[0], link_rate=rate[1], vcs=count,
            routing=name, effort=effort, seed=number, cycles=0 if static else cycles,
        )
        for number in range(seed, seed + wafers)
        for sides, rate, count, name in itertools.product(size, rates, vcs, routing)
    ]  # fmt: skip
    target = None if output is None else Path(output)
    kept = {} if target is None else load_rows(target, Case, code())
    missing = [case for case in cases if case not in kept]
    jobs = min(jobs, max(1, len(missing)))
    with workers(jobs, _load, _loads(missing)) as pool:
        measure_all(pool, cases, measure, kept, target, jobs=jobs, now=code(), what="wafers")
    rows = [kept[case] for case in cases]
    found = summaries(rows)
    data = {
        "code": code(),
        "cases": found,
        "missed": missed(found),
        "reproduce": reproduce(
            "bench",
            "routing",
            "--size",
            ",".join(f"{width}x{height}" for width, height in size),
            "--rates",
            ",".join(dict.fromkeys(case.rates for case in cases)),
            "--vcs",
            ",".join(map(str, vcs)),
            "--routing",
            ",".join(routing),
            "--effort",
            effort,
            "--wafers",
            wafers,
            "--seed",
            seed,
            *(["--static"] if static else ["--cycles", cycles]),
        ),
    }
    if plot is not None:
        draw(rows, found, plot)
    emit(as_json, data, lambda: render(data, output, plot))
    if data["missed"]:
        raise SystemExit(1)


def _loads(cases: Iterable[Case]) -> list[Case]:
    """Small cases that load all code the given ones need, so that times are of work alone."""
    kinds = {(case.vcs, case.routing, case.effort, bool(case.cycles)) for case in cases}
    return [
        Case(
            width=10, height=10, tile_rate=0.05, link_rate=0.02, vcs=vcs, routing=routing,
            effort=effort, seed=1, cycles=100 if simulated else 0,
        )
        for vcs, routing, effort, simulated in sorted(kinds)
    ]  # fmt: skip


def _load(cases: list[Case]) -> None:
    for case in cases:
        measure(case)
