"""Brushes that break and heal: strokes on the canvas become edits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from model.errors import InputError
from model.spec import PORT_DX, PORT_DY, Port
from model.wafer import inside
from tools.explore.edits import link_edit

BRUSHES: Final = {
    "tile": "Break tile",
    "core": "Break core",
    "link": "Break link",
    "one-way": "Break one way",
    "heal": "Heal",
}
MOST: Final = 2000
"""Places of one stroke."""

_SIGN: Final = {"tile": "X", "core": "c", "heal": "."}
_PLACE: Final = re.compile(r"(\d{1,7}):([0-4])")


def stroke_edits(brush: str, places: Iterable[object], width: int, height: int) -> list[str]:
    """Edits of a stroke.

    Parameters
    ----------
    brush : str
        One of :data:`BRUSHES`.
    places : iterable of str
        ``<tile>:<part>``: part 0–3 is near the tile's border to the N, E, S, W, 4 its middle. It
        comes from the browser, and may be anything.
    width, height : int
        Of the wafer.

    Raises
    ------
    InputError
        When the brush or a place does not exist.
    """
    if brush not in BRUSHES:
        raise InputError(f"brush is {brush!r}; allowed: {', '.join(BRUSHES)}")
    given = list(places)
    if len(given) > MOST:
        raise InputError(f"stroke has {len(given)} places; allowed: at most {MOST}")
    mesh = inside(width, height)
    edits: list[str] = []
    for place in given:
        match = _PLACE.fullmatch(place) if isinstance(place, str) else None
        if not match or int(match[1]) >= width * height:
            raise InputError(f"stroke holds {str(place)[:20]!r}; allowed: tile:part on the wafer")
        tile, part = int(match[1]), int(match[2])
        if brush in ("tile", "core") or (brush == "heal" and part == 4):
            edits.append(str(tile) + _SIGN[brush])
        elif part < 4 and mesh[tile, part]:
            dead, port = brush != "heal", Port(part)
            edits.append(link_edit(tile, port, dead=dead))
            if brush != "one-way":
                there = tile + PORT_DX[port] + PORT_DY[port] * width
                edits.append(link_edit(there, port.opposite, dead=dead))
    return edits
