"""Route lookup made fast: what route table, turn mask and fuses say, in forms of few memory reads.

*Direct*, where that is small: a byte for each lane and place, the output. Else *by masks*: entry e
of a tile matches when bit e is set in the mask of its x, in that of its y, and in that of the
lane; tiles whose entries have the same x ranges (y ranges) share the masks of a row of x (y).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.random import GOLDEN, mix64
from model.spec import Port, bits_for

DIRECT_MOST: Final = 1 << 19
"""Bytes up to which a direct table is made; beyond, it would not fit the nearest caches."""

SINK: Final = 5
"""Output of an offender's packet; also the ``output`` of a trace row."""

Array = npt.NDArray[Any]


class Tables(NamedTuple):
    """Either form; the other's arrays are short."""

    direct: bool
    x_bits: int
    place_bits: int
    output: Array  # uint8[tiles * (5 V + 1) << place_bits]: output or SINK by lane and place
    rows: Array  # uint32[tiles * 4]: where the masks of x and of y begin; the tile's own place
    of_x: Array  # mask[rows of x * width]
    of_y: Array  # mask[rows of y * height]
    to: Array  # mask[tiles * 4]: entries whose output has bit 0, 1, 2
    of_lane: Array  # mask[tiles * 8 V]: entries for that port and VC
    legal: Array  # uint8[tiles * 8 V]: bit set of outputs a lane may take


def make_tables(image: ConfigImage) -> Tables:
    """Translate the tables of an image (RTR-7)."""
    spec = image.spec
    x_bits = bits_for(spec.width - 1)
    place_bits = x_bits + bits_for(spec.height - 1)
    size = spec.tiles * (5 * spec.vcs + 1) << place_bits
    direct = size <= DIRECT_MOST
    nothing = np.zeros(1, np.uint16)
    masks = (np.zeros(1, np.uint32), *[nothing] * 4, np.zeros(1, np.uint8))
    if not direct:
        masks = _masks(image, x_bits)
    output = _direct(image, x_bits, place_bits) if direct else np.zeros(1, np.uint8)
    return Tables(direct, x_bits, place_bits, output, *masks)


def _legal(image: ConfigImage) -> Array:
    """Bit set of the outputs that each input VC may take, uint8[tiles, 5, vcs]."""
    usable = np.concatenate([image.out_ok, image.core_ok[:, None]], axis=1)
    found = np.zeros((image.spec.tiles, 5, image.spec.vcs), np.uint8)
    for output in range(5):
        found |= (image.turns[:, :, output] & usable[:, None, None, output]).astype(
            np.uint8
        ) << np.uint8(output)
    return found


def _direct(image: ConfigImage, x_bits: int, place_bits: int) -> Array:
    spec = image.spec
    place = np.arange(1 << place_bits)
    x, y = place & ((1 << x_bits) - 1), place >> x_bits
    found = np.full((spec.tiles, 5, spec.vcs, len(place)), SINK, np.uint8)
    port, vc = np.arange(5)[:, None, None], np.arange(spec.vcs)[:, None]
    for slot in reversed(range(spec.route_entries)):  # so that the first match writes last
        entry = image.routes[:, slot, None, None, None]
        if not entry["valid"].any():
            continue
        inside = (entry["x_lo"] <= x) & (x <= entry["x_hi"])
        inside &= (entry["y_lo"] <= y) & (y <= entry["y_hi"]) & (entry["valid"] != 0)
        lane = (entry["from_ports"] >> port & 1) & (entry["vcs"] >> vc & 1) == 1
        np.copyto(found, entry["to"], where=inside & lane)
    tile = np.arange(spec.tiles)
    found[tile, :, :, tile // spec.width << x_bits | tile % spec.width] = Port.LOCAL
    legal = _legal(image)[..., None] >> np.minimum(found, 7) & 1
    table = np.full((spec.tiles, 5 * spec.vcs + 1, len(place)), SINK, np.uint8)
    table[:, :-1] = np.where(legal == 1, found, SINK).reshape(spec.tiles, -1, len(place))
    return table.ravel()


def _masks(image: ConfigImage, x_bits: int) -> tuple[Array, ...]:
    spec, routes = image.spec, image.routes
    tiles, V, count = spec.tiles, spec.vcs, spec.route_entries
    mask = np.uint16 if count <= 16 else np.uint64
    rows = np.zeros((tiles, 4), np.uint32)
    tile = np.arange(tiles)
    rows[:, 2] = tile // spec.width << x_bits | tile % spec.width
    rows[:, 0], of_x = _rows(routes, "x", spec.width, mask)
    rows[:, 1], of_y = _rows(routes, "y", spec.height, mask)
    to, of_lane = np.zeros((tiles, 4), mask), np.zeros((tiles, 8, V), mask)
    for e in range(count):
        bit = mask(1 << e)
        for plane in range(3):
            to[:, plane] |= (routes["to"][:, e] >> plane & 1) * bit
        for port in range(5):
            for vc in range(V):
                lets = (routes["from_ports"][:, e] >> port) & (routes["vcs"][:, e] >> vc) & 1
                of_lane[:, port, vc] |= lets * bit
    legal = np.zeros((tiles, 8, V), np.uint8)
    legal[:, :5] = _legal(image)
    return rows.ravel(), of_x, of_y, to.ravel(), of_lane.ravel(), legal.ravel()


def _rows(routes: Array, axis: str, length: int, mask: Any) -> tuple[Array, Array]:
    """Where each tile's masks of one coordinate begin, and all masks."""
    low, high = routes[f"{axis}_lo"].astype(np.int64), routes[f"{axis}_hi"].astype(np.int64)
    never = (routes["valid"] == 0) | (low > high) | (low >= length)
    low, high = np.where(never, 0, low), np.where(never, -1, np.minimum(high, length - 1))
    key = np.zeros(len(low), np.uint64)
    for e in range(low.shape[1]):
        key = mix64(key + (low[:, e] << 16 | (high[:, e] + 1)).astype(np.uint64) + np.uint64(GOLDEN))
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    if not ((low[first][row] == low).all() and (high[first][row] == high).all()):
        first = row = np.arange(len(low))  # two tiles with equal keys and different ranges
    edges = np.zeros((len(first), length + 1), mask)
    here = np.arange(len(first))
    for e in range(low.shape[1]):  # a bit comes in at the low end and goes out after the high one
        edges[here, low[first, e]] += mask(1 << e)
        edges[here, high[first, e] + 1] -= mask(1 << e)
    masks = np.cumsum(edges, axis=1, dtype=mask)[:, :length]
    return (row * length).astype(np.uint32), np.ascontiguousarray(masks).ravel()
