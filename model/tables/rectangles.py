"""Cover a tile's routes by few priority-ordered rectangles (TBL-1).

A *demand* says for (input port, destination) which outputs are good, as a bit set; 0 means that
nobody asks. An entry may cover anything that nobody asks or that an earlier entry has matched.
Greedy: always the entry that answers most open demands. After Mejia et al., Region-Based Routing,
2007, with don't-cares and sets of input ports.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

MOST_ENTRIES: Final = 64
"""Entries that are tried before a tile is said to need "more"."""


@njit(cache=True, nogil=True)
def _best_rectangle(
    demand: Any, width: Any, box: Any, ports: Any, out: Any, height: Any, sums: Any, stack: Any,
    found: Any,
) -> Any:  # fmt: skip
    """Largest number of demands that one entry ``ports`` -> ``out`` answers; its place in ``found``.

    Every maximal rectangle without a demand against ``out`` is looked at: heights of good columns
    per row, and a stack of rising heights.
    """
    x_lo, x_hi, y_lo, y_hi = box[0], box[1], box[2], box[3]
    columns = x_hi - x_lo + 1
    height[: columns + 1] = 0
    sums[0, : columns + 1] = 0
    best = 0
    for y in range(y_lo, y_hi + 1):
        row = y - y_lo + 1
        running = 0
        sums[row, 0] = 0
        for c in range(columns):
            cell = y * width + x_lo + c
            good = True
            for port in range(5):
                asked = demand[port, cell]
                if asked and ports >> port & 1:
                    if asked >> out & 1:
                        running += 1
                    else:
                        good = False
            height[c] = height[c] + 1 if good else 0
            sums[row, c + 1] = sums[row - 1, c + 1] + running
        depth = 0
        for c in range(columns + 1):  # the last column has height 0 and empties the stack
            start = c
            while depth and stack[depth - 1, 1] >= height[c]:
                depth -= 1
                start, tall = stack[depth, 0], stack[depth, 1]
                if tall > height[c]:
                    top = row - tall
                    covered = sums[row, c] - sums[row, start] - sums[top, c] + sums[top, start]
                    if covered > best:
                        best = covered
                        found[0], found[1] = x_lo + start, x_lo + c - 1
                        found[2], found[3] = y_lo + top, y
            stack[depth, 0], stack[depth, 1] = start, height[c]
            depth += 1
    return best


@njit(cache=True, nogil=True)
def cover(demand: Any, width: Any, port_sets: Any, most: Any, entries: Any) -> Any:
    """Write entries that answer every demand; return their number, or -1 when ``most`` are too few.

    Parameters
    ----------
    demand : uint8[5, tiles]
        Good outputs (bits 0 … 3) per input port and destination; used up.
    width : int
        Tiles per row.
    port_sets : int64[sets]
        Sets of input ports that an entry may name.
    most : int
        Entries allowed.
    entries : int32[most, 6]
        x_lo, x_hi, y_lo, y_hi, from_ports, to.
    """
    rows = demand.shape[1] // width
    height = np.zeros(width + 1, np.int32)
    sums = np.zeros((rows + 1, width + 1), np.int32)
    stack = np.zeros((width + 2, 2), np.int32)
    found = np.zeros(4, np.int32)
    box = np.zeros(4, np.int32)
    count = 0
    while True:
        box[0], box[1], box[2], box[3] = width, -1, rows, -1
        open_ports = 0
        for port in range(5):
            for cell in range(demand.shape[1]):
                if demand[port, cell]:
                    open_ports |= 1 << port
                    x, y = cell % width, cell // width
                    box[0], box[1] = min(box[0], x), max(box[1], x)
                    box[2], box[3] = min(box[2], y), max(box[3], y)
        if open_ports == 0:
            return count
        if count == most:
            return -1
        best = 0
        for out in range(4):
            last = 0
            for ports in port_sets:
                ports &= open_ports
                if ports == 0 or ports == last:
                    continue
                last = ports
                covered = _best_rectangle(
                    demand, width, box, ports, out, height, sums, stack, found
                )
                if covered > best:
                    best = covered
                    entries[count, :4] = found
                    entries[count, 4], entries[count, 5] = ports, out
        for y in range(entries[count, 2], entries[count, 3] + 1):
            for x in range(entries[count, 0], entries[count, 1] + 1):
                for port in range(5):
                    if entries[count, 4] >> port & 1:
                        demand[port, y * width + x] = 0
        count += 1
