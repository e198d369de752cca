"""The compiled loops of the table fit (TBL-1), in one file.

One file, because Numba's cache notices a change in the caller's own file only.

:func:`cover` answers a tile's routes by few priority-ordered rectangles. A *demand* says for
(input port, destination) which outputs are good, as a bit set; 0 means that nobody asks. An entry
may cover anything that nobody asks or that an earlier entry has matched. Greedy, twice: once always
the entry that answers most open demands; once first those that a port's most useful output does not
suit, so that the exceptions come before the rule. The shorter list is kept. After Mejia et al.,
Region-Based Routing, 2007, with don't-cares and sets of input ports.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from model.routing.plan import NOWHERE

MOST_ENTRIES: Final = 64
"""Entries that are tried before a tile is said to need "more"."""

_HARD: Final = 64  # a demand against the rule outweighs this many others
_BITS: Final = np.array([bin(ports).count("1") for ports in range(32)], np.int32)


@njit(cache=True, nogil=True)
def _best_rectangle(
    asks: Any, suits: Any, hard: Any, width: Any, box: Any, ports: Any, height: Any, sums: Any,
    stack: Any, found: Any,
) -> Any:  # fmt: skip
    """Largest weight of the demands that one entry answers; its rectangle in ``found``.

    Every maximal rectangle without an unsuited demand is looked at: heights of good columns per
    row, and a stack of rising heights.
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
            asked = asks[cell] & ports
            if asked == 0:
                height[c] += 1
            else:
                suited = suits[cell] & ports
                running += _BITS[suited] + _HARD * _BITS[suited & hard[cell]]
                height[c] = height[c] + 1 if suited == asked else 0
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
            if height[c]:
                stack[depth, 0], stack[depth, 1] = start, height[c]
                depth += 1
    return best


@njit(cache=True, nogil=True)
def _cover(
    demand: Any, width: Any, port_sets: Any, exceptions_first: Any, most: Any, entries: Any
) -> Any:
    """Greedy in one of two orders; see :func:`cover`."""
    tiles = demand.shape[1]
    rows = tiles // width
    height = np.zeros(width + 1, np.int32)
    sums = np.zeros((rows + 1, width + 1), np.int32)
    stack = np.zeros((width + 2, 2), np.int32)
    found = np.zeros(4, np.int32)
    box = np.zeros(4, np.int32)
    asks = np.zeros(tiles, np.uint8)
    suits = np.zeros((4, tiles), np.uint8)
    for port in range(5):
        for cell in range(tiles):
            good = demand[port, cell]
            if good:
                asks[cell] |= 1 << port
                for out in range(4):
                    suits[out, cell] |= (good >> out & 1) << port
    hard = np.zeros(tiles, np.uint8)
    if exceptions_first:
        for port in range(5):
            rule, widest = 0, 0
            for out in range(4):
                suited = 0
                for cell in range(tiles):
                    suited += suits[out, cell] >> port & 1
                if suited > widest:
                    rule, widest = out, suited
            for cell in range(tiles):
                hard[cell] |= asks[cell] & ~suits[rule, cell] & 1 << port
    count = 0
    while True:
        box[0], box[1], box[2], box[3] = width, -1, rows, -1
        open_ports = 0
        for cell in range(tiles):
            if asks[cell]:
                open_ports |= asks[cell]
                x, y = cell % width, cell // width
                box[0], box[1] = min(box[0], x), max(box[1], x)
                box[2], box[3] = min(box[2], y), max(box[3], y)
        if open_ports == 0:
            return count
        if count == most:
            return -1
        best = 0
        for attempt in range(2):
            if best:
                break
            for number in range(31 if attempt else len(port_sets)):
                ports = open_ports & (number + 1 if attempt else port_sets[number])
                if ports == 0:
                    continue
                for out in range(4):
                    covered = _best_rectangle(
                        asks, suits[out], hard, width, box, ports, height, sums, stack, found
                    )
                    if covered > best:
                        best = covered
                        entries[count, :4] = found
                        entries[count, 4], entries[count, 5] = ports, out
        keep = np.uint8(31 & ~entries[count, 4])
        for y in range(entries[count, 2], entries[count, 3] + 1):
            for x in range(entries[count, 0], entries[count, 1] + 1):
                asks[y * width + x] &= keep
                hard[y * width + x] &= keep
                for out in range(4):
                    suits[out, y * width + x] &= keep
        count += 1


@njit(cache=True, nogil=True)
def cover(demand: Any, width: Any, port_sets: Any, most: Any, entries: Any) -> Any:
    """Write entries that answer every demand; return their number, or -1 when ``most`` are too few.

    Parameters
    ----------
    demand : uint8[5, tiles]
        Good outputs (bits 0 … 3) per input port and destination.
    width : int
        Tiles per row.
    port_sets : int64[sets]
        Sets of input ports to try for an entry; any set is tried where none of them helps.
    most : int
        Entries allowed.
    entries : int32[most, 6]
        x_lo, x_hi, y_lo, y_hi, from_ports, to.
    """
    other = np.zeros_like(entries)
    count = _cover(demand, width, port_sets, True, most, entries)
    fewer = most if count < 0 else count - 1
    again = _cover(demand, width, port_sets, False, fewer, other)
    if again >= 0:
        entries[:again] = other[:again]
        count = again
    return count


@njit(cache=True, nogil=True)
def trace(
    hosts: Any, lane: Any, lanes: Any, layer_of: Any, forward: Any, hop: Any, asked: Any
) -> None:
    """Mark every state that some host's packet to hosts[k] passes.

    Parameters
    ----------
    hosts : int32[hosts]
        Tile ids; every ``lanes``-th from ``lane`` on is a destination of this call.
    layer_of : uint8[hosts, hosts]
        Layer by source and destination.
    forward : int32[tiles, 4]
        State that an output leads to.
    hop : uint8[layers, hosts, states]
        Chosen output by destination.
    asked : bool[layers, hosts, states]
        Written: true where a packet passes.
    """
    seen = np.full(hop.shape[:1] + hop.shape[2:], -1, np.int32)
    for k in range(lane, len(hosts), lanes):
        for j in range(len(hosts)):
            layer = layer_of[j, k]
            state = hosts[j] * 5 + 4
            while state // 5 != hosts[k] and seen[layer, state] != k:
                seen[layer, state] = k
                asked[layer, k, state] = True
                state = forward[state // 5, hop[layer, k, state]]


@njit(cache=True, nogil=True)
def _decode(entries: Any, count: Any, port: Any, vcs: Any, x: Any, y: Any) -> Any:
    for e in range(count):
        if (
            entries[e, 0] <= x <= entries[e, 1]
            and entries[e, 2] <= y <= entries[e, 3]
            and entries[e, 4] >> port & 1
            and entries[e, 5] & vcs
        ):
            return entries[e, 6]
    return NOWHERE


@njit(cache=True, nogil=True)
def _demand(
    tile: Any, hosts: Any, turns: Any, forward: Any, good: Any, hop: Any, asked: Any,
    freedom: Any, demand: Any,
) -> None:  # fmt: skip
    """Good outputs of every asked (input, destination) of one layer under a freedom."""
    demand[:] = 0
    for k in range(len(hosts)):
        for port in range(5):
            state = tile * 5 + port
            if not asked[k, state]:
                continue
            if freedom == 0:
                outs = 1 << hop[k, state]
            elif freedom == 1:
                outs = good[k, state]
            else:
                outs = 0
                for out in range(4):
                    after = forward[tile, out]
                    if after >= 0 and turns[tile, port, out]:
                        there = after // 5 == hosts[k] and turns[hosts[k], after % 5, 4]
                        if there or hop[k, after] != NOWHERE:
                            outs |= 1 << out
            demand[port, hosts[k]] = outs


@njit(cache=True, nogil=True)
def _port_sets(turns: Any, alike: Any) -> Any:
    """Unions of the inputs that may turn alike, largest freedom of grouping last: all sets."""
    sets = np.zeros(31, np.int64)
    if not alike:
        for number in range(31):
            sets[number] = number + 1
        return sets
    groups = np.zeros(5, np.int64)
    count = 0
    for port in range(5):
        for g in range(count):
            first = 0
            while not groups[g] >> first & 1:
                first += 1
            same = True
            for out in range(4):
                if out != port and out != first and turns[port, out] != turns[first, out]:
                    same = False
            if same:
                groups[g] |= 1 << port
                break
        else:
            groups[count] = 1 << port
            count += 1
    for number in range(1, 1 << count):
        for g in range(count):
            if number >> g & 1:
                sets[number - 1] |= groups[g]
    return sets[: (1 << count) - 1]


@njit(cache=True, nogil=True)
def fit_lane(
    lane: Any, lanes: Any, width: Any, hosts: Any, vc_sets: Any, turns: Any, forward: Any,
    good: Any, hop: Any, asked: Any, entries: Any, count: Any, freedom: Any, need: Any,
) -> Any:  # fmt: skip
    """Fit the lane's tiles whose tables do not answer all that is asked.

    ``hop``, ``entries``, ``count``, ``freedom`` and ``need`` (entries wanted where nothing fits;
    -1 for more than :data:`MOST_ENTRIES`) are written; returns the number of hops changed.
    """
    tiles, layers = len(count), len(turns)
    most = entries.shape[1]
    demand = np.zeros((layers, 5, tiles), np.uint8)
    trial = np.zeros((max(most, MOST_ENTRIES), 6), np.int32)
    changed = 0
    for tile in range(lane, tiles, lanes):
        while True:
            answered = True
            for layer in range(layers):
                plan = (turns[layer], forward, good[layer], hop[layer], asked[layer])
                _demand(tile, hosts, *plan, freedom[tile], demand[layer])
                for host in hosts:
                    for port in range(5):
                        outs = demand[layer, port, host]
                        if outs:
                            x, y = host % width, host // width
                            out = _decode(entries[tile], count[tile], port, vc_sets[layer], x, y)
                            answered = answered and out < 4 and outs >> out & 1 != 0
            if answered:
                break
            for attempt in range(2):
                used, limit = 0, most
                if attempt and freedom[tile] == 2:
                    limit = len(trial)
                for layer in range(layers):
                    sets = _port_sets(turns[layer, tile], attempt == 0)
                    more = cover(demand[layer], width, sets, limit - used, trial[used:limit])
                    if more < 0:
                        used = -1
                        break
                    if used + more <= most:
                        for e in range(used, used + more):
                            entries[tile, e, :5] = trial[e, :5]
                            entries[tile, e, 5] = vc_sets[layer]
                            entries[tile, e, 6] = trial[e, 5]
                    used += more
                if used >= 0:
                    break
            if 0 <= used <= most:
                count[tile] = used
                break
            if freedom[tile] == 2:
                need[tile] = used
                return changed
            freedom[tile] += 1
        if freedom[tile] == 0:
            continue
        for layer in range(layers):
            for k in range(len(hosts)):
                x, y = hosts[k] % width, hosts[k] // width
                for port in range(5):
                    if asked[layer, k, tile * 5 + port]:
                        out = _decode(entries[tile], count[tile], port, vc_sets[layer], x, y)
                        changed += out != hop[layer, k, tile * 5 + port]
                        hop[layer, k, tile * 5 + port] = out
    return changed
