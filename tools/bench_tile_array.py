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

from tools.common import console, progress_console, reproduce

LOAD: Final = 0.1
SIDES: Final = (16, 128)
WORK: Final = 6_000_000
"""RTL tile-cycles of one measurement, about two seconds."""

_meeting: list[Barrier] = []
"""In a measuring process: where all of them wait before they start."""


@click.command()
@click.option("--repeat", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--json", "json_file", metavar="FILE", help="Write the figures, too; - prints them.")
def command(repeat: int, json_file: str | None) -> None:
    """Measure the tile array: 1 VC, depth 4, 32 bit, 16 entries, load 0.1, no waves.

    Each figure is the median of --repeat runs, in million RTL tile-cycles per second. The last
    column divides two threads by the sum of two independent processes that run together.
    """
    rows = []
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
        "reproduce": reproduce("bench", "tile-array", "--repeat", repeat),
    }
    if json_file == "-":
        click.echo(json.dumps(data, indent=2))
        return
    if json_file is not None:
        from model.atomic import atomic_open

        with atomic_open(json_file) as file:
            file.write(json.dumps(data, indent=2).encode())
    _render(data)


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
    for name in (
        "fabric",
        "one thread",
        "two threads",
        "two processes, sum",
        "threads / processes",
    ):
        table.add_column(name, justify="right")
    for row in data["rows"]:
        figures = (f"{row[name]:.2f}" for name in ("one", "two", "pair", "ratio"))
        table.add_row(f"{row['side']} x {row['side']}", *figures)
    console.print(table)
    console.print(f"Compiled once for all sizes in {data['compile_seconds']} s ({data['machine']})")
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)
