"""``wafermesh defects``: sample a wafer map."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from model.defects import CLUSTERS, clustered
from model.errors import InputError
from model.presets import PRESETS, REAL_DENSITY
from model.wafer import TileState, WaferMap, wafer_to_json, wafer_to_npz
from tools.common import RATE, SIZE, OutputType, again, emit, json_option, key_values, seed_option
from tools.files import report_to_stderr, write_result


@click.command(name="defects")
@click.option("--size", type=SIZE, help="Width x height in tiles, as 32x18.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="Size and rates by name, each unless given: "
    + "; ".join(f"{name}: {kind.about}" for name, kind in PRESETS.items())
    + ".",
)
@click.option(
    "--density",
    type=click.Choice(["real"]),
    help=f"Tile and link rates of a real wafer: {REAL_DENSITY:g}.",
)
@click.option("--tile-rate", type=RATE, help="Share of dead tiles.  [default: 0]")
@click.option("--core-rate", type=RATE, default=0.0, help="Share of dead cores, of live tiles.")
@click.option("--link-rate", type=RATE, help="Share of dead directed links.  [default: 0]")
@click.option("--pair-rate", type=RATE, default=0.0, help="Share of wire pairs dead both ways.")
@click.option(
    "--cluster",
    type=click.Choice(CLUSTERS),
    default="none",
    show_default=True,
    help="One gamma-distributed density for the wafer, or for each of its 12 x 7 dies.",
)
@click.option(
    "--alpha",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    help="Shape of that density; small means strong clusters.",
)
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
    size: tuple[int, int] | None,
    preset: str | None,
    density: str | None,
    tile_rate: float | None,
    core_rate: float,
    link_rate: float | None,
    pair_rate: float,
    cluster: str,
    alpha: int,
    seed: int,
    output: str,
    text: bool,
    as_json: bool,
) -> None:
    """Sample a wafer map with broken cores, tiles and links; equal seeds make equal bytes."""
    silent = report_to_stderr(output, as_json)
    kind = PRESETS.get(preset or "")
    if size is None and kind is not None:
        size = (kind.width, kind.height)
    if size is None:
        raise InputError("--size is missing; allowed: WIDTHxHEIGHT, or a --preset")
    real = REAL_DENSITY if density else None
    rates = {
        "tile_rate": _first(tile_rate, real, kind.tile_rate if kind else None),
        "core_rate": core_rate,
        "link_rate": _first(link_rate, real, kind.link_rate if kind else None),
        "pair_rate": pair_rate,
    }
    wafer = clustered(*size, rates, cluster=cluster, alpha=alpha, seed=seed)
    write_result(output, lambda: wafer_to_json(wafer), lambda: wafer_to_npz(wafer))
    if silent:
        return
    result = {**summary(wafer), "file": output, "reproduce": again("seed")}

    def render() -> None:
        if text:
            click.echo(wafer.to_text())
        key_values(
            f"Wafer {wafer.width}x{wafer.height}",
            [
                ("healthy tiles", f"{result['healthy_tiles']} of {wafer.width * wafer.height}"),
                ("core / tile defects", f"{result['core_defects']} / {result['tile_defects']}"),
                ("dead links", f"{result['dead_links']} of {result['links']}"),
                ("written", output),
            ],
        )
        click.echo(f"Again: {result['reproduce']}")

    emit(as_json, result, render)


def _first(*rates: float | None) -> float:
    """The first rate that is given, else 0."""
    return next((rate for rate in rates if rate is not None), 0.0)


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
