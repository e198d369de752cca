"""What is known of one tile: place, who lives there, fuses, tables."""

from __future__ import annotations

from typing import Any, Final

from model.errors import require_int
from model.image_file import tile_to_json
from tools.explore.outcome import Kind, Outcome

MEANING: Final = {
    Kind.HOME: "healthy, hosts its own core",
    Kind.REPAIRED: "healthy, hosts a core that moved here",
    Kind.IDLE: "healthy, idle",
    Kind.CORE_DEFECT: "core dead, router works",
    Kind.TILE_DEFECT: "tile dead",
    Kind.CORE_LOST: "core dead, and its logical core is lost",
    Kind.TILE_LOST: "tile dead, and its logical core is lost",
    Kind.CUT_OFF: "healthy, but cut off",
}


def tile_facts(outcome: Outcome, tile: int) -> dict[str, Any]:
    """Facts of a tile.

    Returns
    -------
    dict
        ``tile``, ``x``, ``y``, ``kind`` (in words), ``spare``, ``logical`` (hosted here, or None),
        ``home_of`` (logical id whose home it is, or None), ``host`` (where that one is hosted, x
        and y, or None); of a live tile also ``fuses`` (ports that work both ways, in, out),
        ``entries`` and ``turns`` as lines of text.

    Raises
    ------
    InputError
        When there is no such tile.
    """
    image, homes = outcome.image, outcome.homes
    require_int("tile", tile, 0, image.spec.tiles - 1)
    y, x = divmod(tile, image.spec.width)
    ours = (homes.home == tile).nonzero()[0]
    home_of = int(ours[0]) if len(ours) else None
    logical = int(image.identity[tile])
    host = int(image.remap_tile[home_of]) if home_of is not None else -1
    facts: dict[str, Any] = {
        "tile": tile,
        "x": x,
        "y": y,
        "kind": MEANING[Kind(int(outcome.kind[tile]))],
        "spare": home_of is None,
        "logical": logical if logical >= 0 else None,
        "home_of": home_of,
        "host": list(divmod(host, image.spec.width))[::-1] if host >= 0 else None,
    }
    if image.live[tile]:
        tables = tile_to_json(image, tile)
        facts["entries"] = [_entry(route) for route in tables["routes"]]
        facts["turns"] = _turns(tables["turns"])
        facts["fuses"] = {
            name: "".join("NESW"[p] for p in range(4) if ok[tile, p]) or "none"
            for name, ok in (("receives", image.in_ok), ("sends", image.out_ok))
        }
    return facts


def _entry(route: dict[str, Any]) -> str:
    (x_lo, x_hi), (y_lo, y_hi) = route["x"], route["y"]
    came = "any side" if len(route["from"]) == 5 else ", ".join(p[0] for p in route["from"])
    return f"x {x_lo}–{x_hi}, y {y_lo}–{y_hi}, from {came} → {route['to'].lower()}"


def _turns(turns: list[list[Any]]) -> list[str]:
    """Legal outputs by input; a VC is named where there are several."""
    found: dict[str, list[str]] = {}
    several = any(vc for _, _, vc in turns)
    for came, out, vc in turns:
        found.setdefault(f"{came.lower()}, VC {vc}" if several else came.lower(), []).append(out[0])
    return [f"{came} → {' '.join(outs)}" for came, outs in found.items()]
