"""Ripple: along each line of tiles the cores move up by one, from the dead tile to the spare.

The published chip's way (WikiChip 3010; US patent 11,328,208 B2): a row is displaced by one towards
the nearest spare. Lines run across the spare columns or rows. What a line cannot host passes to the
next line at the place of its home, where a core of that line moves on, until a line has a spare.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from model.repair.homes import HomePlan

Ints = npt.NDArray[np.int64]


def ripple(homes: HomePlan, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Host every logical core on its line while that has spares, in the line's order.

    Optimises, in each line, the sum of distances between the tiles that fail and the spares that
    stand in; all cores between move one step. Guarantees: as many cores hosted as there are usable
    tiles for, each line in order, and lines that lack nothing and pass nothing on untouched.

    Parameters
    ----------
    homes : HomePlan
    usable : bool[tiles]
        The core works and all usable tiles reach each other.

    Returns
    -------
    int32[logical]
        Host tile, -1 when lost.
    """
    tile, core = lines_of(homes)
    at = np.searchsorted(tile[0], homes.home[core[0]])
    works = usable[tile]
    spare = np.ones(tile.shape[1], np.bool_)
    spare[at] = False
    dead = (~works[:, at]).sum(axis=1)
    passed = _between_lines(dead - (works & spare).sum(axis=1))
    host = np.where(usable[homes.home], homes.home, -1).astype(np.int32)
    guests: list[list[tuple[Ints, Ints]]] = [[] for _ in tile]
    # Who sends comes before who receives: southward from the north, then northward.
    for y in [*np.flatnonzero(passed >= 0).tolist(), *np.flatnonzero(passed < 0)[::-1].tolist()]:
        north, south = max(0, -int(passed[y - 1])) if y else 0, max(0, int(passed[y]))
        if not (dead[y] or guests[y] or north or south):
            continue
        place = np.concatenate([np.arange(len(at)), *(where for where, _ in guests[y])])
        who = np.concatenate([core[y], *(cores for _, cores in guests[y])])
        order = np.argsort(place, kind="stable")
        place, who = place[order], who[order]
        held = np.bincount(place, minlength=len(at))
        orphans = np.repeat(np.arange(len(at)), held - works[y, at])
        spares = np.flatnonzero(works[y] & spare)
        if len(orphans) <= len(spares):
            spares, leaving = spares[_nearest(at[orphans], spares)], orphans[:0]
        else:
            leaving = orphans[~_nearest(spares, at[orphans])]
        # At its place the line's own core leaves first: it makes room for the guest.
        rank = np.arange(len(place)) - np.repeat(np.cumsum(held) - held, held)
        ends = (north, north + south, len(leaving))
        goes = sum(rank < np.bincount(leaving[:end], minlength=len(at))[place] for end in ends)
        for to, target in ((3, y - 1), (2, y + 1)):
            if (goes == to).any():
                guests[target].append((place[goes == to], who[goes == to]))
        slots = np.sort(np.concatenate([at[works[y, at]], spares]))
        host[who[goes == 1]] = -1
        place, who = place[goes == 0], who[goes == 0]
        # Where a guest shares a place, the core that was there first moves farther.
        first, last = (np.searchsorted(place, np.unique(place), side) for side in ("left", "right"))
        last -= 1
        home = at[place[first]]
        farther = abs(slots[last] - home) > abs(slots[first] - home)
        first, last = first[farther], last[farther]
        who[first], who[last] = who[last], who[first]
        host[who] = tile[y, slots]
    return host


def lines_are_rows(homes: HomePlan) -> bool:
    """Whether lines across the spares are rows; without spares they are."""
    return homes.logical_height == homes.height


def lines_of(homes: HomePlan) -> tuple[Ints, Ints]:
    """Lines across the spares, all alike: rows for spare columns, columns for spare rows.

    Returns
    -------
    int64[lines, places]
        Tile ids.
    int64[lines, cores]
        Logical ids in the same lines, in order.
    """
    tile = np.arange(homes.width * homes.height).reshape(homes.height, homes.width)
    core = np.arange(len(homes.home)).reshape(homes.logical_height, homes.logical_width)
    if lines_are_rows(homes):
        return tile, core
    return np.ascontiguousarray(tile.T), np.ascontiguousarray(core.T)


@njit(cache=True)
def _between_lines(short: Any) -> Any:
    """int64[lines]: cores that pass from each line to the next, negative towards the previous.

    ``short`` is what each line lacks, negative where spares are left. The nearest line with a
    spare helps first; what passes both ways between two lines cancels out.
    """
    lines = len(short)
    short, passed = short.copy(), np.zeros(lines, np.int64)
    lacking = short[short > 0].sum()
    for distance in range(1, lines):
        if lacking == 0:
            break
        for y in range(lines):
            for step in (-1, 1):
                z = y + step * distance
                if short[y] > 0 and 0 <= z < lines and short[z] < 0:
                    units = min(short[y], -short[z])
                    short[y] -= units
                    short[z] += units
                    lacking -= units
                    passed[min(y, z) : max(y, z)] += step * units
    return passed


@njit(cache=True)
def _nearest(few: Any, many: Any) -> Any:
    """bool[many]: which partners give ``few`` the least sum of distances, both ascending."""
    rows, columns = len(few), len(many)
    cost = np.zeros((rows + 1, columns + 1), np.int64)
    for i in range(1, rows + 1):
        cost[i, i - 1] = 1 << 40
        for j in range(i, columns + 1):
            cost[i, j] = min(cost[i, j - 1], cost[i - 1, j - 1] + abs(few[i - 1] - many[j - 1]))
    taken = np.zeros(columns, np.bool_)
    i = rows
    for j in range(columns, 0, -1):
        if i > 0 and cost[i, j] < cost[i, j - 1]:
            taken[j - 1] = True
            i -= 1
    return taken
