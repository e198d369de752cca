"""What entries answer to a demand (:mod:`model.tables.cover`); compiled, in one file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def first_match(entries: Any, count: Any, layer: Any, port: Any, x: Any, y: Any) -> Any:
    """Number of the first entry that matches a column and row, -1 without one (TBL-1)."""
    for e in range(count):
        if (
            entries[e, 0] <= x <= entries[e, 1]
            and entries[e, 2] <= y <= entries[e, 3]
            and entries[e, 4] >> port & 1
            and entries[e, 5] >> layer & 1
        ):
            return e
    return -1


@njit(cache=True, nogil=True)
def answered(demand: Any, entries: Any, count: Any) -> Any:
    """Whether each asking port's first match is among its good outputs.

    Parameters
    ----------
    demand : uint32[layers, rows, cols]
    entries : int32[most, 7]
        At most 64.
    count : int
        Entries in use.
    """
    layers, rows, cols = demand.shape
    one = np.uint64(1)
    by_x, by_y = np.zeros(cols, np.uint64), np.zeros(rows, np.uint64)
    by_port = np.zeros((layers, 5), np.uint64)
    good = np.zeros(16, np.uint64)  # entries whose output is in a set of outputs
    for e in range(count):
        bit = one << np.uint64(e)
        for x in range(max(0, entries[e, 0]), min(cols, entries[e, 1] + 1)):
            by_x[x] |= bit
        for y in range(max(0, entries[e, 2]), min(rows, entries[e, 3] + 1)):
            by_y[y] |= bit
        for layer in range(layers):
            for port in range(5):
                if entries[e, 4] >> port & 1 and entries[e, 5] >> layer & 1:
                    by_port[layer, port] |= bit
        for outs in range(16):
            if outs >> entries[e, 6] & 1:
                good[outs] |= bit
    for layer in range(layers):
        for y in range(rows):
            for x in range(cols):
                word = demand[layer, y, x]
                port = 0
                while word:
                    outs = word & np.uint32(15)
                    if outs:
                        match = by_x[x] & by_y[y] & by_port[layer, port]
                        first = match & (~match + one)
                        if not first & good[outs]:
                            return False
                    word >>= np.uint32(4)
                    port += 1
    return True


@njit(cache=True, nogil=True)
def answered_each(demands: Any, entries: Any, count: Any, found: Any) -> None:
    """:func:`answered` for many tables.

    Parameters
    ----------
    demands : uint32[n, layers, rows, cols]
    entries : int32[n, most, 7]
        ``np.broadcast_to`` makes one table serve all.
    count : int32[n]
    found : bool[n]
        Written.
    """
    for k in range(len(demands)):
        found[k] = answered(demands[k], entries[k], count[k])


@njit(cache=True, nogil=True)
def soften(strict: Any, loose: Any, entries: Any, count: Any, least: Any) -> Any:
    """Loosen a demand where entries serve little.

    Parameters
    ----------
    strict, loose : uint32[layers, rows, cols]
    entries : int32[most, 7]
        Answer ``strict``.
    count : int
    least : int
        That many entries, those that answer fewest, are given up.

    Returns
    -------
    uint32[layers, rows, cols]
        ``loose`` where an entry is given up, ``strict`` elsewhere.
    """
    served = np.zeros(count, np.int64)
    mixed = strict.copy()
    for attempt in range(2):
        given_up = served.argsort(kind="mergesort")[:least]
        for layer, y, x in np.ndindex(strict.shape):
            for port in range(5):
                mask = np.uint32(15) << np.uint32(4 * port)
                if strict[layer, y, x] & mask:
                    e = first_match(entries, count, layer, port, x, y)
                    served[e] += attempt == 0
                    if attempt and (given_up == e).any():
                        both = mixed[layer, y, x] & ~mask | loose[layer, y, x] & mask
                        mixed[layer, y, x] = both
    return mixed
