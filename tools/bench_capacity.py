"""``wafermesh bench capacity``: what any routing of an image could carry, and what it carries."""

from __future__ import annotations

from typing import Any, get_args

import click
import numpy as np
import numpy.typing as npt

from model.capacity import Method, capacity
from model.errors import InputError
from model.graph import LinkGraph, neighbours
from model.image import ConfigImage
from model.proof import walk_pairs
from model.saturation import find_saturation
from model.spec import PORT_DX, PORT_DY, Port
from model.traffic import PATTERNS, load_demand
from model.traffic import demand as demand_of
from tools.common import RateType, again, emit, json_option, key_values, seed_option
from tools.files import read_image
from tools.inspect import walk_pair

Floats = npt.NDArray[np.float64]


@click.command()
@click.argument("image")
@click.option("--pattern", type=click.Choice(PATTERNS), default="uniform", show_default=True)
@click.option("--demand", help="Traffic matrix: a table with source, destination (ids) and rate.")
@click.option(
    "--method",
    type=click.Choice(get_args(Method)),
    default="auto",
    show_default=True,
    help="Linear program, bounds, or by size.",
)
@click.option(
    "--gap",
    type=RateType(0.001, 1),
    default=0.02,
    show_default=True,
    help="How far apart the bounds may be.",
)
@click.option("--simulate", is_flag=True, help="Find the saturation, too (uniform traffic).")
@seed_option
@json_option
def command(
    image: str,
    pattern: str,
    demand: str | None,
    method: Method,
    gap: float,
    simulate: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Bound the throughput of IMAGE (a file or -) under any routing, and compare its own.

    Throughput is in flits per cycle of a source that sends 1 in the traffic matrix; for uniform
    traffic that is every hosted core. The bound knows working links and hosts only, the image's
    own throughput is where its busiest link is full.
    """
    loaded = read_image(image)
    matrix = _demand(loaded, pattern, demand, seed)
    if simulate and (demand is not None or pattern != "uniform"):
        raise InputError("--simulate is given; allowed: uniform traffic")
    hosts = np.unique(loaded.remap_tile[loaded.remap_tile >= 0])
    bounds = capacity(graph_of(loaded), hosts, matrix, method=method, gap=gap)
    static = static_throughput(loaded, hosts, matrix)
    data: dict[str, Any] = {
        "hosts": len(hosts),
        "upper": bounds.upper,
        "lower": bounds.lower,
        "method": bounds.method,
        "static": static,
        "static_share": static / bounds.upper if bounds.upper else None,
    }
    if simulate:
        found = find_saturation(loaded, seed=seed)
        data |= {"saturation": found.load, "saturation_share": found.load / bounds.upper}
    data["reproduce"] = again().replace("wafermesh ", "wafermesh bench ", 1)
    emit(as_json, data, lambda: _render(data))


def _demand(image: ConfigImage, pattern: str, file: str | None, seed: int) -> Floats:
    """float64[hosts, hosts] by ascending tile; the busiest source of a file sends 1."""
    hosted = np.flatnonzero(image.remap_tile >= 0)
    if file is not None:
        logical = load_demand(file, image)
        logical /= max(logical.sum(axis=1).max(), 1e-300)
    else:
        logical = demand_of(image, pattern, seed)
    order = hosted[np.argsort(image.remap_tile[hosted])]
    return logical[np.ix_(order, order)]


def graph_of(image: ConfigImage) -> LinkGraph:
    """The working links that an image's fuses tell of."""
    width, height = image.spec.width, image.spec.height
    return LinkGraph(
        width=width,
        height=height,
        live=image.live,
        core_ok=image.core_ok,
        neighbour=neighbours(width, height),
        out_ok=image.out_ok,
        in_ok=image.in_ok,
    )


def static_throughput(image: ConfigImage, hosts: npt.NDArray[np.int32], demand: Floats) -> float:
    """Throughput at which a link, LOCAL ones included, is full on the image's own routes.

    What all pairs have in common is walked at once, the rest pair by pair.
    """
    others = ~np.eye(len(hosts), dtype=np.bool_)
    common = float(demand[others].min())
    load = np.zeros((image.spec.tiles, 4))
    if common > 0:
        load += common * walk_pairs(image).load
    identity = image.identity[hosts]
    for source, goal in np.argwhere((demand > common) & others).tolist():
        walk = walk_pair(image, int(identity[source]), int(identity[goal]))
        tile = int(hosts[source])
        for step in walk["steps"][:-1]:
            port = Port[step["to"]]
            load[tile, port] += demand[source, goal] - common
            tile += PORT_DX[port] + PORT_DY[port] * image.spec.width
    local = max(demand.sum(axis=0).max(), demand.sum(axis=1).max())
    return float(1 / max(load.max(), local))


def _render(data: dict[str, Any]) -> None:
    share = f", {data['static_share']:.3f} of the bound" if data["static_share"] else ""
    rows = [
        ("hosts", str(data["hosts"])),
        ("no routing exceeds", f"{data['upper']:.4f} flits per cycle ({data['method']})"),
        ("some routing reaches", f"{data['lower']:.4f}"),
        ("this image, busiest link", f"{data['static']:.4f}{share}"),
    ]
    if "saturation" in data:
        shares = f"{data['saturation_share']:.3f} of the bound"
        rows.append(("this image, saturation", f"{data['saturation']:.4f}, {shares}"))
    key_values("Capacity", rows)
    click.echo(f"Again: {data['reproduce']}")
