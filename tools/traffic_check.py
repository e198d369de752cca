"""``wafermesh traffic check``: read a trace and say what is in it."""

from __future__ import annotations

import click

from model.traffic.trace import TraceStream, survey
from tools.common import emit, json_option
from tools.files import read_image
from tools.traffic_report import counting, facts_of, render


@click.command()
@click.argument("trace", metavar="TRACE")
@click.option("--image", "image_file", metavar="IMAGE", help="Image that it is to run on.")
@json_option
def command(trace: str, image_file: str | None, as_json: bool) -> None:
    """Read the whole of TRACE, in bounded memory, and say what is in it.

    Exit code 2 and one line that names column, row (from 0), value and what is allowed when a row
    is wrong. With --image, sources must be hosted on it, ids fit its header, and lengths its
    longest packet.
    """
    image = None if image_file is None else read_image(image_file)
    stream = TraceStream(trace, image)
    with counting("reading") as progress:
        facts = survey(stream, progress)
    data = facts_of(trace, facts)
    if stream.logical is not None:
        data["logical"] = "x".join(map(str, stream.logical))
    if image is not None:
        hosted = int((image.remap_tile >= 0).sum())
        span = facts.last + 1
        data["load"] = round(facts.flits / max(1, span * hosted), 6)
    emit(as_json, data, lambda: render("Trace", data))
