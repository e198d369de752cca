"""Configuration images as files (design.md §9): JSON, one tile per line, and a binary twin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from model.atomic import atomic_open
from model.errors import InputError
from model.files import ZIP_MAGIC, decode, read_bytes, read_npz, require_array, write_npz
from model.image import ROUTE_DTYPE, RULE_DTYPE, ConfigImage
from model.image_checks import check_image
from model.schema import check, parse_json, shown
from model.spec import VC_RULES, FabricSpec, Port

FORMAT: Final = "wafermesh-config/1"
_ALWAYS: Final = (
    "width", "height", "vcs", "depth", "payload_width", "route_entries", "max_packet"
)  # fmt: skip
_ARRAYS: Final = (
    "remap_tile", "remap_vc", "live", "core_ok", "in_ok", "out_ok", "identity", "turns", "routes",
    "rules",
)  # fmt: skip
_NAMES: Final = [port.name for port in Port]
_NUMBER: Final = {port.name: int(port) for port in Port}


def load_image(path: str | Path) -> ConfigImage:
    """Read and check an image.

    Raises
    ------
    InputError
        One line for the first thing that is wrong: syntax, an unknown key, a value out of range,
        fuses that disagree (FUS-1), tables that do not fit, turns with a cycle (TBL-2).
    """
    return parse_image(read_bytes(path), str(path))


def save_image(image: ConfigImage, path: str | Path) -> None:
    """Write an image; ``.npz`` chooses the binary twin, the file appears whole or not at all."""
    binary = str(path).endswith(".npz")
    with atomic_open(path) as file:
        file.write(image_to_npz(image) if binary else image_to_json(image).encode())


def parse_image(data: bytes, name: str = "image") -> ConfigImage:
    """Read an image from a file's bytes, JSON or ``.npz``; errors as :func:`load_image`'s."""
    binary = data.startswith(ZIP_MAGIC)
    image = _from_npz(data, name) if binary else _from_json(decode(data, name), name)
    check_image(image)
    return image


# JSON ---------------------------------------------------------------------------------------------


def spec_to_json(spec: FabricSpec) -> dict[str, int]:
    """The seven main fields, and of the others those that are not the default."""
    plain = FabricSpec(width=spec.width, height=spec.height).to_dict()
    return {k: v for k, v in spec.to_dict().items() if k in _ALWAYS or v != plain[k]}


def image_to_json(image: ConfigImage) -> str:
    """The image as JSON text; equal images make equal texts."""
    spec = image.spec
    remap = [
        None if t < 0 else [int(t % spec.width), int(t // spec.width), int(vc)]
        for t, vc in zip(image.remap_tile, image.remap_vc, strict=True)
    ]
    tiles = ",\n".join(
        f"  {json.dumps(tile_to_json(image, int(t)))}" for t in np.flatnonzero(image.live)
    )
    logical = {"width": image.logical_width, "height": image.logical_height}
    return (
        f'{{"format": "{FORMAT}",\n "spec": {json.dumps(spec_to_json(spec))},\n'
        f' "logical": {json.dumps(logical)},\n "remap": {json.dumps(remap)},\n'
        f' "tiles": [\n{tiles}\n ],\n'
        f' "report": {json.dumps(image.report, ensure_ascii=False)}}}\n'
    )


def tile_to_json(image: ConfigImage, tile: int) -> dict[str, Any]:
    """One live tile as the object that the file holds."""
    routes, rules = image.routes[tile], image.rules[tile]
    turns = [[_NAMES[i], _NAMES[o], int(v)] for i, o, v in np.argwhere(image.turns[tile])]
    made: dict[str, Any] = {
        "x": tile % image.spec.width,
        "y": tile // image.spec.width,
        "logical": int(image.identity[tile]) if image.identity[tile] >= 0 else None,
        "core_ok": bool(image.core_ok[tile]),
        "in_ok": image.in_ok[tile].tolist(),
        "out_ok": image.out_ok[tile].tolist(),
        "turns": turns,
        "routes": [
            {
                "x": [x_lo, x_hi],
                "y": [y_lo, y_hi],
                "from": [_NAMES[p] for p in range(5) if ports >> p & 1],
                "vcs": [v for v in range(4) if vcs >> v & 1],
                "to": _NAMES[to],
            }
            for _, x_lo, x_hi, y_lo, y_hi, ports, vcs, to in routes[routes["valid"] != 0].tolist()
        ],
        "vc_rules": [
            {"x": [x_lo, x_hi], "y": [y_lo, y_hi], "vc": vc}
            for _, x_lo, x_hi, y_lo, y_hi, vc in rules[rules["valid"] != 0].tolist()
        ],
    }
    return made


def _from_json(text: str, name: str) -> ConfigImage:
    data = check("config", parse_json(text, name), "image")
    spec = FabricSpec.from_dict(data["spec"], "image.spec")
    image = _blank(spec, data["logical"])
    if len(data["remap"]) != image.logical:
        raise InputError(f"image.remap has length {len(data['remap'])}; allowed: {image.logical}")
    for i, place in enumerate(data["remap"]):
        if place is None:
            continue
        x, y, image.remap_vc[i] = place
        image.remap_tile[i] = _tile_id(spec, x, y, f"image.remap[{i}]")
    for i, item in enumerate(data["tiles"]):
        tile = _tile_id(spec, item["x"], item["y"], f"image.tiles[{i}]")
        if image.live[tile]:
            raise InputError(
                f"image.tiles[{i}] is ({item['x']}, {item['y']}) again; allowed: each tile once"
            )
        _tile_from_json(image, tile, item, f"image.tiles[{i}]")
    image.report = data.get("report", {})
    return image


def _blank(spec: FabricSpec, logical: dict[str, int]) -> ConfigImage:
    width, height = logical["width"], logical["height"]
    if width * height > spec.tiles:
        raise InputError(
            f"image.logical is {width}x{height}; allowed: at most {spec.tiles} cores in all"
        )
    return ConfigImage.blank(spec, width, height)


def _tile_id(spec: FabricSpec, x: int, y: int, where: str) -> int:
    if x >= spec.width or y >= spec.height:
        raise InputError(
            f"{where} is at ({x}, {y}); allowed: a place within {spec.width}x{spec.height}"
        )
    return y * spec.width + x


def _tile_from_json(image: ConfigImage, tile: int, item: dict[str, Any], where: str) -> None:
    image.live[tile] = True
    image.core_ok[tile] = item["core_ok"]
    image.in_ok[tile], image.out_ok[tile] = item["in_ok"], item["out_ok"]
    if item.get("logical") is not None:
        image.identity[tile] = item["logical"]
    vcs = image.spec.vcs
    for i, (came, out, vc) in enumerate(item["turns"]):
        if vc >= vcs:
            raise InputError(f"{where}.turns[{i}][2] is {vc}; allowed: 0 to {vcs - 1}")
        image.turns[tile, _NUMBER[came], _NUMBER[out], vc] = True
    rules = item.get("vc_rules", [])
    for key, rows, most in (
        ("routes", item["routes"], image.spec.route_entries),
        ("vc_rules", rules, VC_RULES),
    ):
        if len(rows) > most:
            raise InputError(f"{where}.{key} has {len(rows)} entries; allowed: at most {most}")
    for i, route in enumerate(item["routes"]):
        ports = sum(1 << p for p in {_NUMBER[port] for port in route["from"]})
        if any(vc >= vcs for vc in route["vcs"]):
            raise InputError(
                f"{where}.routes[{i}].vcs is {shown(route['vcs'])}; allowed: 0 to {vcs - 1}"
            )
        vc_set = sum(1 << v for v in set(route["vcs"]))
        image.routes[tile, i] = (1, *route["x"], *route["y"], ports, vc_set, _NUMBER[route["to"]])
    for i, rule in enumerate(rules):
        image.rules[tile, i] = (1, *rule["x"], *rule["y"], rule["vc"])


# Binary twin --------------------------------------------------------------------------------------


def image_to_npz(image: ConfigImage) -> bytes:
    """The image as a compressed NumPy archive; equal images make equal bytes."""
    meta = {
        "format": FORMAT,
        "spec": spec_to_json(image.spec),
        "logical": {"width": image.logical_width, "height": image.logical_height},
        "report": image.report,
    }
    return write_npz(meta, **{name: getattr(image, name) for name in _ARRAYS})


def _from_npz(data: bytes, name: str) -> ConfigImage:
    arrays, meta = read_npz(data, name, _ARRAYS)
    meta = check("config", {"remap": [], "tiles": [], **meta}, "image")
    image = _blank(FabricSpec.from_dict(meta["spec"], "image.spec"), meta["logical"])
    top = {
        "remap_tile": image.spec.tiles - 1,
        "identity": image.logical - 1,
        "remap_vc": image.spec.vcs - 1,
    }
    for field in _ARRAYS:
        like = getattr(image, field)
        got = require_array(
            f"image.{field}", arrays[field], like.dtype, like.shape, top.get(field, 1)
        )
        setattr(image, field, got)
    for field, dtype in (("routes", ROUTE_DTYPE), ("rules", RULE_DTYPE)):
        setattr(image, field, getattr(image, field).astype(dtype))
    image.report = meta.get("report", {})
    return image
