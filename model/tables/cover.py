"""Few priority-ordered rectangles that answer a demand (TBL-1); compiled, in one file.

A *demand* is ``uint32[layers, rows, cols]`` over a grid of destinations: bit ``4 * port + out``
says that a packet of that layer, come in by that port, may leave through ``out``; a port without a
bit does not ask there, and an entry may cover it with anything, as it may what an earlier entry
has matched. A cell may stand for many destinations: rows and columns are all that matters.

An *entry* is ``int32[7]``: first and last column, first and last row, bit set of input ports, bit
set of layers, output.

Neighbouring columns that do not contradict each other are first merged, then rows, which leaves
about 6 x 6 cells of 32 x 18. Then greedily: always the rectangle, ports, layers and output that
answer the largest weight of open demands without one they contradict. At first what a port's most
useful output does not suit weighs more, so that the exceptions come before the rule. From round to
round a demand's weight moves towards what is more, the fewer others its entry answered, and luck.
After Mejia et al., Region-Based Routing, 2007, with don't-cares and sets of input ports.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

FIELDS: Final = 7  # of an entry
_PORTS: Final = 5
_HARD: Final = 64  # a demand against the rule outweighs this many others
_LARGE: Final = 1 << 14  # more cells in one weigh the same
_BAD: Final = 1 << 26  # outweighs what all askers of a cell can weigh together
_SHARE: Final = 4096  # weight that each entry's demands divide among them in the next round
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
def _heaviest(
    gain: Any, askers: Any, out: Any, value: Any, height: Any, sums: Any, stack: Any, found: Any
) -> Any:  # fmt: skip
    """Weight of the heaviest rectangle of one set of askers and output.

    Every maximal rectangle without a contradiction is looked at, by rising heights of good columns.
    """
    rows, cols = value.shape
    cells = value.reshape(-1)
    cells[:] = 0
    for asker in range(len(gain)):
        if askers >> asker & 1:
            one = gain[asker, out]
            for i in range(len(cells)):
                cells[i] += one[i]
    best = 0
    y_lo, y_hi, x_lo, x_hi = rows, -1, cols, -1
    for r, c in np.ndindex(rows, cols):
        if value[r, c] > 0:
            x_lo, x_hi = min(x_lo, c), max(x_hi, c)
            y_lo, y_hi = min(y_lo, r), r
    if y_hi < 0:
        return 0
    for c in range(x_lo, x_hi + 2):
        height[c] = sums[y_lo, c] = 0
    for r in range(y_lo, y_hi + 1):
        running = depth = 0
        sums[r + 1, x_lo] = 0
        for c in range(x_lo, x_hi + 2):  # the last column has height 0 and empties the stack
            start, tall = c, 0
            if c <= x_hi:
                here = value[r, c]
                running += max(here, 0)
                tall = height[c] + 1 if here >= 0 else 0
                height[c] = tall
                sums[r + 1, c + 1] = sums[r, c + 1] + running
            while depth and stack[depth - 1, 1] >= tall:
                depth -= 1
                start = stack[depth, 0]
                if stack[depth, 1] > tall:
                    top = r + 1 - stack[depth, 1]
                    got = sums[r + 1, c] - sums[r + 1, start] - sums[top, c] + sums[top, start]
                    if got > best:
                        best = got
                        found[0], found[1], found[2], found[3] = start, c - 1, top, r
            if tall:
                stack[depth, 0], stack[depth, 1] = start, tall
                depth += 1
    return best


@njit(cache=True, nogil=True)
def _askers(ports: Any, layers: Any) -> Any:
    """Bit set of (layer, port) pairs, numbered ``layer * 5 + port``."""
    found = 0
    for layer in range(4):
        found |= (ports << _PORTS * layer) * (layers >> layer & 1)
    return found


@njit(cache=True, nogil=True)
def _agrees(left: Any, entry: Any) -> Any:
    """Whether an entry suits all open demands of one asker in its rectangle."""
    for r in range(entry[2], entry[3] + 1):
        for c in range(entry[0], entry[1] + 1):
            if left[r, c] and not left[r, c] >> entry[6] & 1:
                return False
    return True


@njit(cache=True, nogil=True)
def _widen(left: Any, entry: Any, layers: Any) -> None:
    """Let an entry serve every further layer and port that does not contradict it."""
    agree = 0
    for asker in range(len(left)):
        agree |= _agrees(left[asker], entry) << asker
    for layer in range(layers):
        wider = _askers(entry[4], entry[5] | 1 << layer)
        if wider & agree == wider:
            entry[5] |= 1 << layer
    for port in range(_PORTS):
        wider = _askers(entry[4] | 1 << port, entry[5])
        if wider & agree == wider:
            entry[4] |= 1 << port


@njit(cache=True, nogil=True)
def _greedy(asked: Any, weight: Any, most: Any, entries: Any, owner: Any) -> Any:
    """One round; the number of entries, or -1 when ``most`` do not suffice.

    ``asked`` are outputs, ``owner`` the entry that answers, both by [asker, row, column].
    """
    askers, rows, cols = asked.shape
    layers = askers // _PORTS
    left = asked.copy()
    gain = np.zeros((askers, 4, rows * cols), np.int32)
    value = np.empty((rows, cols), np.int32)
    height = np.empty(cols + 1, np.int32)
    sums = np.empty((rows + 1, cols + 1), np.int32)
    stack = np.empty((cols + 2, 2), np.int32)
    wants = np.zeros((askers, 4), np.int64)  # weight of open demands that an output suits
    for asker, r, c in np.ndindex(asked.shape):
        for out in range(4 if asked[asker, r, c] else 0):
            if asked[asker, r, c] >> out & 1:
                wants[asker, out] += weight[asker, r, c]
                gain[asker, out, r * cols + c] = weight[asker, r, c]
            else:
                gain[asker, out, r * cols + c] = -_BAD
    wanted = np.empty(4, np.int64)  # ports with open demands that an output suits
    choices = 1 + layers if layers > 1 else 1
    plans = 4 * (1 + _PORTS) * choices
    group = np.full(plans, -1, np.int64)  # askers of a plan; all are to be looked at first
    upper = np.zeros(plans, np.int64)  # bound of its weight
    known = np.zeros(plans, np.bool_)  # the bound is reached, by the rectangle in best
    best = np.zeros((plans, FIELDS), np.int32)
    changed = (1 << askers) - 1
    count = 0
    while True:
        wanted[:] = 0
        for asker in range(askers):
            for out in range(4):
                wanted[out] |= (wants[asker, out] > 0) << asker % _PORTS
        for k in range(plans):  # a set of ports and layers, and an output
            if not group[k] & changed:
                continue
            number, out = k // 4 % (1 + _PORTS), k % 4
            choice = k // 4 // (1 + _PORTS)
            ports = wanted[out] & (1 << number >> 1 if number else -1)
            if number and ports == wanted[out]:
                ports = 0
            chosen = 1 << (choice - 1) if choice else (1 << layers) - 1
            group[k] = _askers(ports, chosen)
            upper[k], known[k] = 0, False
            best[k, 4], best[k, 5], best[k, 6] = ports, chosen, out
            for asker in range(askers):
                upper[k] += wants[asker, out] * (group[k] >> asker & 1)
        top = upper.argmax()
        while not known[top] and upper[top]:
            plan = (gain, group[top], best[top, 6], value, height, sums, stack, best[top])
            upper[top] = _heaviest(*plan)
            known[top] = True
            top = upper.argmax()
        if upper[top] == 0:
            return count
        if count == most:
            return -1
        entries[count] = best[top]
        entry = entries[count]
        _widen(left, entry, layers)
        served, changed = _askers(entry[4], entry[5]), 0
        for asker in range(askers):
            if not served >> asker & 1:
                continue
            for r in range(entry[2], entry[3] + 1):
                for c in range(entry[0], entry[1] + 1):
                    outs = left[asker, r, c]
                    if outs:
                        changed |= 1 << asker
                        owner[asker, r, c], left[asker, r, c] = count, 0
                        for out in range(4):
                            wants[asker, out] -= weight[asker, r, c] * (outs >> out & 1)
                            gain[asker, out, r * cols + c] = 0
        count += 1


@njit(cache=True, nogil=True)
def cover(demand: Any, enough: Any, rounds: Any, entries: Any) -> Any:
    """Write entries that answer a whole demand.

    Parameters
    ----------
    demand : uint32[layers, rows, cols]
        Up to four layers; see the module.
    enough : int
        Stop at so many entries; further rounds try for them only while that is near.
    rounds : int
        Greedy rounds, at least 1.
    entries : int32[most, 7]
        Written.

    Returns
    -------
    int
        Entries used, or -1 when ``most`` are too few for the first round.
    """
    layers, rows, cols = demand.shape
    x, y = np.empty(cols + 1, np.int32), np.empty(rows + 1, np.int32)
    columns = np.empty((layers, cols, rows), np.uint32)
    wide = _shrink(demand.transpose(0, 2, 1), columns, x)
    cells = np.empty((layers, rows, wide), np.uint32)
    tall = _shrink(columns[:, :wide].transpose(0, 2, 1), cells, y)

    asked = np.empty((layers * _PORTS, tall, wide), np.uint8)
    weight = np.empty(asked.shape, np.int32)
    owner = np.zeros(asked.shape, np.int32)
    for asker in range(len(asked)):
        suits = np.zeros(4, np.int64)
        for r, c in np.ndindex(tall, wide):
            word = cells[asker // _PORTS, r, c]
            asked[asker, r, c] = word >> np.uint32(asker % _PORTS * 4) & _ALL
            for out in range(4):
                suits[out] += asked[asker, r, c] >> out & 1
        rule = suits.argmax()
        for r, c in np.ndindex(tall, wide):
            size = min(_LARGE, (x[c + 1] - x[c]) * (y[r + 1] - y[r]))
            hard = asked[asker, r, c] and not asked[asker, r, c] >> rule & 1
            weight[asker, r, c] = size * (_HARD if hard else 1)

    trial = np.empty_like(entries)
    least = -1
    for turn in range(rounds):
        used = _greedy(asked, weight, len(entries), trial, owner)
        if used < 0:
            break
        if least < 0 or used < least:
            least = used
            entries[:used] = trial[:used]
        if least <= enough or 4 * least > 5 * enough:  # rounds save a tenth, seldom more
            break
        share = np.zeros(used + 1, np.int64)
        for asker, r, c in np.ndindex(asked.shape):
            share[owner[asker, r, c]] += asked[asker, r, c] != 0
        for asker, r, c in np.ndindex(asked.shape):
            answers = owner[asker, r, c]
            luck = 4 + (answers * 7919 + turn * 104729) % 13  # 0.4 to 1.6, or rounds would repeat
            fresh = 1 + _SHARE * luck // 10 // (1 + share[answers])
            weight[asker, r, c] = (weight[asker, r, c] + fresh) // 2
    for e in range(least):
        entries[e, 0], entries[e, 1] = x[entries[e, 0]], x[entries[e, 1] + 1] - 1
        entries[e, 2], entries[e, 3] = y[entries[e, 2]], y[entries[e, 3] + 1] - 1
    return least


@njit(cache=True, nogil=True)
def cover_each(demands: Any, todo: Any, enough: Any, rounds: Any, entries: Any, count: Any) -> None:
    """:func:`cover` many demands.

    Parameters
    ----------
    demands : uint32[n, layers, rows, cols]
    todo : bool[n]
        The others are left as they are.
    enough, rounds : int
        As for :func:`cover`.
    entries, count : int32[n, most, 7], int32[n]
        Written: as by :func:`cover`, and what it returns.
    """
    for k in range(len(demands)):
        if todo[k]:
            count[k] = cover(demands[k], enough, rounds, entries[k])
