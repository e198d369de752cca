"""``wafermesh demo``: the main job, end to end, on a wafer with thousands of possible defects."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from model.atomic import make_folder
from model.wafer import WaferMap
from tools.common import (
    OutputType,
    console,
    emit,
    json_option,
    key_values,
    progress,
    reproduce,
    seed_option,
)

SIZE: Final = (32, 18)
TILE_RATE, LINK_RATE, SPARES = 0.12, 0.06, "7%"
LOAD, LENGTHS, CYCLES = 0.01, "1-8", 5000
WINDOW: Final = 6
WINDOW_CYCLES: Final = 300


@click.command()
@seed_option
@click.option(
    "--out",
    type=OutputType(),
    metavar="FOLDER",
    default="out/demo",
    show_default=True,
    help="Folder for wafer map, image, packet records and waves.",
)
@json_option
def command(seed: int, out: str, as_json: bool) -> None:
    """Sample, repair, route, prove; run the RTL of the whole wafer and compare every cycle.

    A 32 x 18 wafer with 12 % tile defects, 6 % link defects and 7 % spares. The RTL runs as the
    tile array; a window of the same wafer runs under cocotb and leaves a waveform. Exit code 0
    means that RTL and golden engine agreed in every observable.
    """
    from verif.toolchain import make_cache

    folder = make_folder("--out", out)
    make_cache()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with progress(*columns) as display:
        result = _run(seed, folder, display)
    result["reproduce"] = reproduce("demo", "--seed", seed, "--out", out)
    emit(as_json, result, lambda: _render(result))
    if not result["agree"]:
        raise SystemExit(1)


def _run(seed: int, out: Path, display: Progress) -> dict[str, Any]:
    """All steps; each leaves its file in ``out``."""
    from model.compile import CompileOptions, compile_wafer
    from model.defects import bernoulli
    from model.engine import simulate
    from model.image_file import save_image
    from model.random import threshold
    from model.records import write_records
    from model.schedule import StallPattern
    from model.summary import summarise
    from model.traffic import make_schedule
    from model.wafer import save_wafer
    from verif.compare import compare
    from verif.tile_array import TileArray

    def step(text: str) -> None:
        if display.tasks:
            display.stop_task(display.tasks[-1].id)
        display.add_task(text, total=None)

    step("sampling the wafer, repairing and routing it, proving the routes")
    wafer = bernoulli(*SIZE, tile_rate=TILE_RATE, link_rate=LINK_RATE, seed=seed)
    save_wafer(wafer, out / "wafer.json")
    image = compile_wafer(wafer, CompileOptions(spares=SPARES))
    save_image(image, out / "image.json")

    step("golden engine: predicting every flit")
    schedule = make_schedule(
        image, pattern="uniform", load=LOAD, length=LENGTHS, cycles=CYCLES, seed=seed
    )
    stalls = StallPattern(threshold=threshold("stalls", 0.1), burst_log2=2, seed=seed)
    engine = simulate(image, schedule, stalls=stalls)
    write_records(image, engine.records, out / "packets.parquet")

    step("RTL of the whole wafer: compiling the tile (kept for the next time)")
    with TileArray(image, threads=2, seed=seed) as array:
        step(f"RTL of the whole wafer: {engine.log.cycles} cycles, dead parts babbling")
        started = time.perf_counter()
        array.configure()
        array.start(schedule, stalls)
        array.run(engine.log.cycles)
        rtl = array.log()
        seconds = time.perf_counter() - started
    mismatch = compare(engine.log, rtl, image.spec)

    step("cocotb: a window of the same wafer, compiled as an image of its own, with waves")
    window = _window(wafer, seed, out)
    return {
        "seed": seed,
        "report": image.report,
        "run": summarise(image, engine, schedule.silent_sources),
        "rtl": {
            "cycles": rtl.cycles,
            "events": len(rtl.events),
            "tile_cycles_per_second": round(rtl.cycles * int(image.live.sum()) / seconds),
            "mismatch": None if mismatch is None else str(mismatch),
        },
        "window": window,
        "agree": mismatch is None and window["mismatch"] is None,
        "map": wafer.to_text(),
    }


def _window(wafer: WaferMap, seed: int, out: Path) -> dict[str, Any]:
    """Run the window with the most one-way links and dead tiles that still routes."""
    from model.compile import CompileOptions, compile_wafer
    from model.random import threshold
    from model.schedule import StallPattern
    from model.traffic import make_schedule
    from verif.bench.window import run_window

    x, y = _busiest_window(wafer)
    image = compile_wafer(wafer.window(x, y, WINDOW, WINDOW), CompileOptions())
    schedule = make_schedule(
        image, pattern="uniform", load=0.2, length="1-4", cycles=WINDOW_CYCLES, seed=seed
    )
    stalls = StallPattern(threshold=threshold("stalls", 0.125), seed=seed)
    waves = out / "window.vcd"
    found = run_window(image, schedule, stalls, waves=waves, seed=seed)
    return {
        "place": [x, y, WINDOW, WINDOW],
        "packets": len(schedule),
        "dead_tiles": image.report["tile_defects"],
        "dead_links": image.report["dead_links"],
        "waves": str(waves),
        "gtkw": str(found.save_file),
        "cycles": found.cycles,
        "seconds": round(found.seconds, 1),
        "mismatch": f"{found.difference}, {found.difference_ns} ns" if found.difference else None,
    }


def _busiest_window(wafer: WaferMap) -> tuple[int, int]:
    """North-west corner of the window with most dead links beside few dead tiles."""
    live = wafer.live.reshape(wafer.height, wafer.width)
    dead = wafer.dead_link.sum(axis=1).reshape(wafer.height, wafer.width)
    best, place = -1, (0, 0)
    for y in range(wafer.height - WINDOW + 1):
        for x in range(wafer.width - WINDOW + 1):
            area = np.s_[y : y + WINDOW, x : x + WINDOW]
            gone = int((~live[area]).sum())
            score = int(dead[area].sum()) if 2 <= gone <= 6 else 0
            if score > best:
                best, place = score, (x, y)
    return place


def _render(result: dict[str, Any]) -> None:
    report, run, rtl, window = (result[key] for key in ("report", "run", "rtl", "window"))
    console.print(f"\n[bold]wafermesh demo[/bold], seed {result['seed']}\n")
    if console.width >= 2 * SIZE[0]:
        console.print(result["map"], markup=False)
        console.print("[dim]. healthy  X dead tile  - | both links good  <>^v one way only[/dim]\n")
    width, height = report["logical"]
    key_values(
        "Wafer",
        [
            ("tiles", f"{report['tiles']} = {SIZE[0]} x {SIZE[1]}"),
            ("healthy / defective", f"{report['healthy_tiles']} / {report['tile_defects']}"),
            ("dead links", f"{report['dead_links']} between live tiles"),
            ("spares", f"{report['spare_tiles']} tiles = {report['spare_share']:.2%} (asked: 7 %)"),
        ],
    )
    key_values(
        "Repair and routes, proven before anything ran",
        [
            ("logical tiles", f"{report['hosted']} hosted of {width} x {height}"),
            ("repaired", f"{report['repaired']} (hosted elsewhere than at home)"),
            ("lost", f"{report['lost']}: {report['lost_no_spare']} for want of a spare, "
                     f"{report['lost_cut_off']} cut off"),
            ("reachable pairs", f"{report['reachable_pairs']:.2%} of the hosted pairs"),
            ("route length", f"{report['mean_hops']:.2f} hops, shortest possible "
                             f"{report['mean_shortest']:.2f} (stretch {report['stretch']:.3f})"),
            ("route entries", f"mean {report['entries_mean']:.1f}, p95 {report['entries_p95']}, "
                              f"max {report['entries_max']} of 16"),
            ("deadlock", "impossible: the channel dependency graph is acyclic"),
        ],
    )  # fmt: skip
    latency = run["latency"]
    key_values(
        "Traffic: uniform, 0.01 flits per tile and cycle, packets of 1 to 8 flits, stalling cores",
        [
            ("packets", f"{run['delivered']:,} of {run['packets']:,} delivered"),
            ("latency", f"mean {latency['mean']:.1f}, p99 {latency['p99']:.0f}, "
                        f"max {latency['max']} cycles"),
        ],
    )  # fmt: skip
    key_values(
        "RTL against golden engine",
        [
            ("whole wafer", _verdict(rtl["mismatch"], f"{rtl['events']:,} events and every "
                             f"counter equal over {rtl['cycles']:,} cycles")),
            ("speed", f"{rtl['tile_cycles_per_second'] / 1e6:.1f} million RTL tile-cycles/s"),
            ("window (cocotb)", _verdict(window["mismatch"], f"{window['packets']} packets equal, "
                                 f"{window['dead_tiles']} dead tiles babbling")),
        ],
    )  # fmt: skip
    console.print(f"Waveform: {window['waves']}")
    viewer = "gtkwave" if shutil.which("gtkwave") else "gtkwave (or surfer)"
    console.print(f"Open it:  {viewer} {window['gtkw']}")
    console.print(f"Again:    {result['reproduce']}\n")


def _verdict(mismatch: str | None, good: str) -> str:
    return f"[green]{good}[/green]" if mismatch is None else f"[red]{mismatch}[/red]"
