"""Trees made easy to write as tables: compiled loops."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

STAY: Final = 3
NO_PORT: Final = 4
FAR: Final = np.float32(1e9)
QUIET: Final = 255


@njit(cache=True, nogil=True)
def _unlike(row: Any, goal: Any, out: Any, said: Any, near: Any, mates: Any, w: Any) -> Any:
    """Weight of neighbouring destinations, and of the tile's other inputs, that go elsewhere."""
    found = 0.0
    for i in range(8):
        other = near[goal, i]
        if other >= 0:
            there = said[row, other]
            if there != QUIET and there != out:
                found += w[0] if i < 4 else w[1]
    for i in range(4):
        mate = mates[row, i]
        if mate >= 0:
            there = said[mate, goal]
            if there != QUIET and there != out:
                found += w[2]
    return found


@njit(cache=True, nogil=True)
def _pour(link: Any, goal: Any, amount: Any, net: Any, talk: Any) -> Any:
    succ, cost, load, step, flow = net
    said, port, near, mates, weight, w = talk
    rise = 0.0
    while True:
        before = load[link]
        after = before + amount
        load[link] = after
        rise += cost[after] - cost[before]
        had = flow[link, goal]
        flow[link, goal] = had + amount
        k = step[link, goal]
        if k == STAY:
            return rise
        to = succ[link, k]
        if had == 0:
            rise += weight[link] * _unlike(link, goal, port[to], said, near, mates, w)
            said[link, goal] = port[to]
        elif had + amount == 0:
            rise -= weight[link] * _unlike(link, goal, said[link, goal], said, near, mates, w)
            said[link, goal] = QUIET
        link = to


@njit(cache=True, nogil=True)
def _redirect(link: Any, goal: Any, k: Any, net: Any, talk: Any) -> Any:
    succ, cost, load, step, flow = net
    said, port, near, mates, weight, w = talk
    amount = flow[link, goal]
    old = step[link, goal]
    rise = 0.0
    if amount > 0:
        rise -= weight[link] * _unlike(link, goal, said[link, goal], said, near, mates, w)
        rise += _pour(succ[link, old], goal, -amount, net, talk)
        step[link, goal] = k
        said[link, goal] = port[succ[link, k]]
        rise += _pour(succ[link, k], goal, amount, net, talk)
        rise += weight[link] * _unlike(link, goal, said[link, goal], said, near, mates, w)
    step[link, goal] = k
    return rise


@njit(cache=True, nogil=True)
def _restart(source: Any, goal: Any, out: Any, starts: Any, first: Any, net: Any, talk: Any) -> Any:
    said, port, near, mates, weight, w = talk
    row = len(net[0]) + source
    rise = -weight[row] * _unlike(row, goal, said[row, goal], said, near, mates, w)
    rise += _pour(starts[source, first[source, goal]], goal, -1, net, talk)
    first[source, goal] = out
    said[row, goal] = out
    rise += _pour(starts[source, out], goal, 1, net, talk)
    return rise + weight[row] * _unlike(row, goal, out, said, near, mates, w)


@njit(cache=True, nogil=True)
def _heard(row: Any, goal: Any, out: Any, said: Any, near: Any, mates: Any) -> Any:
    for i in range(8):
        if near[goal, i] >= 0 and said[row, near[goal, i]] == out:
            return True
    for i in range(4):
        if mates[row, i] >= 0 and said[mates[row, i], goal] == out:
            return True
    return False


@njit(cache=True, nogil=True)
def smooth(
    layer_of: Any, orders: Any, turns: Any, succ: Any, end: Any, starts: Any, cost: Any, price: Any,
    load: Any, step: Any, flow: Any, first: Any, ahead: Any, said: Any, port: Any, near: Any,
    mates: Any, weight: Any, w: Any,
) -> Any:  # fmt: skip
    net = (succ, cost, load, step, flow)
    talk = (said, port, near, mates, weight, w)
    hosts = len(layer_of)
    links = len(succ)
    changed = 0
    for layer in range(len(orders)):
        order, turn = orders[layer], turns[layer]
        for i in range(links - 1, -1, -1):
            link = order[i]
            toll = price[min(load[link], len(price) - 1)]
            for goal in range(hosts):
                if layer_of[goal] != layer:
                    continue
                if end[link] == goal:
                    ahead[link, goal] = toll
                    continue
                now = step[link, goal]
                if now == STAY:
                    continue
                at = ahead[succ[link, now], goal]
                for k in range(3):
                    now = step[link, goal]
                    if k == now or not turn[link] >> k & 1 or ahead[succ[link, k], goal] >= FAR:
                        continue
                    if flow[link, goal] == 0:
                        if ahead[succ[link, k], goal] < at:
                            step[link, goal] = k
                            at = ahead[succ[link, k], goal]
                        continue
                    out = port[succ[link, k]]
                    if ahead[succ[link, k], goal] >= at and not _heard(
                        link, goal, out, said, near, mates
                    ):
                        continue
                    if _redirect(link, goal, k, net, talk) < -1e-12:
                        at = ahead[succ[link, k], goal]
                        changed += 1
                    else:
                        _redirect(link, goal, now, net, talk)
                ahead[link, goal] = toll + at
    for source in range(hosts):
        for goal in range(hosts):
            if source == goal:
                continue
            for out in range(4):
                now = first[source, goal]
                start = starts[source, out]
                if out == now or start < 0 or ahead[start, goal] >= FAR:
                    continue
                if ahead[start, goal] >= ahead[starts[source, now], goal] and not _heard(
                    links + source, goal, out, said, near, mates
                ):
                    continue
                if _restart(source, goal, out, starts, first, net, talk) < -1e-12:
                    changed += 1
                else:
                    _restart(source, goal, now, starts, first, net, talk)
    return changed
