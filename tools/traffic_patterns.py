"""``wafermesh traffic patterns``: what exists, and where it sends."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
from rich.table import Table

from model.errors import InputError, require_int
from model.image import ConfigImage
from model.spec import FabricSpec
from model.traffic import CATALOGUE, Kind, partners, phase
from tools.common import SIZE, console, emit, json_option, seed_option


@click.command()
@click.option("--size", type=SIZE, help="Logical size, as 8x8, to show where one tile sends.")
@click.option("--from", "source", type=int, default=0, show_default=True, help="Its logical id.")
@seed_option
@json_option
def command(size: tuple[int, int] | None, source: int, seed: int, as_json: bool) -> None:
    """List the patterns; with --size, show where the tile --from sends when all are hosted.

    Load means the same for all: offered flits per sending tile and cycle, in the mean. Drawn and
    fixed patterns start packets at random, or in bursts; phased ones let all tiles send together,
    step by step, as often as the load asks for.
    """
    data: dict[str, Any] = {
        name: {"kind": pattern.kind.value, "about": pattern.about}
        for name, pattern in CATALOGUE.items()
    }
    if size is not None:
        require_int("--from", source, 0, size[0] * size[1] - 1)
        for name in data:
            data[name]["to"] = _goals(name, size, source, seed)
    elif source:
        raise InputError(f"--from is {source}; allowed: with --size")
    emit(as_json, data, lambda: _render(data, size, source))


def _goals(name: str, size: tuple[int, int], source: int, seed: int) -> list[int] | None:
    """Ids in the order of sending; None when they are drawn."""
    if CATALOGUE[name].kind is Kind.DRAWN:
        return None
    partner = partners(name, *size, seed)
    if partner is not None:
        return [int(partner[source])]
    image = ConfigImage.blank(FabricSpec(width=size[0], height=size[1]), *size)
    image.remap_tile[:] = np.arange(image.logical)
    what = phase(name, image)
    return [int(goal) for goal in what.destination[what.source == source]]


def _render(data: dict[str, Any], size: tuple[int, int] | None, source: int) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("pattern", no_wrap=True)
    table.add_column("kind", style="dim")
    table.add_column("who sends to whom")
    if size is not None:
        table.add_column(f"from {source} of {size[0]}x{size[1]}")
    for name, row in data.items():
        goals = []
        if size is not None:
            told = "drawn" if row["to"] is None else ", ".join(map(str, row["to"])) or "nobody"
            goals = [told]
        table.add_row(name, row["kind"], row["about"], *goals)
    console.print(table)
