"""``wafermesh bench tile-array``: RTL tile-cycles per second, by size and threads."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, Final

import click
from rich.table import Table

from model.atomic import atomic_open, check_target
from tools.common import OutputType, console, emit, json_option, progress_console, reproduce

LOAD: Final = 0.1
SIDES: Final = (16, 128)
WORK: Final = 6_000_000
"""RTL tile-cycles of one measurement, about two seconds."""

COMPILE_MOST, ONE_LEAST, RATIO_LEAST = 30, 2.0, 0.85
"""What must hold: seconds of compilation, million tile-cycles/s, threads over processes."""

_meeting: list[Barrier] = []
"""In a measuring process: where all of them wait before they start."""


@click.command()
@click.option("--repeat", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@json_option
def command(repeat: int, output: str | None, as_json: bool) -> None:
    """Measure the tile array: 1 VC, depth 4, 32 bit, 16 entries, load 0.1, no waves.

    Each figure is the median of --repeat runs, in million RTL tile-cycles per second. The last
    column divides two threads by the sum of two independent processes that run together. Exit
    code 1 when a figure misses what must hold.
    """
    if output is not None:
        check_target("-o", output)
    rows: list[dict[str, Any]] = []
    with progress_console.status("compiling the tile in an empty cache") as status:
        seconds = _compile_seconds()
        for side in SIDES:
            runs: dict[str, list[float]] = {"one": [], "two": [], "pair": []}
            for turn in range(repeat):
                status.update(f"{side} x {side}, run {turn + 1} of {repeat}")
                runs["one"] += _together(side, 1, 1)
                runs["two"] += _together(side, 2, 1)
                runs["pair"].append(sum(_together(side, 1, 2)))
            middle = {name: round(statistics.median(found), 3) for name, found in runs.items()}
            ratio = round(middle["two"] / middle["pair"], 3)
            rows.append({"side": side, **middle, "ratio": ratio, "runs": runs})
    data = {
        "unit": "million RTL tile-cycles per second",
        "load": LOAD,
        "compile_seconds": seconds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": rows,
        "missed": _missed(seconds, rows),
        "reproduce": reproduce("bench", "tile-array", "--repeat", repeat),
    }
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render(data))
    if data["missed"]:
        raise SystemExit(1)


def _missed(seconds: float, rows: list[dict[str, Any]]) -> list[str]:
    """What must hold and does not, one line each."""
    missed = [] if seconds <= COMPILE_MOST else [f"compiled in {seconds} s, not {COMPILE_MOST}"]
    for row in rows:
        fabric = f"{row['side']} x {row['side']}"
        if row["one"] < ONE_LEAST:
            missed.append(f"{fabric}: one thread reaches {row['one']}, not {ONE_LEAST}")
        if row["ratio"] < RATIO_LEAST:
            missed.append(f"{fabric}: threads / processes is {row['ratio']}, not {RATIO_LEAST}")
    return missed


def _compile_seconds() -> float:
    """Wall time from specification to loaded library, nothing cached."""
    with tempfile.TemporaryDirectory() as empty:
        context = get_context("spawn")
        with context.Pool(1, _use_cache, (empty,)) as pool:
            return round(pool.apply(_compile), 2)


def _use_cache(folder: str) -> None:
    os.environ["WAFERMESH_CACHE"] = folder


def _compile() -> float:
    from model.spec import FabricSpec
    from verif.tile_array import array_spec, build, tile_text

    started = time.perf_counter()
    spec = array_spec(FabricSpec(width=16, height=16))
    build(tile_text(spec), spec)
    return time.perf_counter() - started


def _together(side: int, threads: int, processes: int) -> list[float]:
    """Speeds of so many processes that start at the same moment."""
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Pool(processes, _join, (barrier,)) as pool:
        return pool.starmap(_speed, [(side, threads)] * processes, chunksize=1)


def _join(barrier: Barrier) -> None:
    _meeting.append(barrier)


def _speed(side: int, threads: int) -> float:
    """Million tile-cycles per second of a mesh under uniform traffic, warmed up."""
    from model.spec import FabricSpec
    from model.traffic import make_schedule
    from verif.mesh_image import mesh_image
    from verif.tile_array import TileArray

    image = mesh_image(FabricSpec(width=side, height=side))
    warm_up, cycles = 100, WORK // image.spec.tiles
    schedule = make_schedule(image, load=LOAD, cycles=warm_up + cycles)
    with TileArray(image, threads=threads) as array:
        array.configure()
        array.start(schedule)
        array.run(warm_up)
        _meeting[0].wait()
        started = time.perf_counter()
        array.run(cycles)
        seconds = time.perf_counter() - started
        moved = array.log().counters.moved.sum()
    assert moved > image.spec.tiles * cycles / 2, "the fabric is not busy"
    return image.spec.tiles * cycles / seconds / 1e6


def _render(data: dict[str, Any]) -> None:
    table = Table(title=f"Tile array, {data['unit']}", title_justify="left")
    names = ("one thread", "two threads", "two processes, sum", "threads / processes")
    for name in ("fabric", *names):
        table.add_column(name, justify="right")
    for row in data["rows"]:
        figures = (f"{row[name]:.2f}" for name in ("one", "two", "pair", "ratio"))
        table.add_row(f"{row['side']} x {row['side']}", *figures)
    table.add_row("must hold", f"≥ {ONE_LEAST}", "", "", f"≥ {RATIO_LEAST}")
    console.print(table)
    compiled = f"{data['compile_seconds']} s (must hold: ≤ {COMPILE_MOST} s)"
    console.print(f"Compiled once for all sizes in {compiled}; {data['machine']}")
    console.print(f"Verdict: {'; '.join(data['missed']) or 'all of it holds'}", soft_wrap=True)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)
