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
def _agree(a: Any, b: Any) -> Any:
    """Whether no port asks in the same cell of both without an output that suits both."""
    for layer in range(len(a)):
        for i in range(a.shape[1]):
            both = a[layer, i] & b[layer, i]
            if _asking(a[layer, i]) & _asking(b[layer, i]) & ~_asking(both):
                return False
    return True


@njit(cache=True, nogil=True)
def _join(a: Any, b: Any) -> Any:
    """What suits both where both ask, else what suits the one that asks."""
    both = (_asking(a) & _asking(b)) * _ALL
    return (a & b & both) | ((a | b) & ~both)


@njit(cache=True, nogil=True)
def _fill(line: Any, filled: Any) -> None:
    """What a line's gaps would ask if they were like their neighbours."""
    last = line.shape[1] - 1
    for layer, i in np.ndindex(line.shape):
        word = line[layer, i]
        near = _join(line[layer, max(0, i - 1)], line[layer, min(last, i + 1)])
        filled[layer, i] = word | near & ~(_asking(word) * _ALL)


@njit(cache=True, nogil=True)
def _shrink(demand: Any, merged: Any, first: Any) -> Any:
    """Merge neighbouring lines of [layers, lines, cells]; how many are left.

    Line k of the result starts at line ``first[k]``. Layers leave each other gaps that would hide
    where their borders are, so then lines must agree with their gaps filled, too.
    """
    layers, lines, cells = demand.shape
    old, new = np.empty((2, layers, cells), np.uint32)
    count = 0
    for k in range(lines):
        line = demand[:, k]
        if layers > 1:
            _fill(line, new)
        if count and _agree(merged[:, count - 1], line) and (layers == 1 or _agree(old, new)):
            for layer, i in np.ndindex(layers, cells):
                last = merged[layer, count - 1, i]
                merged[layer, count - 1, i] = _join(last, line[layer, i])
            if layers > 1:
                _fill(merged[:, count - 1], old)
        else:
            merged[:, count] = line
            old[:] = new
            first[count] = k
            count += 1
    first[count] = lines
    return count


@njit(cache=True, nogil=True)
def _join_ports(cells: Any, joined: Any, members: Any) -> None:
    """Let one port ask for all that it does not contradict; ``members`` has their bits by it."""
    joined[:] = 0
    members[:] = 0
    for port in range(PORTS):
        for first in range(port + 1):
            if first < port and not members[first]:
                continue
            fits = True
            for layer, r, c in np.ndindex(cells.shape):
                a = joined[layer, r, c] >> np.uint32(4 * first) & _ALL
                b = cells[layer, r, c] >> np.uint32(4 * port) & _ALL
                fits &= a == 0 or b == 0 or a & b != 0
            if not fits:
                continue
            members[first] |= 1 << port
            for layer, r, c in np.ndindex(cells.shape):
                a = joined[layer, r, c] >> np.uint32(4 * first) & _ALL
                b = cells[layer, r, c] >> np.uint32(4 * port) & _ALL
                both = a & b if a and b else a | b
                joined[layer, r, c] ^= (a ^ both) << np.uint32(4 * first)
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
    columns = np.empty((layers, cols, rows), np.uint32)
    for i in range(len(demands)):
        if not todo[i]:
            continue
        wide = _shrink(demands[i].transpose(0, 2, 1), columns, x[i])
        tall = _shrink(columns[:, :wide].transpose(0, 2, 1), cells[i, :, :, :wide], y[i])
        shape[i, 0], shape[i, 1] = tall, wide
        _join_ports(cells[i, :, :tall, :wide], joined[i, :, :tall, :wide], members[i])
