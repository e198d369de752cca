"""``wafermesh bench wide``: whole wafers: time, memory, paths, loads, and what was walked."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from model.atomic import atomic_open, check_target
from model.presets import PRESETS
from tools.common import OutputType, console, emit, json_option, progress_console, reproduce

Row = dict[str, Any]

_STEPS: Final = ("routes", "repair", "tables", "proof", "walking around defects",
                 "walking random pairs", "report")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Case:
    """One wafer to compile, and what must hold for it."""

    width: int
    height: int
    rate: float
    cluster: str = "none"
    spares: str = "7%"
    spare_place: str = "columns"
    seconds: float | None = None
    gib: float | None = None


def _of_preset(name: str, **changes: Any) -> Case:
    kind = PRESETS[name]
    place = {"spares": kind.spares, "spare_place": kind.spare_place}
    return Case(
        **{"width": kind.width, "height": kind.height, "rate": kind.tile_rate, **place, **changes}
    )


CASES: Final = {
    "wse3": _of_preset("wse3", seconds=60, gib=4),
    "wse3-clustered": _of_preset("wse3", cluster="dies", seconds=60, gib=4),
    "wse3-0.1%": _of_preset("wse3", rate=1e-3),
    "wse3-1%": _of_preset("wse3", rate=0.01, seconds=600, gib=8),
    "wse2": _of_preset("wse2"),
    "wse2-1%": _of_preset("wse2", rate=0.01),
    "dies": _of_preset("dies"),
    "dies-1%": _of_preset("dies", rate=0.01),
    "128-1%": Case(width=128, height=128, rate=0.01),
    "256-1%": Case(width=256, height=256, rate=0.01),
    "512-1%": Case(width=512, height=512, rate=0.01),
}


@click.command()
@click.option(
    "--case",
    "names",
    type=click.Choice(list(CASES)),
    multiple=True,
    default=("wse3", "wse3-clustered", "wse3-1%"),
    show_default=True,
    help="Wafers; the rate is that of dead tiles and that of dead links.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option("--walked", type=click.IntRange(0, 10**9), default=10_000_000, show_default=True)
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@json_option
def command(
    names: tuple[str, ...], seed: int, walked: int, output: str | None, as_json: bool
) -> None:
    """Compile whole wafers, each in a process of its own, one after the other.

    Time is from the map in memory to the image in memory, every walk included, after a small wafer
    was compiled; memory is the peak of the process. Loads are per unit of offered load of every
    core; XY is what the busiest link would carry without defects. Exit code 1 when a figure misses
    what must hold.
    """
    if output is not None:
        check_target("-o", output)
    rows = []
    for name in names:
        with progress_console.status(f"{name}"), get_context("spawn").Pool(1) as pool:
            rows.append({"case": name, **pool.apply(_measure, (CASES[name], seed, walked))})
    data = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": rows,
        "missed": [line for row in rows for line in _missed(row, CASES[row["case"]])],
        "reproduce": reproduce(
            "bench", "wide", *(word for name in names for word in ("--case", name)),
            "--seed", seed, "--walked", walked,
        ),
    }  # fmt: skip
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render(data))
    if data["missed"]:
        raise SystemExit(1)


def _measure(case: Case, seed: int, walked: int) -> Row:
    """Compile one wafer in this fresh process."""
    from model.defects import bernoulli, clustered
    from model.wide.compile import compile_wide

    options: dict[str, Any] = {"spares": case.spares, "spare_place": case.spare_place}
    compile_wide(bernoulli(24, 21, tile_rate=0.02, link_rate=0.02, seed=1), walked=1000)
    rates = {"tile_rate": case.rate, "link_rate": case.rate, "core_rate": 0.0, "pair_rate": 0.0}
    wafer = clustered(case.width, case.height, rates, cluster=case.cluster, seed=seed)
    starts: dict[str, float] = {}
    peaks: dict[str, float] = {}

    def tell(what: str, done: int, total: int) -> None:
        starts.setdefault(what, time.perf_counter())
        peaks[what] = _peak()

    started = time.perf_counter()
    report = compile_wide(wafer, walked=walked, progress=tell, **options).report
    ended = time.perf_counter()
    marks = [*sorted(starts.values()), ended]
    seconds = {
        step: round(marks[marks.index(starts[step]) + 1] - starts[step], 2)
        for step in _STEPS
        if step in starts
    }
    return {
        "size": f"{case.width}x{case.height}",
        "rate": case.rate,
        "cluster": case.cluster,
        "seconds": round(ended - started, 2),
        "steps": seconds,
        "peak_gib": _peak(),
        "peak_by_step": peaks,
        "xy_max_channel_load": _xy_load(case.width, case.height),
        "report": report,
    }


def _peak() -> float:
    """GiB at most that this process held so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)


def _xy_load(width: int, height: int) -> float:
    """Load of the busiest link under XY without defects: uniform traffic across the middle."""
    side = max(width, height)
    crossing = (side // 2) * (side - side // 2) * min(width, height)
    return round(crossing / max(1, width * height - 1), 2)


def _missed(row: Row, case: Case) -> list[str]:
    """What must hold and does not, one line each."""
    missed = []
    if case.seconds is not None and row["seconds"] > case.seconds:
        missed.append(f"{row['case']} takes {row['seconds']} s, not {case.seconds:g}")
    if case.gib is not None and row["peak_gib"] > case.gib:
        missed.append(f"{row['case']} takes {row['peak_gib']} GiB, not {case.gib:g}")
    report = row["report"]
    if report["reachable_pairs"] < 1.0 or report["given_up"]:
        missed.append(f"{row['case']} does not serve {report['given_up']} tiles")
    return missed


def _render(data: dict[str, Any]) -> None:
    table = Table(box=SIMPLE_HEAD, title="Whole wafers")
    for name in ("case", "s", "GiB", "given up", "stretch", "load (XY)", "entries"):
        table.add_column(name, justify="left" if name == "case" else "right", no_wrap=True)
    for row in data["rows"]:
        r = row["report"]
        table.add_row(
            row["case"],
            f"{row['seconds']:.1f}",
            f"{row['peak_gib']:.2f}",
            str(r["given_up"]),
            f"{r['stretch']:.4f}",
            f"{r['max_channel_load']:.0f} ({row['xy_max_channel_load']:.0f})",
            f"{r['entries_mean']:.2f}, {r['entries_max']}",
        )
    console.print(table)
    for row in data["rows"]:
        r = row["report"]
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in row["steps"].items())
        console.print(
            f"{row['case']}: {r['tile_defects']} dead tiles, {r['dead_links']} dead links,"
            f" {r['pockets']} tiles in pockets; {r['pairs_walked']:,} random pairs and"
            f" {r['pairs_walked_near']:,} within {r['walk_reach']} of a defect walked; {steps} s",
            soft_wrap=True,
        )
    for line in data["missed"]:
        console.print(f"[red]missed:[/red] {line}")
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)
