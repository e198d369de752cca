"""``wafermesh traffic make``: draw a pattern into a trace."""

from __future__ import annotations

from typing import Any

import click

from model.atomic import check_target
from model.errors import InputError
from tools.common import OutputType, emit, json_option, seed_option
from tools.files import read_image
from tools.traffic_options import drawing_options, drawn, fields_as_options
from tools.traffic_report import counting, facts_of, remade, render


@click.command()
@click.argument("image_file", metavar="IMAGE")
@drawing_options
@click.option("--rates", metavar="FILE", help="Factor on the load of sources: source, rate.")
@click.option("--cycles", type=int, help="Offer for so many cycles.")
@click.option("--packets", type=int, help="Offer so many packets.")
@click.option("-o", "output", type=OutputType(".parquet"), required=True, help="The trace.")
@seed_option
@json_option
def command(image_file: str, output: str, seed: int, as_json: bool, **given: Any) -> None:
    """Draw the packets of a pattern between the hosted tiles of IMAGE (a file or -).

    The packets are those that `wafermesh simulate` draws from the same options. Equal options
    give equal bytes.
    """
    if (given["cycles"] is None) == (given["packets"] is None):
        raise InputError("--cycles and --packets: allowed: exactly one of them")
    check_target("-o", output)
    image = read_image(image_file)

    from model.traffic import DrawnStream, Traffic, load_rates
    from model.traffic.trace import write_trace

    rates = load_rates(given["rates"], image) if given["rates"] else None
    size = (image.logical_width, image.logical_height)
    with fields_as_options(), counting("drawing") as progress:
        limits = {name: given[name] for name in ("cycles", "packets")}
        traffic = Traffic(**drawn(given), **limits, seed=seed, rates=rates)
        stream = DrawnStream(image, traffic)
        facts = write_trace(output, stream, size, progress)
    data = facts_of(output, facts) | {"silent_sources": stream.silent_sources}
    data["reproduce"] = remade("seed", "pattern", "load", "length")
    emit(as_json, data, lambda: render("Trace", data))
