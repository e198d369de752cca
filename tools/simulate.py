"""``wafermesh simulate``: run traffic on the golden engine and write packet records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from model.atomic import check_target
from model.errors import InputError, require_int
from tools.common import (
    OutputType,
    again,
    console,
    emit,
    json_option,
    key_values,
    progress,
    seed_option,
)
from tools.files import read_image, report_to_stderr
from tools.traffic_options import drawn, fields_as_options, stall_pattern, traffic_options
from tools.wave_options import (
    check_wave_options,
    wave_options,
    wave_window,
    write_engine_waves,
)

if TYPE_CHECKING:
    from model.image import ConfigImage
    from model.schedule import PacketSchedule

DEFAULT_CYCLES = 20_000


@click.command()
@click.argument("image_file", metavar="IMAGE")
@traffic_options
@click.option("--traffic", metavar="FILE", help="Packets from a CSV or Parquet file instead.")
@click.option("--rates", metavar="FILE", help="Factor on the load of sources: source, rate.")
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
    "-o",
    "output",
    type=OutputType(".parquet", ".csv", stdout=True),
    help="Records, .parquet or .csv; - is CSV on stdout.",
)
@wave_options
@seed_option
@json_option
def command(image_file: str, output: str | None, seed: int, as_json: bool, **given: Any) -> None:
    """Run traffic on IMAGE and report what became of every packet.

    The run ends when every packet has arrived, was refused or sunk. Exit code 1 when that did not
    happen within --max-cycles, or a packet was given to the wrong core.
    """
    silent = report_to_stderr(output or "", as_json)
    if given["cycles"] is not None and given["packets"] is not None:
        raise InputError("--cycles and --packets: allowed: one of them")
    if given["cycles"] is None and given["packets"] is None:
        given["cycles"] = DEFAULT_CYCLES
    if given["no_drain"] and (given["cycles"] is None or given["traffic"]):
        raise InputError("--no-drain is given; allowed: with --cycles and a pattern")
    if output not in (None, "-"):
        check_target("-o", output)
    check_wave_options(given)
    image = read_image(image_file)
    window = wave_window(image, given)

    from model.engine import simulate
    from model.records import summarise, write_records

    with fields_as_options():
        require_int("max_cycles", given["max_cycles"], 0, 2**32 - 1)
        schedule = _schedule(image, seed, given)
    stalls = stall_pattern(given["stall_rate"], given["stall_burst"], seed)
    if window:
        stop = given["cycles"] if given["no_drain"] else given["max_cycles"]
        write_engine_waves(window, image, schedule, stalls, stop)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    started = time.perf_counter()
    with progress(*columns, transient=True) as display:
        task = display.add_task(f"{len(schedule):,} packets: loading the engine", total=None)
        result = simulate(
            image,
            schedule,
            stalls=stalls,
            cycles=given["cycles"] if given["no_drain"] else None,
            max_cycles=given["max_cycles"],
            record_events=False,
            progress=lambda cycle: display.update(task, description=f"cycle {cycle:,}"),
        )
    seconds = time.perf_counter() - started
    if output is not None:
        write_records(image, result.records, output)
    offered = None if given["traffic"] else given["cycles"]
    data = summarise(image, schedule, result, offered)
    data["seconds"] = round(seconds, 2)
    data["output"] = output
    data["waves"] = given["waves"]
    data["reproduce"] = again("seed", *([] if given["traffic"] else ["pattern", "load", "length"]))
    if not silent:
        emit(as_json, data, lambda: _render(data))
    if not (result.finished or given["no_drain"]) or data["misdelivered"]:
        raise SystemExit(1)


def _schedule(image: ConfigImage, seed: int, given: dict[str, Any]) -> PacketSchedule:
    from model.traffic import load_rates, load_schedule, make_schedule

    if given["traffic"]:
        return load_schedule(given["traffic"], image)
    return make_schedule(
        image,
        **drawn(given),
        cycles=given["cycles"],
        packets=given["packets"],
        seed=seed,
        rates=load_rates(given["rates"], image) if given["rates"] else None,
    )


def _render(data: dict[str, Any]) -> None:
    ends = ("delivered", "refused", "sunk", "misdelivered", "in_flight", "waiting")
    rows = [
        ("packets", f"{data['packets']:,} from {data['hosted']:,} hosted tiles"),
        *((name.replace("_", " "), f"{data[name]:,}") for name in ends if data[name]),
        ("offered load", f"{data['offered_load']:.4f} flits per hosted tile and cycle"),
        ("accepted load", f"{data['accepted_load']:.4f}"),
        ("throughput", f"{data['throughput']:.4f}"),
    ]
    for key, name in (("latency", "latency"), ("total_latency", "with queueing")):
        if data[key]["mean"] is not None:
            text = "mean {mean:.1f}, p50 {p50}, p99 {p99}, max {max} cycles".format(**data[key])
            rows.append((name, text))
    if data["silent_sources"]:
        rows.append(("silent sources", f"{data['silent_sources']} have no partner"))
    if data["watchdogs"]:
        rows.append(("watchdog", f"rose in {data['watchdogs']} tiles"))
    rows.append(("cycles", f"{data['cycles']:,} in {data['seconds']} s"))
    if not data["finished"]:
        rows.append(("end", "packets were still on the way"))
    if data["output"]:
        rows.append(("records", data["output"]))
    if data["waves"]:
        rows.append(("waves", data["waves"]))
    key_values("Golden engine", rows)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)
