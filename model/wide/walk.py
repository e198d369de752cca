"""The compiled loops of walking through large images (:mod:`model.wide.walker`), in one file.

One file, because Numba's cache notices a change in the caller's own file only. Where the tables of
tiles in a row or column send every packet for what lies ahead straight on, a walk jumps to the end
of that stretch.
"""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def _covers(e: Any, x_lo: Any, x_hi: Any, y_lo: Any, y_hi: Any) -> Any:
    """2: the entry covers the whole rectangle; 1: some of it; 0: nothing."""
    if e[0] > x_hi or e[1] < x_lo or e[2] > y_hi or e[3] < y_lo:
        return 0
    return 2 if e[0] <= x_lo and e[1] >= x_hi and e[2] <= y_lo and e[3] >= y_hi else 1


@njit(cache=True, nogil=True)
def stretches(
    width: Any, height: Any, packed: Any, begin: Any, turns: Any, out_ok: Any, stretch: Any
) -> None:
    """``stretch[vc, tile, port]``: tiles in a row, this one first, that send on straight.

    North and south: everything for the rows ahead; east and west: for the row's columns ahead.
    """
    for vc in range(len(stretch)):
        for port in range(4):
            came, step = (port + 2) % 4, (-width, 1, width, -1)[port]
            for k in range(width * height):
                tile = k if port == 0 or port == 3 else width * height - 1 - k
                x, y = tile % width, tile // width
                stretch[vc, tile, port] = 0
                if not (out_ok[tile, port] and turns[tile, came, port, vc]):
                    continue
                x_lo, x_hi, y_lo, y_hi = 0, width - 1, y, y
                if port == 0:
                    y_lo, y_hi = 0, y - 1
                elif port == 1:
                    x_lo = x + 1
                elif port == 2:
                    y_lo, y_hi = y + 1, height - 1
                else:
                    x_hi = x - 1
                for i in range(begin[tile], begin[tile + 1]):
                    e = packed[i]
                    if not (e[4] >> came & 1 and e[5] >> vc & 1):
                        continue
                    covered = _covers(e, x_lo, x_hi, y_lo, y_hi)
                    if covered and e[6] != port:
                        break
                    if covered == 2:
                        stretch[vc, tile, port] = 1 + stretch[vc, tile + step, port]
                        break


@njit(cache=True, nogil=True)
def _follow(
    source: Any, goal: Any, vc: Any, width: Any, packed: Any, begin: Any, turns: Any, out_ok: Any,
    core_ok: Any, near: Any, stretch: Any, ends: Any,
) -> Any:  # fmt: skip
    """Hops from source to goal by RTR-7, -1 when the packet does not arrive.

    ``ends[tile, port]`` gains 1 where a stretch of hops begins and loses 1 behind its last hop.
    """
    x, y = goal % width, goal // width
    tile, came, hops = source, 4, 0
    steps = 0
    while tile != goal:
        far = 0
        if came < 4:
            out = (came + 2) % 4
            if out == 0:
                far = tile // width - y
            elif out == 2:
                far = y - tile // width
            elif tile // width == y:
                far = x - tile % width if out == 1 else tile % width - x
            if far > 0:
                far = min(far, stretch[vc, tile, out])
        if far <= 0:
            far, out = 1, 255
            for i in range(begin[tile], begin[tile + 1]):
                e = packed[i]
                if (
                    e[0] <= x <= e[1] and e[2] <= y <= e[3] and e[4] >> came & 1
                    and e[5] >> vc & 1
                ):  # fmt: skip
                    out = e[6]
                    break
            if out > 3 or not turns[tile, came, out, vc] or not out_ok[tile, out]:
                return -1
        ends[tile, out] += 1
        if far == 1:
            tile = near[tile, out]
        else:
            tile += (-width, 1, width, -1)[out] * far
        ends[tile, out] -= 1
        hops += far
        came = (out + 2) % 4
        steps += 1
        if steps > 4 * len(near):
            return -1
    return hops if turns[goal, came, 4, vc] and core_ok[goal] else -1


@njit(cache=True, nogil=True)
def _vc(source: Any, goal: Any, width: Any, rules: Any, default: Any) -> Any:
    """VC of a pair by RMP-2."""
    for rule in rules[source]:
        if (
            rule.valid
            and rule.x_lo <= goal % width <= rule.x_hi
            and rule.y_lo <= goal // width <= rule.y_hi
        ):
            return rule.vc
    return default


@njit(cache=True, nogil=True)
def walk_list(
    sources: Any, goals: Any, vcs: Any, rules: Any, width: Any, tables: Any, totals: Any,
    missed: Any, hops_of: Any,
) -> None:  # fmt: skip
    """Walk pair by pair; ``hops_of`` gets each pair's hops where it has room."""
    for k in range(len(sources)):
        source, goal = sources[k], goals[k]
        hops = _follow(source, goal, _vc(source, goal, width, rules, vcs[goal]), width, *tables)
        _count(source, goal, hops, totals, missed)
        if k < len(hops_of):
            hops_of[k] = hops


@njit(cache=True, nogil=True)
def walk_windows(
    places: Any, reach: Any, is_host: Any, vcs: Any, rules: Any, width: Any, tables: Any,
    totals: Any, missed: Any,
) -> None:  # fmt: skip
    """Walk every ordered pair of hosts in the square around each place."""
    height = len(is_host) // width
    for place in places:
        x, y = place % width, place // width
        x_lo, x_hi = max(0, x - reach), min(width - 1, x + reach)
        y_lo, y_hi = max(0, y - reach), min(height - 1, y + reach)
        for goal_y in range(y_lo, y_hi + 1):
            for goal_x in range(x_lo, x_hi + 1):
                goal = goal_y * width + goal_x
                if not is_host[goal]:
                    continue
                for source_y in range(y_lo, y_hi + 1):
                    for source_x in range(x_lo, x_hi + 1):
                        source = source_y * width + source_x
                        if is_host[source] and source != goal:
                            vc = _vc(source, goal, width, rules, vcs[goal])
                            hops = _follow(source, goal, vc, width, *tables)
                            _count(source, goal, hops, totals, missed)


@njit(cache=True, nogil=True)
def _count(source: Any, goal: Any, hops: Any, totals: Any, missed: Any) -> None:
    totals[0] += 1
    if hops >= 0:
        totals[1] += 1
        totals[2] += hops
        totals[3] = max(totals[3], hops)
        return
    missed[goal] = True
    if totals[4] < 0:
        totals[4], totals[5] = source, goal


@njit(cache=True)
def distances(goal: Any, out_ok: Any, near: Any, distance: Any, queue: Any) -> None:
    """Hops to ``goal`` over working links, -1 where there is no way."""
    distance[:] = -1
    distance[goal] = 0
    queue[0] = goal
    head, count = 0, 1
    while head < count:
        tile = queue[head]
        head += 1
        for came in range(4):
            before = near[tile, came]
            if before >= 0 and distance[before] < 0 and out_ok[before, (came + 2) % 4]:
                distance[before] = distance[tile] + 1
                queue[count] = before
                count += 1
