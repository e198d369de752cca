"""Demands (:mod:`model.tables.cover`) made small before they are covered; compiled, in one file.

Neighbouring columns that do not contradict each other are merged, then rows, then input ports.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

PORTS: Final = 5
_ONES: Final = np.uint32(0x11111)  # one bit a port
_ALL: Final = np.uint32(15)


@njit(cache=True, nogil=True)
def _asking(word: Any) -> Any:
    """Lowest bit of each port's four that is not empty."""
    two = word | word >> np.uint32(1)
    return (two | two >> np.uint32(2)) & _ONES


@njit(cache=True, nogil=True)
def _agree(a: Any, i: Any, b: Any, k: Any) -> Any:
    """Whether no port asks in the same cell of lines i and k without an output that suits both."""
    clash = np.uint32(0)
    for layer in range(len(a)):
        for cell in range(a.shape[2]):
            one, other = a[layer, i, cell], b[layer, k, cell]
            clash |= _asking(one) & _asking(other) & ~_asking(one & other)
    return clash == 0


@njit(cache=True, nogil=True)
def _join(a: Any, b: Any) -> Any:
    """What suits both where both ask, else what suits the one that asks."""
    both = (_asking(a) & _asking(b)) * _ALL
    return (a & b & both) | ((a | b) & ~both)


@njit(cache=True, nogil=True)
def _fill(lines: Any, k: Any, filled: Any) -> None:
    """What a line's gaps would ask if they were like their neighbours."""
    last = lines.shape[2] - 1
    for layer in range(len(lines)):
        for i in range(last + 1):
            word = lines[layer, k, i]
            near = _join(lines[layer, k, max(0, i - 1)], lines[layer, k, min(last, i + 1)])
            filled[layer, 0, i] = word | near & ~(_asking(word) * _ALL)


@njit(cache=True, nogil=True)
def _shrink(demand: Any, merged: Any, first: Any) -> Any:
    """Merge neighbouring lines of [layers, lines, cells]; how many are left.

    Line k of the result starts at line ``first[k]``. Layers leave each other gaps that would hide
    where their borders are, so then lines must agree with their gaps filled, too. Both are
    contiguous and looked at whole, so that they fill vectors.
    """
    layers, lines, cells = demand.shape
    old, new = np.empty((2, layers, 1, cells), np.uint32)
    count = 0
    for k in range(lines):
        last = max(0, count - 1)
        if layers > 1:
            _fill(demand, k, new)
        if count and _agree(merged, last, demand, k) and (layers == 1 or _agree(old, 0, new, 0)):
            for layer in range(layers):
                for i in range(cells):
                    merged[layer, last, i] = _join(merged[layer, last, i], demand[layer, k, i])
            if layers > 1:
                _fill(merged, last, old)
        else:
            merged[:, count] = demand[:, k]
            old[:] = new
            first[count] = k
            count += 1
    first[count] = lines
    return count


@njit(cache=True, nogil=True)
def _turn(grid: Any, lines: Any, turned: Any) -> None:
    """Make the first lines of [layers, lines, cells] to cells, and cells to lines."""
    for layer in range(len(grid)):
        for cell in range(grid.shape[2]):
            for line in range(lines):
                turned[layer, cell, line] = grid[layer, line, cell]


@njit(cache=True, nogil=True)
def _join_ports(cells: Any, joined: Any, members: Any) -> None:
    """Let one port ask for all that it does not contradict; ``members`` has their bits by it."""
    joined[:] = 0
    members[:] = 0
    for port in range(PORTS):
        for first in range(port + 1):
            if first < port and not members[first]:
                continue
            here, there = np.uint32(4 * port), np.uint32(4 * first)
            clash = np.uint32(0)
            for i in range(len(cells)):
                a, b = joined[i] >> there & _ALL, cells[i] >> here & _ALL
                clash |= a if a and b and not a & b else np.uint32(0)
            if clash:
                continue
            members[first] |= 1 << port
            for i in range(len(cells)):
                a, b = joined[i] >> there & _ALL, cells[i] >> here & _ALL
                both = a & b if a and b else a | b
                joined[i] ^= (a ^ both) << there
            break


@njit(cache=True, nogil=True)
def shrink_each(
    demands: Any, todo: Any, cells: Any, joined: Any, x: Any, y: Any, shape: Any, members: Any
) -> None:  # fmt: skip
    """Merge columns, rows and ports of many demands.

    Parameters
    ----------
    demands : uint32[n, layers, rows, cols]
    todo : bool[n]
        The others are left as they are.
    cells, joined : uint32[n, layers, rows, cols]
        Written: the small demands, with all ports and with those left that ask for others.
    x, y : int32[n, cols + 1], int32[n, rows + 1]
        Written: first column and row of each small one, and the end.
    shape : int32[n, 2]
        Written: small rows and columns.
    members : int32[n, 5]
        Written: per port, bits of those it asks for in ``joined``.
    """
    _, layers, rows, cols = demands.shape
    columns, merged = np.empty((2, layers, cols, rows), np.uint32)
    for i in range(len(demands)):
        if not todo[i]:
            continue
        _turn(demands[i], rows, columns)
        wide = _shrink(columns, merged, x[i])
        lines, small = np.empty((2, layers, rows, wide), np.uint32)
        _turn(merged, wide, lines)
        tall = _shrink(lines, small, y[i])
        shape[i, 0], shape[i, 1] = tall, wide
        packed = small[:, :tall].copy()
        ports = np.empty_like(packed)
        _join_ports(packed.reshape(-1), ports.reshape(-1), members[i])
        cells[i, :, :tall, :wide], joined[i, :, :tall, :wide] = packed, ports
