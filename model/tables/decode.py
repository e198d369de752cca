"""What entries answer to a demand (:mod:`model.tables.cover`); compiled, in one file."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from model.tables.demand import MOVED

_ALL: Final = np.uint32(15)


@njit(cache=True, nogil=True)
def _matches(entries: Any, count: Any, shape: Any) -> Any:
    """Entries that match a column, a row, and a layer's port: one bit each, at most 64."""
    layers, rows, cols = shape
    by_x, by_y = np.zeros(cols, np.uint64), np.zeros(rows, np.uint64)
    by_port = np.zeros((layers, 5), np.uint64)
    for e in range(count):
        bit = np.uint64(1) << np.uint64(e)
        for x in range(max(0, entries[e, 0]), min(cols, entries[e, 1] + 1)):
            by_x[x] |= bit
        for y in range(max(0, entries[e, 2]), min(rows, entries[e, 3] + 1)):
            by_y[y] |= bit
        for layer in range(layers):
            for port in range(5):
                if entries[e, 4] >> port & 1 and entries[e, 5] >> layer & 1:
                    by_port[layer, port] |= bit
    return by_x, by_y, by_port


@njit(cache=True, nogil=True)
def answered(demand: Any, entries: Any, count: Any) -> Any:
    """Whether each asking port's first match is among its good outputs (TBL-1).

    Parameters
    ----------
    demand : uint32[layers, rows, cols]
    entries : int32[most, 7]
        At most 64.
    count : int
        Entries in use.
    """
    by_x, by_y, by_port = _matches(entries, count, demand.shape)
    good = np.zeros(16, np.uint64)  # entries whose output is in a set of outputs
    for e in range(count):
        for outs in range(16):
            if outs >> entries[e, 6] & 1:
                good[outs] |= np.uint64(1) << np.uint64(e)
    layers, rows, cols = demand.shape
    for layer in range(layers):
        for y in range(rows):
            for x in range(cols):
                word = demand[layer, y, x]
                port = 0
                while word:
                    outs = word & _ALL
                    if outs:
                        match = by_x[x] & by_y[y] & by_port[layer, port]
                        first = match & (~match + np.uint64(1))
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
    by_x, by_y, by_port = _matches(entries, count, strict.shape)
    served = np.zeros(count, np.int64)
    kept = np.uint64(0)
    mixed = strict.copy()
    layers, rows, cols = strict.shape
    for attempt in range(2):
        for layer in range(layers):
            for y in range(rows):
                for x in range(cols):
                    word = strict[layer, y, x]
                    for port in range(5 if word else 0):
                        mask = _ALL << np.uint32(4 * port)
                        if not word & mask:
                            continue
                        match = by_x[x] & by_y[y] & by_port[layer, port]
                        if attempt == 0:
                            e = 0
                            while not match >> np.uint64(e) & np.uint64(1):
                                e += 1
                            served[e] += 1
                        elif not match & (~match + np.uint64(1)) & kept:
                            both = mixed[layer, y, x] & ~mask | loose[layer, y, x] & mask
                            mixed[layer, y, x] = both
        for e in served.argsort(kind="mergesort")[least:]:
            kept |= np.uint64(1) << np.uint64(e)
    return mixed


@njit(cache=True, nogil=True)
def soften_each(
    strict: Any, loose: Any, entries: Any, count: Any, least: Any, todo: Any, mixed: Any
) -> None:
    """:func:`soften` many demands.

    Parameters
    ----------
    strict, loose, mixed : uint32[n, layers, rows, cols]
        ``mixed`` is written.
    entries : int32[n, most, 7]
    count, least : int32[n]
    todo : bool[n]
        The others are left as they are.
    """
    for k in range(len(strict)):
        if todo[k]:
            mixed[k] = soften(strict[k], loose[k], entries[k], count[k], least[k])


@njit(cache=True, nogil=True)
def settle_each(
    each: Any, shape: Any, hosts: Any, layer_of: Any, entries: Any, count: Any, wanted: Any,
    moved: Any,
) -> None:  # fmt: skip
    """Want what tiles' tables answer.

    Parameters
    ----------
    each : int64[n]
        Tiles.
    shape : (int, int, int)
        Layers, rows and columns of a demand.
    hosts, layer_of : int32[hosts], uint8[hosts]
    entries, count : int32[tiles, most, 7], int32[tiles]
    wanted : uint32[tiles, hosts]
        Written.
    moved : bool[tiles]
        Set where another output is wanted than before.
    """
    for tile in each:
        by_x, by_y, by_port = _matches(entries[tile], count[tile], shape)
        of = np.zeros(4, np.uint64)  # entries with an output
        for e in range(count[tile]):
            of[entries[tile, e, 6]] |= np.uint64(1) << np.uint64(e)
        for k in range(len(hosts)):
            word = answer = wanted[tile, k]
            here = by_x[hosts[k] % shape[2]] & by_y[hosts[k] // shape[2]]
            for port in range(5 if word else 0):
                mask = _ALL << np.uint32(4 * port)
                if word & mask:
                    match = here & by_port[layer_of[k], port]
                    first = match & (~match + np.uint64(1))
                    for out in range(4):
                        if first & of[out]:
                            answer = answer & ~mask | np.uint32(1) << np.uint32(4 * port + out)
            if answer != word:
                for port in range(5):
                    if (answer ^ word) >> np.uint32(4 * port) & _ALL:
                        answer |= MOVED << np.uint32(port)
                wanted[tile, k] = answer
                moved[tile] = True
