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
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.routing.paths import UNREACHED, Network, shortest_masks
from model.tables.kernel import MOST_ENTRIES, fit_lane, trace

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

    def follow(lane: int) -> None:
        trace(hosts, lane, _LANES, network.forward, hop, asked)

    def fit(lane: int) -> int:
        tables = (entries, count, freedom, need)
        plan = (network.turns, network.forward, masks, hop, asked)
        return int(fit_lane(lane, _LANES, network.width, hosts, *plan, *tables))

    with ThreadPoolExecutor(_LANES) as pool:
        while True:
            list(pool.map(follow, range(_LANES)))
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
