"""``wafermesh defects``: sample a wafer map."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from model.defects import bernoulli
from model.wafer import TileState, WaferMap, wafer_to_json, wafer_to_npz
from tools.common import RATE, SIZE, OutputType, again, emit, json_option, key_values, seed_option
from tools.files import report_to_stderr, write_result


@click.command(name="defects")
@click.option("--size", type=SIZE, required=True, help="Width x height in tiles, as 32x18.")
@click.option("--tile-rate", type=RATE, default=0.0, help="Share of dead tiles.")
@click.option("--core-rate", type=RATE, default=0.0, help="Share of dead cores, of live tiles.")
@click.option("--link-rate", type=RATE, default=0.0, help="Share of dead directed links.")
@click.option("--pair-rate", type=RATE, default=0.0, help="Share of wire pairs dead both ways.")
@seed_option
@click.option(
    "-o",
    "--output",
    type=OutputType(),
    default="-",
    help="File, .json or .npz; - prints JSON.",
)
@click.option("--text", is_flag=True, help="Draw the map.")
@json_option
def command(
    size: tuple[int, int],
    tile_rate: float,
    core_rate: float,
    link_rate: float,
    pair_rate: float,
    seed: int,
    output: str,
    text: bool,
    as_json: bool,
) -> None:
    """Sample a wafer map with broken cores, tiles and links; equal seeds make equal bytes."""
    silent = report_to_stderr(output, as_json)
    wafer = bernoulli(
        *size,
        tile_rate=tile_rate,
        core_rate=core_rate,
        link_rate=link_rate,
        pair_rate=pair_rate,
        seed=seed,
    )
    write_result(output, lambda: wafer_to_json(wafer), lambda: wafer_to_npz(wafer))
    if silent:
        return
    result = {**summary(wafer), "file": output, "reproduce": again("seed")}

    def render() -> None:
        if text:
            click.echo(wafer.to_text())
        key_values(
            f"Wafer {size[0]}x{size[1]}",
            [
                ("healthy tiles", f"{result['healthy_tiles']} of {wafer.width * wafer.height}"),
                ("core / tile defects", f"{result['core_defects']} / {result['tile_defects']}"),
                ("dead links", f"{result['dead_links']} of {result['links']}"),
                ("written", output),
            ],
        )
        click.echo(f"Again: {result['reproduce']}")

    emit(as_json, result, render)


def summary(wafer: WaferMap) -> dict[str, Any]:
    """Counts of what is broken; links are those between live tiles."""
    alive = wafer.live_links()
    without = WaferMap(
        width=wafer.width,
        height=wafer.height,
        state=wafer.state,
        dead_link=np.zeros_like(wafer.dead_link),
    ).live_links()
    counts = np.bincount(wafer.state, minlength=3)
    return {
        "healthy_tiles": int(counts[TileState.HEALTHY]),
        "core_defects": int(counts[TileState.CORE_DEFECT]),
        "tile_defects": int(counts[TileState.TILE_DEFECT]),
        "dead_links": int(without.sum() - alive.sum()),
        "links": int(without.sum()),
    }
