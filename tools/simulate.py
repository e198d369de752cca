"""``wafermesh simulate``: run traffic on the golden engine and write packet records."""

from __future__ import annotations

import time
from typing import Any

import click

from model.atomic import check_target
from model.errors import InputError, require_int
from model.presets import PRESETS
from tools.common import OutputType, again, emit, json_option, seed_option
from tools.defect_options import rate_options
from tools.files import read_image, report_to_stderr
from tools.loop_options import check_loop_options, closed_loop, loop_options
from tools.measure_options import measure_options, measured_cycles
from tools.plotting import ENDINGS
from tools.simulate_report import heat_map, render
from tools.simulate_run import RunFiles, drive
from tools.simulate_wafer import check_wafer_options, make_wafer
from tools.traffic_options import fields_as_options, stall_pattern, traffic_options, traffic_stream
from tools.wave_options import (
    check_wave_options,
    wave_options,
    wave_window,
    write_engine_waves,
)

DEFAULT_CYCLES = 20_000


@click.command()
@click.argument("image_file", metavar="[IMAGE]", required=False)
@click.option(
    "--wafer",
    type=click.Choice(list(PRESETS)),
    help="Sample, repair and compile this wafer instead of reading IMAGE, by the options below.",
)
@rate_options
@traffic_options
@click.option(
    "--traffic",
    metavar="FILE",
    help="Packets from a Parquet trace instead, streamed; CSV and unsorted rows are read whole.",
)
@click.option("--rates", metavar="FILE", help="Factor on the load of sources: source, rate.")
@loop_options
@click.option("--cycles", type=int, help=f"Offer for so many cycles.  [default: {DEFAULT_CYCLES}]")
@click.option("--packets", type=int, help="Offer so many packets instead.")
@click.option("--no-drain", is_flag=True, help="Stop after --cycles, whatever is on the way.")
@click.option("--max-cycles", type=int, default=10_000_000, show_default=True)
@click.option(
    "--stall-burst",
    type=click.IntRange(0, 16),
    default=0,
    show_default=True,
    help="Refuse for 2**N cycles at a time.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    help="Share the work.  [default: 2 from 128x128 tiles on, if there are two cores; else 1]",
)
@click.option(
    "-o",
    "output",
    type=OutputType(".parquet", ".csv", stdout=True),
    help="Records, .parquet or .csv; - is CSV on stdout.",
)
@click.option("--heat-map", type=OutputType(*ENDINGS), help="Draw the use of links, .png or .svg.")
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=OutputType(),
    help="Where the run is kept when Ctrl-C or SIGTERM ends it; the same command goes on.",
)
@click.option(
    "--checkpoint-every", metavar="SECONDS", type=float, help="Write it now and then, too."
)
@measure_options
@wave_options
@seed_option
@json_option
def command(
    image_file: str | None, wafer: str | None, output: str | None, seed: int, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Run traffic on IMAGE and report what became of every packet.

    The run ends when every packet has arrived, was refused or sunk; with --measure, when those have
    that were offered in the measured cycles. Exit code 1 when that did not happen within
    --max-cycles, or a packet was given to the wrong core.

    \b
    wafermesh simulate image.json --load 0.02 --cycles 5000 -o packets.parquet
    wafermesh simulate image.json --load 0.1 --warm-up 5000 --measure 20000
    wafermesh simulate image.json --load 1 --window 4 --reply 2
    wafermesh simulate image.json --traffic trace.parquet --checkpoint run.ckpt
    wafermesh simulate --wafer wse3 --pattern neighbour --load 0.05 --heat-map links.png
    """
    silent = report_to_stderr(output or "", as_json)
    _check(image_file, wafer, output, given)
    files = RunFiles(output, given["checkpoint"], given["checkpoint_every"])
    image = read_image(image_file) if image_file else make_wafer(wafer or "", seed, given)
    window, loop = wave_window(image, given), closed_loop(image, given)
    with fields_as_options():
        require_int("max_cycles", given["max_cycles"], 0, 2**32 - 1)
        stream = traffic_stream(image, seed, given)
    stalls = stall_pattern(given["stall_rate"], given["stall_burst"], seed)
    stop = given["cycles"] if given["no_drain"] or given["measure"] else given["max_cycles"]
    if window:
        from model.traffic import collect

        write_engine_waves(window, image, collect(stream), stalls, stop)
    started = time.perf_counter()
    with fields_as_options():
        data, counters = drive(image, stream, loop, stalls, stop, files, given)
    data["seconds"] = round(time.perf_counter() - started, 2)
    data |= {"output": output}
    data |= {name: given[name] for name in ("waves", "heat_map", "ports")}
    data["reproduce"] = again("seed", *([] if given["traffic"] else ["pattern", "load", "length"]))
    if given["heat_map"]:
        heat_map(image, counters, data["cycles"], given["heat_map"])
    if not silent:
        emit(as_json, data, lambda: render(data))
    if not (data["finished"] or given["no_drain"] or given["measure"]) or data["misdelivered"]:
        raise SystemExit(1)


def _check(
    image_file: str | None, wafer: str | None, output: str | None, given: dict[str, Any]
) -> None:
    """Refuse options that contradict each other, before anything is made; fill a default in."""
    if (image_file is None) == (wafer is None):
        raise InputError("IMAGE and --wafer: allowed: exactly one of them")
    check_wafer_options(wafer)
    if given["cycles"] is not None and given["packets"] is not None:
        raise InputError("--cycles and --packets: allowed: one of them")
    measured_cycles(given)
    if given["cycles"] is None and given["packets"] is None:
        given["cycles"] = DEFAULT_CYCLES
    if given["no_drain"] and (given["cycles"] is None or given["traffic"]):
        raise InputError("--no-drain is given; allowed: with --cycles and a pattern")
    if given["checkpoint_every"] is not None and given["checkpoint"] is None:
        raise InputError("--checkpoint-every is given; allowed: with --checkpoint")
    for option, path in (("-o", output), ("--heat-map", given["heat_map"])):
        if path not in (None, "-"):
            check_target(option, path)
    check_wave_options(given)
    check_loop_options(given, "waves")
