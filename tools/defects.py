"""``wafermesh defects``: sample a wafer map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from model.atomic import check_target
from model.defects import clustered, sample
from model.errors import InputError
from model.geometry import Geometry
from model.graph import LinkGraph
from model.image import ConfigImage
from model.presets import PRESETS
from model.spec import FabricSpec
from model.wafer import TileState, WaferMap, wafer_to_json, wafer_to_npz
from tools.common import (
    SIZE,
    OutputType,
    again,
    emit,
    json_option,
    key_values,
    seed_option,
)
from tools.defect_options import model_of, model_options, rate_options, rates_of
from tools.files import report_to_stderr, write_result
from tools.pictures import draw, picture_size
from tools.plotting import ENDINGS, picture


@click.command(name="defects")
@click.option("--size", type=SIZE, help="Width x height in tiles, as 32x18.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="Size and rates by name, each unless given: "
    + "; ".join(f"{name}: {kind.about}" for name, kind in PRESETS.items())
    + ".",
)
@rate_options
@model_options
@seed_option
@click.option(
    "-o",
    "--output",
    type=OutputType(),
    default="-",
    help="File, .json or .npz; - prints JSON.",
)
@click.option("--text", is_flag=True, help="Draw the map.")
@click.option("--picture", "drawn", type=OutputType(*ENDINGS), help="Draw it, .png or .svg.")
@json_option
def command(
    size: tuple[int, int] | None,
    preset: str | None,
    cluster: str,
    alpha: float,
    seed: int,
    output: str,
    text: bool,
    drawn: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Sample a wafer map with broken cores, tiles and links; equal seeds make equal bytes.

    Rates break each part on its own. --model, --d0, --klarf and --csv add other kinds of defects;
    with one of them a preset gives the size only.

    \b
    wafermesh defects --preset wse3 --d0 0.1 --cluster dies --alpha 0.5 -o wafer.npz
    wafermesh defects --size 96x96 --model scratches:count=5,length=power(1,100,2) -o wafer.json
    wafermesh defects --preset wse3 --klarf lot.klarf --geometry edge_exclusion=3 -o wafer.npz
    """
    silent = report_to_stderr(output, as_json)
    if drawn is not None:
        check_target("--picture", drawn)
    kind = PRESETS.get(preset or "")
    if size is None and kind is not None:
        size = (kind.width, kind.height)
    if size is None:
        raise InputError("--size is missing; allowed: WIDTHxHEIGHT, or a --preset")
    alpha = int(alpha) if alpha.is_integer() else alpha
    rates = rates_of(given)
    model = model_of(given, rates, cluster, alpha, kind.geometry if kind else Geometry())
    if model is not None:
        wafer = sample(model, *size, seed)
    else:
        wafer = clustered(*size, rates_of(given, kind), cluster=cluster, alpha=alpha, seed=seed)
    write_result(output, lambda: wafer_to_json(wafer), lambda: wafer_to_npz(wafer))
    if drawn is not None:
        _draw(wafer, drawn)
    if silent:
        return
    notes = wafer.origin.get("notes", [])
    result = {
        **summary(wafer),
        **({"notes": notes} if notes else {}),
        "file": output,
        "reproduce": again("seed"),
    }

    def render() -> None:
        if text:
            click.echo(wafer.to_text())
        key_values(
            f"Wafer {wafer.width}x{wafer.height}",
            [
                ("healthy tiles", f"{result['healthy_tiles']} of {wafer.width * wafer.height}"),
                ("core / tile defects", f"{result['core_defects']} / {result['tile_defects']}"),
                ("dead links", f"{result['dead_links']} of {result['links']}"),
                *[pair for note in notes for pair in _told(note)],
                ("written", output),
            ],
        )
        click.echo(f"Again: {result['reproduce']}")

    emit(as_json, result, render)


def _told(note: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows about an inspection file."""
    if "defects" not in note:
        return []
    outside = [
        f"{note[name]} {name.replace('_', ' ')}"
        for name in ("outside_the_array", "outside_the_wafer", "in_the_edge_ring", "in_streets")
        if note[name]
    ]
    found = f"{note['defects']} on wafer {note['wafer']}" if note["wafer"] else note["defects"]
    return [
        ("defects found", f"{found}, {note['harmless']} harmless, {note['too_large']} too large"),
        ("where", f"{note['touching_tiles']} on tiles" + "".join(f", {one}" for one in outside)),
    ]


def _draw(wafer: WaferMap, path: str) -> None:
    """A picture of the map, drawn like an image on which nothing is hosted."""
    image = bare_image(wafer)
    with picture(path, size=picture_size(image)) as (figure, axes):
        draw(figure, axes[0, 0], image, "defects")


def bare_image(wafer: WaferMap) -> ConfigImage:
    """An image with the map's fuses and nothing else, for pictures."""
    spec = FabricSpec(width=wafer.width, height=wafer.height, route_entries=1)
    image = ConfigImage.blank(spec, wafer.width, wafer.height)
    graph = LinkGraph.from_wafer(wafer)
    image.live, image.core_ok = graph.live, graph.core_ok
    image.out_ok, image.in_ok = graph.out_ok, graph.in_ok
    return image


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
