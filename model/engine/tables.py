"""Route lookup in few memory reads: what route table, turn mask and fuses say, by classes.

The rectangles of a tile's route entries, and its own place, cut the x axis into *classes* of
coordinates that no entry tells apart, and the y axis likewise. A row of classes serves all tiles
that cut their axis alike; an output for each (x class, y class, lane) serves all tiles that are
alike in all of it. On a plain mesh that is one table for all but the edges.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.random import GOLDEN, mix64
from model.spec import Port, bits_for

SINK: Final = 5
"""Output of an offender's packet; also the ``output`` of a trace row."""

BLOCK: Final = 1 << 20
"""Outputs worked out at a time."""

Array = npt.NDArray[Any]


class Tables(NamedTuple):
    """The output, or SINK for an offender, of a packet for (x, y) at lane ``port * V + vc`` is
    ``cells[k + (cells[i + x] * n + cells[j + y]) * 5 V + lane]``, with the tile's two words
    ``j << 32 | i`` and ``n << 40 | k``.
    """

    x_bits: int
    cells: Array  # uint8[...]: rows of x classes, of y classes, outputs
    words: Array  # int64[tiles, 2]


def make_tables(image: ConfigImage) -> Tables:
    """Translate the tables of an image (RTR-7)."""
    spec = image.spec
    routes = image.routes[:, (image.routes["valid"] != 0).any(axis=0)]
    y, x = np.divmod(np.arange(spec.tiles), spec.width)
    words = np.zeros((spec.tiles, 2), np.int64)
    row_x, class_of_x, x_low, x_high, x_own = _axis(routes, "x", x, spec.width)
    row_y, class_of_y, y_low, y_high, y_own = _axis(routes, "y", y, spec.height)
    words[:, 0] = (class_of_x.size + row_y * spec.height) << 32 | row_x * spec.width
    usable = np.concatenate([image.out_ok, image.core_ok[:, None]], axis=1)
    legal = np.zeros((spec.tiles, 5, spec.vcs), np.uint8)
    for port in Port:
        allowed = image.turns[:, :, port] & usable[:, None, None, port]
        legal |= allowed.astype(np.uint8) << np.uint8(port)
    lanes = 5 * spec.vcs
    counts = class_of_x.max(axis=1)[row_x].astype(np.int64), class_of_y.max(axis=1)[row_y]
    said = np.stack(
        [x_low, x_high, y_low, y_high, *(routes[n] for n in ("from_ports", "vcs", "to"))]
    )
    said[4:, routes["valid"] == 0] = 0
    key = [*said.transpose(2, 0, 1).reshape(-1, spec.tiles), x_own, y_own]
    key += [*legal.reshape(spec.tiles, lanes).T, counts[0], counts[1]]
    first, kind = _alike(key)
    x_count, y_count = counts[0][first] + 1, counts[1][first].astype(np.int64) + 1
    size = x_count * y_count * lanes
    base = np.cumsum(size) - size
    words[:, 1] = y_count[kind] << 40 | (class_of_x.size + class_of_y.size + base[kind])
    rules, legal = said[:, first], legal.reshape(spec.tiles, lanes)[first]
    own = np.stack([x_own[first], y_own[first]])
    outputs, begin = np.empty(int(size.sum()), np.uint8), 0
    while begin < len(first):
        end = max(begin + 1, int(np.searchsorted(base + size, base[begin] + BLOCK, "right")))
        some = slice(begin, end)
        outputs[base[begin] : base[end - 1] + size[end - 1]] = _outputs(
            rules[:, some], legal[some], own[:, some], size[some], y_count[some], spec.vcs
        )
        begin = end
    cells = np.concatenate([class_of_x.ravel(), class_of_y.ravel(), outputs])
    return Tables(bits_for(spec.width - 1), cells, words)


def _outputs(
    rules: Array, legal: Array, own: Array, size: Array, y_count: Array, vcs: int
) -> Array:
    """Outputs of some kinds of tiles, one after the other; ``rules`` are in classes."""
    of = np.repeat(np.arange(len(size)), size)
    index = np.arange(len(of)) - np.repeat(np.cumsum(size) - size, size)
    lane, cell = index % legal.shape[1], index // legal.shape[1]
    x, y = np.divmod(cell, y_count[of])
    port, vc = np.divmod(lane, vcs)
    found = np.full(len(of), SINK, np.uint8)
    for e in reversed(range(rules.shape[2])):  # so that the first match writes last
        x_low, x_high, y_low, y_high, ports, lanes, to = rules[:, :, e]
        hit = (x_low[of] <= x) & (x <= x_high[of]) & (y_low[of] <= y) & (y <= y_high[of])
        hit &= (ports[of] >> port & lanes[of] >> vc & 1) == 1
        np.copyto(found, to[of].astype(np.uint8), where=hit)
    found[(own[0, of] == x) & (own[1, of] == y)] = Port.LOCAL
    found[legal[of, lane] >> found & 1 == 0] = SINK
    return found


def _axis(routes: Array, axis: str, own: Array, length: int) -> tuple[Array, ...]:
    """Row of classes of each tile, all rows; each entry's first and last class; its own class."""
    low, high = routes[f"{axis}_lo"], routes[f"{axis}_hi"]
    never = (routes["valid"] == 0) | (low > high) | (low >= length)
    low = np.where(never, 0, low).astype(np.int16)
    high = np.where(never, length - 1, np.minimum(high, length - 1)).astype(np.int16)
    first, row = _alike([*low.T, *high.T, own])
    edges = np.zeros((len(first), length + 1), np.uint8)
    here = np.arange(len(first))
    for column in [*low[first].T, *(high[first] + 1).T, own[first], own[first] + 1]:
        edges[here, column] = 1
    edges[:, 0] = 0
    classes = np.cumsum(edges[:, :length], axis=1, dtype=np.uint8)
    low, high = classes[row[:, None], low], classes[row[:, None], high]
    return row, classes, np.where(never, 1, low), np.where(never, 0, high), classes[row, own]


def _alike(columns: list[Array]) -> tuple[Array, Array]:
    """First of each kind of tile that are equal in all columns, and the kind of each tile."""
    key = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        key = mix64((key ^ column.astype(np.uint64)) + np.uint64(GOLDEN))
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    if all((column == column[first][kind]).all() for column in columns):
        return first, kind
    everyone = np.arange(len(key))  # two kinds with one key: let each tile be a kind of its own
    return everyone, everyone
