"""``wafermesh bench window``: round trips and throughput of closed loops, by their window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from model.atomic import atomic_open, check_target
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
from tools.options import several
from tools.plotting import COLOURS, ENDINGS, picture

Row = dict[str, Any]


@click.command()
@click.option("--size", type=SIZE, default="8x8", show_default=True)
@several("--window", click.IntRange(1, 65535), "1,2,4,8,16,32", "Requests of a tile under way.")
@several("--reply", click.IntRange(0, 64), "0,1,4", "Flits of a reply; 0: none.")
@click.option("--pattern", default="uniform", show_default=True)
@click.option("--length", default="1", show_default=True, help="Flits of a request.")
@click.option("--cycles", type=click.IntRange(100, 10**6), default=4000, show_default=True)
@seed_option
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@click.option("--plot", type=OutputType(*ENDINGS), help="Picture of both against the window.")
@json_option
def command(
    output: str | None, plot: str | None, as_json: bool, window: Sequence[int],
    reply: Sequence[int], **given: Any,
) -> None:  # fmt: skip
    """Measure closed loops whose tiles always want to send: a fault-free mesh, x-then-y, depth 4.

    Rates are those of all --cycles, from the first on; round trips those that ended in them.
    """
    for option, path in (("-o", output), ("--plot", plot)):
        if path is not None:
            check_target(option, path)
    rows: list[Row] = []
    with progress_console.status("loading the engine") as status:
        for flits in sorted(set(reply)):
            for width in sorted(set(window)):
                rows.append(_measure(width, flits, **given))
                status.update(f"window {width}, reply {flits}")
    size = "x".join(map(str, given["size"]))
    words = ["--size", size, "--window", ",".join(map(str, window))]
    words += ["--reply", ",".join(map(str, reply))]
    for name in ("pattern", "length", "cycles", "seed"):
        words += [f"--{name}", given[name]]
    data = {"rows": rows, "reproduce": reproduce("bench", "window", *words)}
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    if plot is not None:
        _draw(rows, f"{size}, {given['pattern']}", plot)
    emit(as_json, data, lambda: _render(data))


def _measure(window: int, reply: int, *, size: tuple[int, int], cycles: int, **traffic: Any) -> Row:
    """One run in which every tile has a request in every cycle."""
    from model.engine import simulate
    from model.loop_summary import LoopSummary
    from model.spec import FabricSpec
    from model.traffic import make_schedule, parse_lengths
    from model.traffic.closed_loop import ClosedLoop
    from verif.mesh_image import mesh_image

    spec = FabricSpec(width=size[0], height=size[1])
    image, loop = mesh_image(spec), ClosedLoop(window=window, reply=reply)
    load = parse_lengths(traffic["length"], spec.max_packet).mean
    schedule = make_schedule(image, load=load, cycles=cycles, **traffic)
    result = simulate(image, schedule, loop=loop, cycles=cycles, record_events=False)
    summary = LoopSummary(image, loop, schedule.silent_sources, cycles)
    summary.add(result.records)
    found: Row = summary.figures()["loop"]
    return found


def _render(data: dict[str, Any]) -> None:
    table = Table(box=SIMPLE_HEAD, title="Closed loops", title_justify="left")
    names = ("reply", "window", "round trip", "p99", "requests/tile/cycle", "under way")
    for name in names:
        table.add_column(name, justify="right")
    for row in data["rows"]:
        trip = row["round_trip"]
        table.add_row(
            str(row["reply"]),
            str(row["window"]),
            f"{trip['mean']:.1f}",
            str(trip["p99"]),
            f"{row['request_rate']:.4f}",
            f"{row['outstanding']:.2f}",
        )
    console.print(table)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)


def _draw(rows: Sequence[Row], title: str, path: str) -> None:
    """Round trip (dashed: 99th percentile) and throughput, a line for each length of reply."""
    with picture(path, columns=2, size=(8.0, 3.4)) as (_, axes):
        trip, rate = axes[0]
        for colour, reply in zip(COLOURS * 9, sorted({row["reply"] for row in rows}), strict=False):
            line = [row for row in rows if row["reply"] == reply]
            window = [row["window"] for row in line]
            name = f"replies of {reply}" if reply else "no replies"
            look: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 3}
            trip.plot(window, [row["round_trip"]["mean"] for row in line], label=name, **look)
            tail = [row["round_trip"]["p99"] for row in line]
            trip.plot(window, tail, linestyle="--", linewidth=0.9, **look)
            rate.plot(window, [row["request_rate"] for row in line], label=name, **look)
        trip.set_title("Round trip, cycles; dashed: 99th percentile")
        rate.set_title(f"Round trips per tile and cycle ({title})")
        trip.set_yscale("log")
        rate.set_ylim(bottom=0)
        for axis in (trip, rate):
            axis.set_xscale("log", base=2)
            axis.set_xticks(window, [str(width) for width in window])
            axis.set_xlabel("window, requests of a tile under way")
            axis.grid(True)
        trip.legend()
