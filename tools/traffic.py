"""``wafermesh traffic``: patterns and traces."""

from __future__ import annotations

import click

from tools.cli import LazyGroup

COMMANDS = {
    "patterns": "List the patterns, or show where one sends.",
    "make": "Draw the packets of a pattern on an image into a trace.",
    "import": "Turn another tool's trace (CSV, Netrace) into one.",
    "check": "Read a whole trace and say what is in it, or what is wrong.",
}


@click.group(cls=LazyGroup, modules=COMMANDS, prefix="tools.traffic_")
def command() -> None:
    """Packets to run: patterns that are drawn, and traces in Parquet files.

    A trace has one row per packet, sorted by cycle: offered (cycle), source and destination
    (logical ids), length (flits) and gap (idle cycles between its flits). It is written and read
    piece by piece, so its length is limited by the disk only; docs/traffic.md describes it.

    \b
    wafermesh traffic patterns --size 8x8 --from 3
    wafermesh traffic make image.json --pattern stencil5 --load 0.1 --cycles 100000 -o halo.parquet
    wafermesh traffic import netrace.txt.bz2 --grid 8x8 -o trace.parquet
    wafermesh traffic check trace.parquet --image image.json
    wafermesh simulate image.json --traffic trace.parquet
    """
