"""Tables for every tile from one set of paths; path quality is traded where entries run out.

The turns are acyclic, so every legal output from which the destination can still be reached is
right and ends there. A tile that needs more entries than it has is therefore fitted again with
more freedom: first any shortest output per destination, then any legal one. Its new paths may
reach other tiles by inputs not seen before, so the whole is repeated until nothing changes; the
set of (tile, input, destination) that is asked only grows, so it ends.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from model.errors import InputError
from model.routing.paths import UNREACHED, Network, shortest_masks
from model.tables.rectangles import MOST_ENTRIES, cover

_LANES: Final = 2


class Freedom(IntEnum):
    """Outputs among which a tile's table may choose."""

    CHOSEN = 0
    SHORTEST = 1
    LEGAL = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedTables:
    """Entries of all tiles.

    Members
    -------
    entries : int32[tiles, route_entries, 6]
        x_lo, x_hi, y_lo, y_hi, from_ports, to.
    count : int32[tiles]
        Entries in use.
    freedom : uint8[tiles]
        :class:`Freedom` the tile was fitted with.
    """

    entries: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    freedom: npt.NDArray[np.uint8]


@njit(cache=True, nogil=True)
def _trace(hosts: Any, lane: Any, lanes: Any, forward: Any, hop: Any, asked: Any) -> None:
    """Mark every state that some host's packet to hosts[k] passes."""
    seen = np.full(hop.shape[1], -1, np.int32)
    for k in range(lane, len(hosts), lanes):
        for source in hosts:
            state = source * 5 + 4
            while state // 5 != hosts[k] and seen[state] != k:
                seen[state] = k
                asked[k, state] = True
                state = forward[state // 5, hop[k, state]]


@njit(cache=True, nogil=True)
def _decode(entries: Any, count: Any, port: Any, x: Any, y: Any) -> Any:
    for e in range(count):
        if (
            entries[e, 0] <= x <= entries[e, 1]
            and entries[e, 2] <= y <= entries[e, 3]
            and entries[e, 4] >> port & 1
        ):
            return entries[e, 5]
    return UNREACHED


@njit(cache=True, nogil=True)
def _demand(
    tile: Any, hosts: Any, turns: Any, forward: Any, masks: Any, hop: Any, asked: Any,
    freedom: Any, demand: Any,
) -> None:  # fmt: skip
    """Good outputs of every asked (input, destination) under a freedom."""
    demand[:] = 0
    for k in range(len(hosts)):
        for port in range(5):
            state = tile * 5 + port
            if not asked[k, state]:
                continue
            if freedom == 0:
                good = 1 << hop[k, state]
            elif freedom == 1:
                good = masks[k, state]
            else:
                good = 0
                for out in range(4):
                    after = forward[tile, out]
                    if after >= 0 and turns[tile, port, out] and masks[k, after] != UNREACHED:
                        good |= 1 << out
            demand[port, hosts[k]] = good


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
def _fit_lane(
    lane: Any, lanes: Any, width: Any, hosts: Any, turns: Any, forward: Any, masks: Any, hop: Any,
    asked: Any, entries: Any, count: Any, freedom: Any, need: Any,
) -> Any:  # fmt: skip
    """Fit the lane's tiles whose tables do not answer all that is asked; number of hops changed."""
    tiles = len(count)
    most = entries.shape[1]
    demand = np.zeros((5, tiles), np.uint8)
    trial = np.zeros((max(most, MOST_ENTRIES), 6), np.int32)
    changed = 0
    for tile in range(lane, tiles, lanes):
        _demand(tile, hosts, turns, forward, masks, hop, asked, freedom[tile], demand)
        answered = True
        for host in hosts:
            x, y = host % width, host // width
            for port in range(5):
                good = demand[port, host]
                if good:
                    out = _decode(entries[tile], count[tile], port, x, y)
                    answered = answered and out < 4 and good >> out & 1 != 0
        while not answered:
            for attempt in range(2):
                sets = _port_sets(turns[tile], attempt == 0)
                used = cover(demand, width, sets, most, trial)
                if used >= 0:
                    break
            if used >= 0:
                entries[tile], count[tile] = trial[:most], used
                break
            if freedom[tile] == 2:
                need[tile] = cover(demand, width, sets, len(trial), trial)
                return changed
            freedom[tile] += 1
            _demand(tile, hosts, turns, forward, masks, hop, asked, freedom[tile], demand)
        if freedom[tile] == 0:
            continue
        for k in range(len(hosts)):
            x, y = hosts[k] % width, hosts[k] // width
            for port in range(5):
                if asked[k, tile * 5 + port]:
                    out = _decode(entries[tile], count[tile], port, x, y)
                    changed += out != hop[k, tile * 5 + port]
                    hop[k, tile * 5 + port] = out
    return changed


def fit_tables(network: Network, choice: npt.NDArray[np.uint8], route_entries: int) -> FittedTables:
    """Fit every tile's route table.

    Parameters
    ----------
    network : Network
    choice : uint8[tiles, 16]
        Which of several shortest outputs to take.
    route_entries : int
        Entries a tile has.

    Raises
    ------
    InputError
        When nothing fits: the tile and its need.
    """
    tiles, hosts = len(network.turns), network.hosts
    masks = shortest_masks(network)
    hop = np.empty_like(masks)
    for k in range(len(hosts)):
        by_tile = np.where(masks[k] == UNREACHED, 0, masks[k]).reshape(tiles, 5)
        hop[k] = np.take_along_axis(choice, by_tile, axis=1).ravel()
    asked = np.zeros(masks.shape, np.bool_)
    entries = np.zeros((tiles, route_entries, 6), np.int32)
    count = np.zeros(tiles, np.int32)
    freedom = np.zeros(tiles, np.uint8)
    need = np.zeros(tiles, np.int32)

    def trace(lane: int) -> None:
        _trace(hosts, lane, _LANES, network.forward, hop, asked)

    def fit(lane: int) -> int:
        tables = (entries, count, freedom, need)
        plan = (network.turns, network.forward, masks, hop, asked)
        return int(_fit_lane(lane, _LANES, network.width, hosts, *plan, *tables))

    with ThreadPoolExecutor(_LANES) as pool:
        while True:
            list(pool.map(trace, range(_LANES)))
            changed = sum(pool.map(fit, range(_LANES)))
            if need.any():
                tile = int(np.argmax(need != 0))
                place = f"({tile % network.width}, {tile // network.width})"
                wants = need[tile] if need[tile] > 0 else f"more than {MOST_ENTRIES}"
                raise InputError(
                    f"route_entries is {route_entries}; allowed: {wants} or more,"
                    f" which tile {place} needs"
                )
            if not changed:
                return FittedTables(entries=entries, count=count, freedom=freedom)
