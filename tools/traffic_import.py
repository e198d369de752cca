"""``wafermesh traffic import``: traces of other tools."""

from __future__ import annotations

from typing import Any

import click

from model.atomic import check_target
from model.traffic.importing import READERS, Foreign, import_trace
from tools.common import SIZE, OutputType, emit, json_option
from tools.traffic_options import fields_as_options
from tools.traffic_report import counting, facts_of, remade, render


@click.command(name="import")
@click.argument("path", metavar="FILE")
@click.option("-o", "output", type=OutputType(".parquet"), required=True, help="The trace.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(READERS)),
    help="What FILE is.  [default: csv if .csv is in its name, else netrace]",
)
@click.option("--grid", type=SIZE, help="What FILE's node numbers count, row by row, as 8x8.")
@click.option("--logical", type=SIZE, help="Logical size to place them on.  [default: --grid]")
@click.option(
    "--flit-bytes",
    type=int,
    default=16,
    show_default=True,
    help="Payload of a flit, where FILE gives packet sizes in bytes or by type.",
)
@click.option("--from-zero", is_flag=True, help="Count cycles from the first packet.")
@json_option
def command(path: str, output: str, kind: str | None, as_json: bool, **given: Any) -> None:
    """Turn another tool's trace into one of ours, whatever its size and order.

    \b
    csv      a header line and columns, in any order, others passed over:
             offered (or cycle, cyc, time, timestamp), source (src),
             destination (dest, dst); length (flits), bytes or type; gap if any
    netrace  lines as Netrace prints packets:
             ID:0 CYC:12 SRC:3 DST:17 ADR:0x00f01c40 TYP:ReadReq NDEP:1 4

    Netrace's types are 8 or 72 bytes long; its dependencies are dropped: packets are offered in
    the cycle that the trace says. FILE may be compressed (.gz, .bz2, .zst).
    """
    check_target("-o", output)
    kind = kind or ("csv" if ".csv" in path.lower() else "netrace")
    with fields_as_options(), counting("importing") as progress:
        facts = import_trace(Foreign(path=path, kind=kind, **given), output, progress=progress)
    data = facts_of(output, facts) | {"format": kind, "reproduce": remade()}
    emit(as_json, data, lambda: render("Imported", data))
