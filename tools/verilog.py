"""``wafermesh verilog``: write the Verilog of a fabric, ready for any simulator or synthesis."""

from __future__ import annotations

import time
from typing import Any

import click

from model.atomic import atomic_open, make_folder
from model.errors import InputError
from model.spec import FabricSpec
from tools.common import SIZE, OutputType, again, emit, json_option, key_values


@click.command()
@click.option("--size", type=SIZE, help="Fabric size in tiles, WIDTHxHEIGHT.")
@click.option("--spec", "spec_file", type=click.Path(), help="Specification file, TOML or JSON.")
@click.option("--vcs", type=int, help="Virtual channels per link: 1, 2 or 4.  [default: 1]")
@click.option("--depth", type=int, help="Flits per input VC buffer.  [default: 4]")
@click.option("--payload-width", type=int, help="Payload bits per flit.  [default: 32]")
@click.option("--route-entries", type=int, help="Route table entries per tile.  [default: 16]")
@click.option(
    "-o", "out", type=OutputType(), metavar="FOLDER", required=True, help="Output folder."
)
@json_option
def command(
    size: tuple[int, int] | None,
    spec_file: str | None,
    out: str,
    as_json: bool,
    **given: int | None,
) -> None:
    """Write fabric.v, the whole design, and tile.v, the tile and its parts alone.

    One module per component; the fabric instantiates the tile width x height times.
    """
    if (size is None) == (spec_file is None):
        raise InputError("--size and --spec: allowed: exactly one of them")
    if spec_file is not None:
        fields: dict[str, Any] = FabricSpec.load(spec_file).to_dict()
    else:
        width, height = size or (0, 0)
        fields = {"width": width, "height": height}
    spec = FabricSpec.from_dict(fields | {k: v for k, v in given.items() if v is not None})

    from rtl.export import fabric_verilog, tile_verilog

    folder = make_folder("-o", out)
    started = time.perf_counter()
    texts = {"tile.v": tile_verilog(spec), "fabric.v": fabric_verilog(spec)}
    for name, text in texts.items():
        with atomic_open(folder / name) as file:
            file.write(text.encode())
    data = {
        "spec": spec.to_dict(),
        "files": {name: len(text) for name, text in texts.items()},
        "seconds": round(time.perf_counter() - started, 1),
        "reproduce": again(),
    }

    def render() -> None:
        rows = [
            (str(folder / name), f"{len(text) / 1024:,.0f} KiB") for name, text in texts.items()
        ]
        key_values(f"Verilog of a {spec.width}x{spec.height} fabric", rows)
        click.echo(f"Written in {data['seconds']} s. Again: {data['reproduce']}")

    emit(as_json, data, render)
