"""Tables for every tile from one set of paths; path quality is traded where entries run out.

The turns are acyclic, so every legal output from which the destination can still be reached is
right and ends there. A tile that needs more entries than it has is therefore fitted again with
more freedom: first any good output per destination, then any legal one. Its new paths may
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
from model.routing.plan import PathPlan, layer_vcs
from model.tables.kernel import MOST_ENTRIES, fit_lane, trace

_LANES: Final = 2


class Freedom(IntEnum):
    """Outputs among which a tile's table may choose."""

    CHOSEN = 0
    GOOD = 1
    LEGAL = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedTables:
    """Entries of all tiles.

    Members
    -------
    entries : int32[tiles, route_entries, 7]
        x_lo, x_hi, y_lo, y_hi, from_ports, vcs, to.
    count : int32[tiles]
        Entries in use.
    freedom : uint8[tiles]
        :class:`Freedom` the tile was fitted with.
    """

    entries: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    freedom: npt.NDArray[np.uint8]


def fit_tables(paths: PathPlan, route_entries: int, vcs: int) -> FittedTables:
    """Fit every tile's route table.

    Parameters
    ----------
    paths : PathPlan
    route_entries : int
        Entries a tile has, 1 … 64; all VCs share them.
    vcs : int
        VCs of the fabric, at least as many as layers.

    Raises
    ------
    InputError
        When nothing fits: the tile and its need.
    """
    tiles, hosts, layers = len(paths.forward), paths.hosts, paths.layers
    hop = paths.hop.copy()
    asked = np.zeros(hop.shape, np.bool_)
    entries = np.zeros((tiles, route_entries, 7), np.int32)
    count = np.zeros(tiles, np.int32)
    freedom = np.zeros(tiles, np.uint8)
    need = np.zeros(tiles, np.int32)
    vc_sets = np.array([layer_vcs(layer, layers, vcs) for layer in range(layers)], np.int32)

    def follow(lane: int) -> None:
        trace(hosts, lane, _LANES, paths.layer_of, paths.forward, hop, asked)

    def fit(lane: int) -> int:
        tables = (entries, count, freedom, need)
        plan = (paths.turns, paths.forward, paths.good, hop, asked)
        return int(fit_lane(lane, _LANES, paths.width, hosts, vc_sets, *plan, *tables))

    with ThreadPoolExecutor(_LANES) as pool:
        while True:
            list(pool.map(follow, range(_LANES)))
            changed = sum(pool.map(fit, range(_LANES)))
            if need.any():
                tile = int(np.argmax(need != 0))
                place = f"({tile % paths.width}, {tile // paths.width})"
                wants = need[tile] if need[tile] > 0 else f"more than {MOST_ENTRIES}"
                raise InputError(
                    f"route_entries is {route_entries}; allowed: {wants} or more,"
                    f" which tile {place} needs"
                )
            if not changed:
                return FittedTables(entries=entries, count=count, freedom=freedom)
