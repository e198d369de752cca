"""``wafermesh inspect``: look at an image, a tile, or the walk of one pair through the tables."""

from __future__ import annotations

import re
from typing import Any

import click
import numpy as np
from rich.markup import escape

from model.errors import InputError, require_int
from model.image import ConfigImage
from model.image_file import tile_to_json
from model.repair.homes import HomePlan
from model.schema import shown
from model.spec import PORT_DX, PORT_DY, Port
from tools.common import again, emit, json_option, key_values
from tools.compile import report_rows
from tools.files import read_image


@click.command(name="inspect")
@click.argument("image")
@click.option("--from", "source", type=int, help="Logical id that sends.")
@click.option("--to", "destination", type=int, help="Logical id that receives.")
@click.option("--tile", help="Show one tile's tables: x,y.")
@json_option
def command(
    image: str, source: int | None, destination: int | None, tile: str | None, as_json: bool
) -> None:
    """Show IMAGE (a file or -); with --from and --to walk one pair, with --tile one tile."""
    if tile is not None and (source is not None or destination is not None):
        raise InputError(f"--tile is {tile!r}; allowed: without --from and --to")
    loaded = read_image(image)
    if (source is None) != (destination is None):
        raise InputError("--from is given without --to or --to without --from; allowed: both")
    if source is not None and destination is not None:
        walk = {**walk_pair(loaded, source, destination), "reproduce": again()}
        emit(as_json, walk, lambda: _render_walk(walk))
        if not walk["arrived"]:
            raise click.exceptions.Exit(1)
    elif tile is not None:
        tables = {**tile_to_json(loaded, parse_tile(loaded, tile)), "reproduce": again()}
        emit(as_json, tables, lambda: _render_tile(tables))
    else:
        result = {
            "spec": loaded.spec.to_dict(),
            "report": loaded.report,
            "map": host_map(loaded),
            "reproduce": again(),
        }
        emit(as_json, result, lambda: _render_image(result))


def parse_tile(image: ConfigImage, text: str) -> int:
    """Tile id of ``x,y``.

    Raises
    ------
    InputError
        When it is not a place of the fabric, or its router is dead.
    """
    match = re.fullmatch(r"(\d{1,4}),(\d{1,4})", text)
    x, y = (int(match[1]), int(match[2])) if match else (-1, -1)
    width, height = image.spec.width, image.spec.height
    if not (0 <= x < width and 0 <= y < height):
        raise InputError(f"--tile is {text!r}; allowed: x,y within {width}x{height}")
    if not image.live[y * width + x]:
        raise InputError(f"--tile is {text!r}; allowed: a tile whose router lives")
    return y * width + x


def walk_pair(image: ConfigImage, source: int, destination: int) -> dict[str, Any]:
    """Follow a packet through the tables, step by step (RTR-7).

    Returns
    -------
    dict
        ``arrived``, ``vc``, ``hops`` and ``steps``: per tile its place, the input, the number of
        the matched entry (None at the destination or without a match), the output, and whether the
        turn is legal.

    Raises
    ------
    InputError
        When an id is out of range or lost.
    """
    for name, logical in (("--from", source), ("--to", destination)):
        require_int(name, logical, 0, image.logical - 1)
        if image.remap_tile[logical] < 0:
            raise InputError(f"{name} is {logical}, which is lost; allowed: a hosted logical id")
    width = image.spec.width
    tile, goal = int(image.remap_tile[source]), int(image.remap_tile[destination])
    rule = first_match(image.rules[tile], goal, width)
    vc = int(image.remap_vc[destination] if rule is None else image.rules[tile][rule]["vc"])
    came, steps = Port.LOCAL, []
    for _ in range(5 * image.spec.tiles):
        entry = None
        out: Port | None = Port.LOCAL
        if tile != goal:
            entry = first_match(image.routes[tile], goal, width, came, vc)
            out = None if entry is None else Port(int(image.routes[tile][entry]["to"]))
        legal = out is not None and bool(image.turns[tile, came, out, vc])
        if legal and out is not None:
            legal = bool(image.core_ok[tile] if out is Port.LOCAL else image.out_ok[tile, out])
        steps.append(
            {
                "tile": [tile % width, tile // width],
                "from": came.name,
                "entry": entry,
                "to": None if out is None else out.name,
                "legal": legal,
            }
        )
        if out is None or not legal or out is Port.LOCAL:
            break
        tile, came = tile + PORT_DX[out] + PORT_DY[out] * width, out.opposite
    arrived = tile == goal and bool(steps[-1]["legal"])
    return {
        "source": source,
        "destination": destination,
        "arrived": arrived,
        "vc": vc,
        "hops": len(steps) - 1,
        "steps": steps,
    }


def first_match(
    table: Any, goal: int, width: int, came: Port | None = None, vc: int = 0
) -> int | None:
    """Index of the first valid entry whose rectangle (and port and VC sets) fit, or None."""
    x, y = goal % width, goal // width
    hit = (table["valid"] != 0) & (table["x_lo"] <= x) & (x <= table["x_hi"])
    hit &= (table["y_lo"] <= y) & (y <= table["y_hi"])
    if came is not None:
        hit &= (table["from_ports"] >> int(came) & 1 != 0) & (table["vcs"] >> vc & 1 != 0)
    return int(np.argmax(hit)) if hit.any() else None


def host_map(image: ConfigImage) -> list[str]:
    """One string per row: ``o`` home, ``r`` repaired here, ``.`` idle, ``c`` no core, ``X``."""
    letters = np.full(image.spec.tiles, "X")
    letters[image.live] = "c"
    letters[image.core_ok] = "."
    hosts = np.flatnonzero(image.identity >= 0)
    at_home = HomePlan.of_image(image).home[image.identity[hosts]] == hosts
    letters[hosts] = np.where(at_home, "o", "r")
    return ["".join(row) for row in letters.reshape(image.spec.height, image.spec.width)]


def _render_walk(walk: dict[str, Any]) -> None:
    for step in walk["steps"]:
        x, y = step["tile"]
        how = "here" if step["to"] == "LOCAL" else f"entry {step['entry']}"
        if step["to"] is None:
            how = "no entry matches"
        end = "" if step["legal"] else "  offender: the tile sinks it"
        click.echo(f"({x:>3}, {y:>3})  {step['from']:>5} > {step['to'] or '-':<5}  {how}{end}")
    state = "arrives" if walk["arrived"] else "is lost"
    click.echo(
        f"{walk['source']} to {walk['destination']} {state}: {walk['hops']} hops in VC {walk['vc']}"
    )
    click.echo(f"Again: {walk['reproduce']}")


def _render_tile(tables: dict[str, Any]) -> None:
    logical = "-" if tables["logical"] is None else str(tables["logical"])
    ports = [port.name for port in Port]
    rows = [
        ("logical", logical),
        ("core", "works" if tables["core_ok"] else "dead"),
        *(
            (name, " ".join(p for p, ok in zip(ports, tables[key], strict=False) if ok))
            for name, key in (("receives from", "in_ok"), ("sends to", "out_ok"))
        ),
    ]
    turns: dict[str, list[str]] = {}
    for came, out, vc in tables["turns"]:
        turns.setdefault(f"turns {came}, VC {vc}", []).append(out)
    rows += [(key, "> " + " ".join(outs)) for key, outs in turns.items()]
    for i, route in enumerate(tables["routes"]):
        came = "any" if len(route["from"]) == len(ports) else " ".join(route["from"])
        vcs = " ".join(str(vc) for vc in route["vcs"])
        rows.append((f"entry {i}", f"{_area(route)}, from {came}, VC {vcs} > {route['to']}"))
    for i, rule in enumerate(tables["vc_rules"]):
        rows.append((f"rule {i}", f"{_area(rule)} > VC {rule['vc']}"))
    key_values(f"Tile ({tables['x']}, {tables['y']})", rows)
    click.echo(f"Again: {tables['reproduce']}")


def _area(entry: dict[str, Any]) -> str:
    (x_lo, x_hi), (y_lo, y_hi) = entry["x"], entry["y"]
    return f"x {x_lo}-{x_hi}, y {y_lo}-{y_hi}"


def _rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines for people; a report that another compiler wrote may hold anything."""
    try:
        return report_rows(report)
    except (KeyError, IndexError, TypeError, ValueError):
        return [(escape(key), escape(shown(value))) for key, value in report.items()]


def _render_image(result: dict[str, Any]) -> None:
    for row in result["map"]:
        click.echo(row)
    click.echo("o at home  r repaired here  . idle core  c core defect  X tile defect")
    if result["report"]:
        key_values("Image", _rows(result["report"]))
    click.echo(f"Again: {result['reproduce']}")
