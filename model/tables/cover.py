"""Few priority-ordered rectangles that answer a demand (TBL-1); compiled, in one file.

A *demand* is ``uint32[layers, rows, cols]`` over a grid of destinations: bit ``4 * port + out``
says that a packet of that layer, come in by that port, may leave through ``out``; a port without a
bit does not ask there, and an entry may cover it with anything, as it may what an earlier entry
has matched. A cell may stand for many destinations: rows and columns are all that matters.

An *entry* is ``int32[7]``: first and last column, first and last row, bit set of input ports, bit
set of layers, output.

The demand is first made small (:mod:`model.tables.shrink`), to about 9 x 9 cells of 32 x 18 and one
port that asks for all, or two. Then greedily: always the rectangle, ports, layers and output that
answer the largest weight of open demands without one they contradict. At first what a port's most
useful output does not suit weighs more, so that the exceptions come before the rule. From round to
round a demand's weight moves towards what is more, the fewer others its entry answered, and luck.
After Mejia et al., Region-Based Routing, 2007, with don't-cares and sets of input ports.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from model.tables.shrink import PORTS, shrink_each

FIELDS: Final = 7  # of an entry
_HARD: Final = 64  # a demand against the rule outweighs this many others
_LARGE: Final = 1 << 14  # more cells in one weigh the same
_BAD: Final = 1 << 26  # outweighs what all askers of a cell can weigh together
_SHARE: Final = 4096  # weight that each entry's demands divide among them in the next round
_ALL: Final = np.uint32(15)


@njit(cache=True, nogil=True)
def _heaviest(
    gain: Any, askers: Any, out: Any, value: Any, height: Any, sums: Any, stack: Any, found: Any
) -> Any:  # fmt: skip
    """Weight of the heaviest rectangle of one set of askers and output.

    Every maximal rectangle without a contradiction is looked at, by rising heights of good columns.
    """
    rows, cols = value.shape
    started = False
    for asker in range(len(gain)):
        if askers >> asker & 1:
            for r in range(rows):
                for c in range(cols):
                    more = gain[asker, out, r, c]
                    value[r, c] = value[r, c] + more if started else more
            started = True
    y_lo, y_hi, x_lo, x_hi = rows, -1, cols, -1
    for r in range(rows if started else 0):
        first = 0
        while first < cols and value[r, first] <= 0:
            first += 1
        if first < cols:
            last = cols - 1
            while value[r, last] <= 0:
                last -= 1
            x_lo, x_hi = min(x_lo, first), max(x_hi, last)
            y_lo, y_hi = min(y_lo, r), r
    best = 0
    for c in range(x_lo, x_hi + 2):
        height[c] = sums[y_lo, c] = 0
    for r in range(y_lo, y_hi + 1):
        running = depth = tallest = 0
        sums[r + 1, x_lo] = 0
        for c in range(x_lo, x_hi + 2):  # the last column has height 0 and empties the stack
            tall = 0
            if c <= x_hi:
                here = value[r, c]
                running += max(here, 0)
                tall = height[c] + 1 if here >= 0 else 0
                height[c] = tall
                sums[r + 1, c + 1] = sums[r, c + 1] + running
            start = c
            while tallest >= tall and depth:
                depth -= 1
                start = stack[depth, 0]
                if tallest > tall:
                    top = r + 1 - tallest
                    got = sums[r + 1, c] - sums[r + 1, start] - sums[top, c] + sums[top, start]
                    if got > best:
                        best = got
                        found[0], found[1], found[2], found[3] = start, c - 1, top, r
                tallest = stack[depth - 1, 1] if depth else 0
            if tall:
                stack[depth, 0], stack[depth, 1] = start, tall
                depth += 1
                tallest = tall
    return best


@njit(cache=True, nogil=True)
def _askers(ports: Any, layers: Any) -> Any:
    """Bit set of (layer, port) pairs, numbered ``layer * 5 + port``."""
    return ports * (layers & 1 | (layers & 2) << 4 | (layers & 4) << 8 | (layers & 8) << 12)


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
    for port in range(PORTS):
        wider = _askers(entry[4] | 1 << port, entry[5])
        if wider & agree == wider:
            entry[4] |= 1 << port


@njit(cache=True, nogil=True)
def _greedy(asked: Any, weight: Any, most: Any, entries: Any, owner: Any) -> Any:
    """One round; the number of entries, or -1 when ``most`` do not suffice.

    ``asked`` are outputs, ``owner`` the entry that answers, both by [asker, row, column].
    """
    askers, rows, cols = asked.shape
    layers = askers // PORTS
    left = asked.copy()
    gain = np.zeros((askers, 4, rows, cols), np.int32)
    value = np.empty((rows, cols), np.int32)
    height = np.empty(cols + 1, np.int32)
    sums = np.empty((rows + 1, cols + 1), np.int32)
    stack = np.empty((cols + 2, 2), np.int32)
    wants = np.zeros((askers, 4), np.int64)  # weight of open demands that an output suits
    for asker in range(askers):
        for r in range(rows):
            for c in range(cols):
                outs, heavy = asked[asker, r, c], weight[asker, r, c]
                for out in range(4 if outs else 0):
                    if outs >> out & 1:
                        wants[asker, out] += heavy
                        gain[asker, out, r, c] = heavy
                    else:
                        gain[asker, out, r, c] = -_BAD
    wanted = np.empty(4, np.int64)  # ports with open demands that an output suits
    choices = 1 + layers if layers > 1 else 1
    plans = 4 * (1 + PORTS) * choices
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
                wanted[out] |= (wants[asker, out] > 0) << asker % PORTS
        for k in range(plans):  # a set of ports and layers, and an output
            if not group[k] & changed:
                continue
            number, out = k // 4 % (1 + PORTS), k % 4
            choice = k // 4 // (1 + PORTS)
            ports = wanted[out] & (1 << number >> 1 if number else -1)
            if number and ports == wanted[out]:
                ports = 0
            chosen = 1 << (choice - 1) if choice else (1 << layers) - 1
            before, group[k], known[k] = group[k], _askers(ports, chosen), False
            best[k, 4], best[k, 5], best[k, 6] = ports, chosen, out
            open_now = 0
            for asker in range(askers):
                open_now += wants[asker, out] * (group[k] >> asker & 1)
            # A rectangle may have grown meanwhile; it is looked at again before it is taken.
            upper[k] = min(upper[k], open_now) if group[k] == before else open_now
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
                            gain[asker, out, r, c] = 0
        count += 1


@njit(cache=True, nogil=True)
def _weigh(cells: Any, x: Any, y: Any, asked: Any, weight: Any) -> None:
    """Outputs and weights by [asker, row, column]."""
    for asker in range(len(asked)):
        suits = np.zeros(4, np.int64)
        for r, c in np.ndindex(asked.shape[1:]):
            word = cells[asker // PORTS, r, c]
            asked[asker, r, c] = word >> np.uint32(asker % PORTS * 4) & _ALL
            for out in range(4 if asked[asker, r, c] else 0):
                suits[out] += asked[asker, r, c] >> out & 1
        rule = suits.argmax()
        for r, c in np.ndindex(asked.shape[1:]):
            size = min(_LARGE, (x[c + 1] - x[c]) * (y[r + 1] - y[r]))
            hard = asked[asker, r, c] and not asked[asker, r, c] >> rule & 1
            weight[asker, r, c] = size * (_HARD if hard else 1)


@njit(cache=True, nogil=True)
def _cover(
    cells: Any, joined: Any, x: Any, y: Any, members: Any, enough: Any, rounds: Any, entries: Any
) -> Any:  # fmt: skip
    """Cover one small demand; see :func:`cover`."""
    layers, tall, wide = cells.shape
    asked = np.empty((layers * PORTS, tall, wide), np.uint8)
    weight = np.empty(asked.shape, np.int32)
    owner = np.zeros(asked.shape, np.int32)
    _weigh(joined, x, y, asked, weight)
    least = _greedy(asked, weight, len(entries), entries, owner)
    for e in range(least):
        ports = 0
        for port in range(PORTS):
            ports |= members[port] if entries[e, 4] >> port & 1 else 0
        entries[e, 4] = ports
    near = enough < least and 4 * least <= 5 * enough  # rounds save a tenth, seldom more
    if near:
        _weigh(cells, x, y, asked, weight)
        owner[:] = 0  # where nobody asks it stays so
    trial = np.empty_like(entries)
    for turn in range(rounds if near else 0):
        used = _greedy(asked, weight, len(entries), trial, owner)
        if used < 0:
            break
        if used < least:
            least = used
            entries[:used] = trial[:used]
        if least <= enough or 4 * least > 5 * enough:
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
def _cover_each(
    todo: Any, cells: Any, joined: Any, x: Any, y: Any, shape: Any, members: Any, enough: Any,
    rounds: Any, entries: Any, count: Any,
) -> None:  # fmt: skip
    for i in range(len(cells)):
        if todo[i]:
            tall, wide = shape[i]
            small = cells[i, :, :tall, :wide], joined[i, :, :tall, :wide]
            count[i] = _cover(*small, x[i], y[i], members[i], enough, rounds, entries[i])


def cover_each(demands: Any, todo: Any, enough: int, rounds: int, entries: Any, count: Any) -> None:
    """Write entries that answer whole demands.

    Parameters
    ----------
    demands : uint32[n, layers, rows, cols]
        Up to four layers; see the module.
    todo : bool[n]
        The others are left as they are.
    enough : int
        Stop at so many entries; further rounds try for them only while that is near.
    rounds : int
        Greedy rounds, at least 1.
    entries, count : int32[n, most, 7], int32[n]
        Written; ``count`` is -1 where ``most`` are too few for the first round.
    """
    n, _, rows, cols = demands.shape
    cells, joined = np.empty_like(demands), np.empty_like(demands)
    x, y = np.empty((n, cols + 1), np.int32), np.empty((n, rows + 1), np.int32)
    shape, members = np.empty((n, 2), np.int32), np.empty((n, PORTS), np.int32)
    small = (cells, joined, x, y, shape, members)
    shrink_each(demands, todo, *small)
    _cover_each(todo, *small, enough, rounds, entries, count)


def cover(demand: Any, enough: int, rounds: int, entries: Any) -> int:
    """:func:`cover_each` for one demand; the entries used or -1."""
    count = np.empty(1, np.int32)
    cover_each(demand[None], np.ones(1, np.bool_), enough, rounds, entries[None], count)
    return int(count[0])
