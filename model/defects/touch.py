"""Which parts of which tiles a disc or a straight scratch touches, and what then dies (DEF-4).

A tile is a router in its middle, wires from there to its four sides, one lane for each direction,
and the core around them (``model.geometry.RECTANGLES``). A defect that touches a router kills the
tile, one that touches a core kills the core, one that touches a lane kills that link.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.defects.canvas import F64, STREAMS, Canvas, Mask
from model.geometry import RECTANGLES, Places
from model.random import draws_at

PARTS: Final = ("router", "core", "link")
_BLOCK: Final = 1 << 15
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Shapes:
    """Line segments with a reach, in mm east and south of the array's centre.

    A disc is a segment of no length, and touches what lies within its radius. A scratch touches
    what it crosses when grown by its reach to all four sides.
    """

    x0: F64
    y0: F64
    x1: F64
    y1: F64
    reach: F64

    @classmethod
    def discs(cls, x: F64, y: F64, radius: F64) -> Shapes:
        """Discs around points."""
        return cls(x, y, x, y, radius)


def strike(canvas: Canvas, shapes: Shapes, kill: float, hits: tuple[str, ...], stream: int) -> Mask:
    """Kill what the shapes touch.

    Parameters
    ----------
    canvas : Canvas
    shapes : Shapes
    kill : float
        Probability that a touched part dies, 0 to 1; each shape and part by itself.
    hits : tuple of str
        Which of :data:`PARTS` can die.
    stream : int
        Of the random numbers that ``kill`` needs.

    Returns
    -------
    bool[shapes]
        The shape touches some part of some tile, whether or not that dies.
    """
    found = np.zeros(len(shapes.x0), np.bool_)
    ports = RECTANGLES[:, 6]
    kinds = np.where(ports == -1, "router", np.where(ports == -2, "core", "link"))
    can_die = np.isin(kinds, hits)
    limit = np.uint64(int(kill * 2.0**53))
    for shape, x, y in _candidates(canvas.places, shapes):
        pair, part = np.nonzero(_touches(canvas.places, shapes, shape, x, y))
        found[shape[pair]] = True
        pair, part = pair[can_die[part]], part[can_die[part]]
        x_to, y_to = x[pair] + RECTANGLES[part, 4], y[pair] + RECTANGLES[part, 5]
        port = ports[part]
        there = (x_to >= 0) & (x_to < canvas.width) & (y_to >= 0) & (y_to < canvas.height)
        if kill < 1:
            place = (shape[pair] * canvas.height + y_to) * canvas.width + x_to
            index = (place * 8 + port + 2).astype(np.uint64)
            number = draws_at(canvas.seed, STREAMS * canvas.part + stream, index)
            there &= (number >> np.uint64(11)) < limit
        x_to, y_to, port = x_to[there], y_to[there], port[there]
        for code, mask in ((-1, canvas.tile), (-2, canvas.core)):
            mask[y_to[port == code], x_to[port == code]] = True
        link = port >= 0
        canvas.link[y_to[link], x_to[link], port[link]] = True
    return found


def _candidates(places: Places, shapes: Shapes) -> Iterator[tuple[I64, I64, I64]]:
    """(shape, x, y) of tiles that a shape may touch: row by row the columns that it spans."""
    top, bottom = places.down.lines[:, 0], places.down.lines[:, 8]
    left, right = places.across.lines[:, 0], places.across.lines[:, 8]
    low = np.minimum(shapes.y0, shapes.y1) - shapes.reach
    high = np.maximum(shapes.y0, shapes.y1) + shapes.reach
    shape, row = _runs(np.searchsorted(bottom, low), np.searchsorted(top, high, "right"))
    # The stretch of the segment that lies in the row, grown by its reach, from t0 to t1 of 0 to 1.
    x0, y0, reach = shapes.x0[shape], shapes.y0[shape], shapes.reach[shape]
    dx, dy = shapes.x1[shape] - x0, shapes.y1[shape] - y0
    slope = np.where(dy == 0, 1.0, dy)
    ends = (top[row] - reach - y0) / slope, (bottom[row] + reach - y0) / slope
    t0 = np.where(dy == 0, 0.0, np.clip(np.minimum(*ends), 0.0, 1.0))
    t1 = np.where(dy == 0, 1.0, np.clip(np.maximum(*ends), 0.0, 1.0))
    x_low = np.minimum(x0 + t0 * dx, x0 + t1 * dx) - reach
    x_high = np.maximum(x0 + t0 * dx, x0 + t1 * dx) + reach
    first, last = np.searchsorted(right, x_low), np.searchsorted(left, x_high, "right")
    total = np.cumsum(np.maximum(last - first, 0))
    begin = 0
    while begin < len(row):
        before = total[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, before + _BLOCK, "right")))
        run, x = _runs(first[begin:end], last[begin:end])
        run += begin
        yield shape[run], x, row[run]
        begin = end


def _runs(first: I64, last: I64) -> tuple[I64, I64]:
    """Number k and each of first[k] … last[k] − 1, for all k."""
    count = np.maximum(last - first, 0)
    which = np.repeat(np.arange(len(count)), count)
    start = np.repeat(np.cumsum(count) - count, count)
    return which, np.arange(len(which)) - start + first[which]


def _touches(places: Places, shapes: Shapes, shape: I64, x: I64, y: I64) -> Mask:
    """bool[pairs, rectangles]: the shape touches this part of tile (x, y)."""
    across, down = places.across.lines[x], places.down.lines[y]
    sides = [across[:, RECTANGLES[:, k]] for k in (0, 1)]
    ends = [down[:, RECTANGLES[:, k]] for k in (2, 3)]
    x0, y0 = shapes.x0[shape][:, None], shapes.y0[shape][:, None]
    dx, dy = shapes.x1[shape][:, None] - x0, shapes.y1[shape][:, None] - y0
    reach = shapes.reach[shape][:, None]
    off_x = np.maximum(np.maximum(sides[0] - x0, x0 - sides[1]), 0.0)
    off_y = np.maximum(np.maximum(ends[0] - y0, y0 - ends[1]), 0.0)
    disc = off_x * off_x + off_y * off_y <= reach * reach
    if not (dx.any() or dy.any()):
        return np.asarray(disc)
    t0 = np.zeros_like(off_x)
    t1 = np.ones_like(off_x)
    outside = np.zeros_like(disc)
    for start, step, (low, high) in ((x0, dx, sides), (y0, dy, ends)):
        still = step == 0
        by = np.where(still, 1.0, step)
        a, b = (low - reach - start) / by, (high + reach - start) / by
        t0 = np.where(still, t0, np.maximum(t0, np.minimum(a, b)))
        t1 = np.where(still, t1, np.minimum(t1, np.maximum(a, b)))
        outside |= still & ((start < low - reach) | (start > high + reach))
    scratch = (t0 <= t1) & ~outside
    return np.where((dx == 0) & (dy == 0), disc, scratch)
