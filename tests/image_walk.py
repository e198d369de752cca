"""Walk every pair through an image's tables as the tiles read them (RTR-7, TBL-1, RMP-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from model.image import ConfigImage

UNSEEN, SUNK, TAKEN = -3, -2, -1
"""What becomes of a first flit in an input buffer, where it is not the buffer that it enters."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Walk:
    """Where packets from every host to every host go.

    Members
    -------
    logical : int64[hosts]
        Logical ids that have a place; the other members number hosts in this order.
    hops : int32[hosts, hosts]
        Links from source to destination, -1 where the packet is sunk or driven in circles.
    shortest : int32[hosts, hosts]
        Links of the shortest way over working links, whatever the turns, -1 without any.
    load : int64[tiles, 4]
        Packets over each link when every host sends one to every other.
    """

    logical: npt.NDArray[np.int64]
    hops: npt.NDArray[np.int32]
    shortest: npt.NDArray[np.int32]
    load: npt.NDArray[np.int64]


def walk(image: ConfigImage) -> Walk:
    """Send a packet from every host to every host, itself included; hosts must be live tiles."""
    logical = np.flatnonzero(image.remap_tile >= 0)
    tile = image.remap_tile[logical].astype(np.int64)
    default = image.remap_vc[logical].astype(np.int64)
    hops = np.full((len(tile), len(tile)), -1, np.int32)
    shortest = np.full_like(hops, -1)
    load = np.zeros((image.spec.tiles, 4), np.int64)
    tables = (image.turns, image.routes, image.rules, image.out_ok, image.core_ok)
    _walk_to_each(image.spec.width, tile, default, *tables, hops, shortest, load)
    return Walk(logical=logical, hops=hops, shortest=shortest, load=load)


def lost(
    image: ConfigImage, source: npt.NDArray[np.int64], goal: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Which of these pairs of logical ids, one by one, do not arrive; for wafers of any size."""
    arrives = np.zeros(len(source), np.bool_)
    tables = (image.turns, image.routes, image.rules, image.out_ok, image.core_ok)
    hosts = (image.remap_tile[source], image.remap_tile[goal], image.remap_vc[goal])
    _walk_one_by_one(image.spec.width, *hosts, *tables, arrives)
    return np.flatnonzero(~arrives)


@njit(cache=True)
def _beyond(tile: Any, port: Any, width: Any) -> Any:
    """Tile at the other end of a link."""
    if port == 0:
        return tile - width
    if port == 2:
        return tile + width
    return tile + 2 - port


@njit(cache=True)
def _vc_of(rules: Any, x: Any, y: Any, default: Any) -> Any:
    """VC that a source's rules choose for a place (RMP-2)."""
    for rule in rules:
        if rule.valid and rule.x_lo <= x <= rule.x_hi and rule.y_lo <= y <= rule.y_hi:
            return np.int64(rule.vc)
    return default


@njit(cache=True)
def _moved(
    tile: Any, came: Any, vc: Any, goal: Any, width: Any, turns: Any, routes: Any, out_ok: Any,
    core_ok: Any,
) -> Any:  # fmt: skip
    """Buffer ``tile * 5 + port`` that a first flit enters next, or SUNK or TAKEN (RTR-7)."""
    to, x, y = 7, goal % width, goal // width
    if tile == goal:
        to = 4
    else:
        for entry in routes[tile]:
            here = entry.x_lo <= x <= entry.x_hi and entry.y_lo <= y <= entry.y_hi
            served = (entry.from_ports >> came) & 1 and (entry.vcs >> vc) & 1
            if entry.valid and here and served:
                to = entry.to
                break
    if to > 4 or not turns[tile, came, to, vc]:
        return SUNK
    if to == 4:
        return TAKEN if core_ok[tile] else SUNK
    return _beyond(tile, to, width) * 5 + (to ^ 2) if out_ok[tile, to] else SUNK


@njit(cache=True)
def _levels(goal: Any, width: Any, out_ok: Any, level: Any, queue: Any) -> None:
    """Breadth first from a goal, against the links."""
    level[:] = -1
    level[goal] = 0
    queue[0] = goal
    first, last = 0, 1
    while first < last:
        tile = queue[first]
        first += 1
        for port in range(4):
            sender = _beyond(tile, port, width)
            if 0 <= sender < len(level) and out_ok[sender, port ^ 2] and level[sender] < 0:
                level[sender] = level[tile] + 1
                queue[last] = sender
                last += 1


@njit(cache=True)
def _walk_to_each(
    width: Any, hosts: Any, default: Any, turns: Any, routes: Any, rules: Any, out_ok: Any,
    core_ok: Any, hops: Any, shortest: Any, load: Any,
) -> None:  # fmt: skip
    tiles, vcs = len(core_ok), turns.shape[3]
    after = np.empty((vcs, 5 * tiles), np.int32)
    crossed = np.empty(5 * tiles + 1, np.int32)
    level = np.empty(tiles, np.int32)
    queue = np.empty(tiles, np.int32)
    for b in range(len(hosts)):
        goal = hosts[b]
        after[:] = UNSEEN
        _levels(goal, width, out_ok, level, queue)
        for a in range(len(hosts)):
            shortest[a, b] = level[hosts[a]]
            vc = _vc_of(rules[hosts[a]], goal % width, goal // width, default[b])
            state, count = hosts[a] * 5 + 4, 0
            while state >= 0 and count <= 5 * tiles:
                if after[vc, state] == UNSEEN:
                    after[vc, state] = _moved(
                        state // 5, state % 5, vc, goal, width, turns, routes, out_ok, core_ok
                    )
                crossed[count] = state
                state = after[vc, state]
                count += 1
            if state == TAKEN and crossed[count - 1] // 5 == goal:
                hops[a, b] = count - 1
                for k in range(1, count):
                    entered = crossed[k]
                    port = entered % 5
                    load[_beyond(entered // 5, port, width), port ^ 2] += 1


@njit(cache=True)
def _walk_one_by_one(
    width: Any, sources: Any, goals: Any, default: Any, turns: Any, routes: Any, rules: Any,
    out_ok: Any, core_ok: Any, arrives: Any,
) -> None:  # fmt: skip
    for k in range(len(sources)):
        goal = np.int64(goals[k])
        vc = _vc_of(rules[sources[k]], goal % width, goal // width, np.int64(default[k]))
        last = state = np.int64(sources[k]) * 5 + 4
        left = 5 * len(core_ok)
        while state >= 0 and left > 0:
            last, left = state, left - 1
            state = np.int64(_moved(
                state // 5, state % 5, vc, goal, width, turns, routes, out_ok, core_ok
            ))  # fmt: skip
        arrives[k] = state == TAKEN and last // 5 == goal
