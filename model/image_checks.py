"""What must hold between the tables of an image, whatever file it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.graph import neighbours, receivers
from model.image import ConfigImage
from model.proof import require_acyclic
from model.spec import Port
from model.wafer import inside


def check_image(image: ConfigImage) -> None:
    """Refuse an image that contradicts itself or could deadlock.

    Raises
    ------
    InputError
        One line for the first fault, in this order: fuses, hosts, rectangles, turns.
    """
    _check_fuses(image)
    _check_hosts(image)
    _check_tables(image)
    require_acyclic(image)


def place(image: ConfigImage, tile: int) -> str:
    """``(x, y)`` of a tile id."""
    return f"({tile % image.spec.width}, {tile // image.spec.width})"


def _first(bad: npt.NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Index of the first true element, None when there is none."""
    return tuple(int(k) for k in np.argwhere(bad)[0]) if bad.any() else None


def _check_fuses(image: ConfigImage) -> None:
    """FUS-1: dead tiles and the wafer's edge have no fuse set, both ends of a link agree."""
    near = neighbours(image.spec.width, image.spec.height)
    mesh = inside(image.spec.width, image.spec.height)
    for name, fuses in (("in_ok", image.in_ok), ("out_ok", image.out_ok)):
        if found := _first(fuses & ~mesh):
            where = f"tile {place(image, found[0])} {name}[{Port(found[1]).name}]"
            raise InputError(f"{where} is true; allowed: false at the wafer's edge (FUS-1)")
        if found := _first(fuses & ~image.live[:, None]):
            where = f"tile {place(image, found[0])} {name}[{Port(found[1]).name}]"
            raise InputError(f"{where} is true; allowed: false at a tile that is not in the image")
        if found := _first(fuses & mesh & ~image.live[near]):
            where = f"tile {place(image, found[0])} {name}[{Port(found[1]).name}]"
            there = place(image, int(near[found]))
            raise InputError(f"{where} is true; allowed: false, tile {there} is not in the image")
    if found := _first(image.in_ok != receivers(image.out_ok, near)):
        tile, port = int(near[found]), Port(found[1])
        sends, hears = (
            str(bool(v)).lower() for v in (image.out_ok[tile, port.opposite], image.in_ok[found])
        )
        raise InputError(
            f"link {place(image, tile)} {port.opposite.name} has out_ok {sends} but in_ok {hears}"
            f" at {place(image, found[0])}; allowed: equal fuses at both ends (FUS-1)"
        )
    if found := _first(image.core_ok & ~image.live):
        raise InputError(
            f"tile {place(image, found[0])} core_ok is true;"
            " allowed: false at a tile that is not in the image"
        )


def _check_hosts(image: ConfigImage) -> None:
    """Remap and identity name each other; hosts live and have a core; VCs exist."""
    for logical in np.flatnonzero(image.remap_tile >= 0).tolist():
        tile = int(image.remap_tile[logical])
        where = f"image.remap[{logical}] is {place(image, tile)}; allowed:"
        if not image.live[tile]:
            raise InputError(f"{where} a tile of the image")
        if not image.core_ok[tile]:
            raise InputError(f"{where} a tile whose core works")
        if image.identity[tile] != logical:
            given = "no logical id" if image.identity[tile] < 0 else int(image.identity[tile])
            raise InputError(f"{where} the tile with this identity, it has {given}")
        if image.remap_vc[logical] >= image.spec.vcs:
            vc = int(image.remap_vc[logical])
            raise InputError(
                f"image.remap[{logical}] vc is {vc}; allowed: 0 to {image.spec.vcs - 1}"
            )
    for tile in np.flatnonzero(image.identity >= 0).tolist():
        logical = int(image.identity[tile])
        where = f"tile {place(image, tile)} logical is {logical}; allowed:"
        if logical >= image.logical:
            raise InputError(f"{where} 0 to {image.logical - 1}")
        if image.remap_tile[logical] != tile:
            raise InputError(f"{where} the id that image.remap sends here, or null")


def _check_tables(image: ConfigImage) -> None:
    """Rectangles lie on the fabric, port and VC sets are not empty, VCs exist (RMP-2)."""
    for name, table in (("routes", image.routes), ("vc_rules", image.rules)):
        used = (table["valid"] != 0) & image.live[:, None]
        for axis, size in (("x", image.spec.width), ("y", image.spec.height)):
            low, high = table[f"{axis}_lo"], table[f"{axis}_hi"]
            if found := _first(used & ((low > high) | (high >= size))):
                value = [int(low[found]), int(high[found])]
                raise InputError(
                    f"{_entry(image, name, found)}.{axis} is {value};"
                    f" allowed: low to high within 0 to {size - 1}"
                )
    routes, rules = image.routes, image.rules
    used = (routes["valid"] != 0) & image.live[:, None]
    vcs = image.spec.vcs
    bounds: list[tuple[str, Any, int, int, str]] = [
        ("from", routes["from_ports"], 1, 31, "at least one port, each once"),
        ("vcs", routes["vcs"], 1, (1 << vcs) - 1, f"at least one of 0 to {vcs - 1}"),
        ("to", routes["to"], 0, 4, "a port"),
    ]
    for key, values, least, most, allowed in bounds:
        if found := _first(used & ((values < least) | (values > most))):
            where = f"{_entry(image, 'routes', found)}.{key}"
            raise InputError(f"{where} is bits {int(values[found]):b}; allowed: {allowed}")
    if found := _first((rules["valid"] != 0) & (rules["vc"] >= vcs)):
        where = f"{_entry(image, 'vc_rules', found)}.vc"
        raise InputError(f"{where} is {int(rules['vc'][found])}; allowed: 0 to {vcs - 1}")


def _entry(image: ConfigImage, name: str, found: tuple[int, ...]) -> str:
    return f"tile {place(image, found[0])} {name}[{found[1]}]"
