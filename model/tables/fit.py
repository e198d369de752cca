"""Tables for every tile from one set of paths; path quality is traded where entries run out.

The turns are acyclic, so every legal output from which the destination can still be reached is
right and ends there. A tile that needs more entries than it has is therefore fitted again with
more freedom, rung by rung: good outputs, then legal ones with longer and longer ways; on each rung
it first tries to give up only the entries that answer least. Its new paths may reach other tiles by
inputs not seen before, so the whole is repeated until nothing changes; the set of (tile, input,
destination) that is asked only grows, so it ends.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.routing.plan import NOWHERE, PathPlan, layer_vcs
from model.tables.cover import FIELDS, cover, cover_each
from model.tables.decode import answered_each, soften
from model.tables.demand import GOOD, gather, loosen, settle, trace

MOST_ENTRIES: Final = 64
"""Entries that are tried before a tile is said to need "more"."""

EFFORTS: Final = {"fast": (1, 2), "best": (48, 1)}
"""Greedy rounds before a tile's paths are traded, and how fast more of them are given up."""

_LANES: Final = 2
_BLOCK: Final = 32  # tiles gathered at once: two cache lines of demands


class Freedom(IntEnum):
    """Outputs among which a tile's table may choose."""

    CHOSEN = 0
    GOOD = 1
    LEGAL = 2


_RUNGS: Final = [
    (Freedom.GOOD, GOOD),
    (Freedom.LEGAL, 2),
    (Freedom.LEGAL, 6),
    (Freedom.LEGAL, 1 << 30),
]


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


def fit_tables(paths: PathPlan, route_entries: int, vcs: int, effort: str = "fast") -> FittedTables:
    """Fit every tile's route table.

    Parameters
    ----------
    paths : PathPlan
    route_entries : int
        Entries a tile has, 1 … 64; all VCs share them.
    vcs : int
        VCs of the fabric, at least as many as layers.
    effort : str
        A key of :data:`EFFORTS`.

    Raises
    ------
    InputError
        When a pair has no way in its layer, or nothing fits: the tile and its need.
    """
    _require_ways(paths)
    fit = _Fit(paths, route_entries, *EFFORTS[effort])
    with ThreadPoolExecutor(_LANES) as pool:
        while fit.moved.any():
            list(pool.map(fit.trace, range(_LANES)))
            list(pool.map(fit.fit, range(_LANES)))
            fit.require_fit()
    of_layers = np.zeros(1 << paths.layers, np.int32)
    for layer in range(paths.layers):
        holds = np.arange(len(of_layers)) >> layer & 1 != 0
        of_layers[holds] |= layer_vcs(layer, paths.layers, vcs)
    fit.entries[:, :, 5] = of_layers[fit.entries[:, :, 5]]
    used = np.arange(route_entries) < fit.count[:, None]
    entries = np.where(used[:, :, None], fit.entries, 0).astype(np.int32)
    return FittedTables(entries=entries, count=fit.count, freedom=fit.freedom)


def _require_ways(paths: PathPlan) -> None:
    """Refuse a plan with a pair that does not start; following it would leave the arrays."""
    starts = paths.hop[:, :, paths.hosts * 5 + 4]  # [layer, destination, source]
    for layer in range(paths.layers):
        lost = (starts[layer] == NOWHERE) & (layer == paths.layer_of.T)
        np.fill_diagonal(lost, False)
        if lost.any():
            goal, source = (int(paths.hosts[k]) for k in np.argwhere(lost)[0])
            raise InputError(
                f"paths.hop is nowhere from tile {source} to tile {goal} in layer {layer};"
                " allowed: a way for every pair in its layer"
            )


class _Fit:
    """One fit on its way: tables, what is asked of them, and the lanes that work on it.

    A lane writes only to its own destinations (``trace``) or tiles (``fit``) and reads nothing
    that another writes meanwhile, so the result does not depend on who runs when.
    """

    def __init__(self, paths: PathPlan, route_entries: int, rounds: int, hurry: int) -> None:
        tiles, hosts = len(paths.forward), len(paths.hosts)
        self.paths = paths
        self.rounds, self.hurry = rounds, hurry
        self.layer_to = np.ascontiguousarray(paths.layer_of.T)
        self.wanted = np.zeros((paths.layers, hosts, tiles), np.uint32)
        self.moved = np.ones(hosts, np.bool_)
        self.dirty = np.zeros(tiles, np.bool_)
        self.entries = np.zeros((tiles, route_entries, FIELDS), np.int32)
        self.count = np.zeros(tiles, np.int32)
        self.freedom = np.zeros(tiles, np.uint8)
        self.need = np.zeros(tiles, np.int32)  # what a tile that does not fit would take

    def trace(self, lane: int) -> None:
        """Find what is asked for the lane's destinations."""
        plan = (self.paths.hosts, self.layer_to, self.paths.forward, self.paths.hop)
        trace(lane, _LANES, *plan, self.moved, self.wanted, self.dirty)

    def fit(self, lane: int) -> None:
        """Fit those of the lane's tiles that are asked something new."""
        paths, tiles = self.paths, len(self.count)
        most = self.entries.shape[1]
        for first in range(lane * _BLOCK, tiles, _LANES * _BLOCK):
            part = slice(first, min(tiles, first + _BLOCK))
            if not self.dirty[part].any():
                continue
            self.dirty[part] = False
            demands = np.empty((part.stop - first, paths.layers, tiles), np.uint32)
            gather(self.wanted, paths.hosts, first, demands)
            grids = demands.reshape(-1, paths.layers, paths.height, paths.width)
            known = np.empty(len(grids), np.bool_)
            answered_each(grids, self.entries[part], self.count[part], known)
            entries = np.zeros((len(grids), MOST_ENTRIES, FIELDS), np.int32)
            count = self.count[part].copy()
            cover_each(grids, ~known, most, self.rounds, entries, count)
            for tile in (np.flatnonzero(~known) + first).tolist():
                used = int(count[tile - first])
                wish = entries[tile - first, : max(0, used)]
                if 0 <= used <= most:
                    self._keep(tile, wish)
                else:
                    self._trade(tile, grids[tile - first], wish)

    def _keep(self, tile: int, entries: npt.NDArray[np.int32]) -> None:
        self.entries[tile, : len(entries)] = entries
        self.count[tile] = len(entries)

    def _cover(self, demand: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32] | None:
        """Entries for a demand, None when the tile has too few."""
        most = self.entries.shape[1]
        entries = np.zeros((most + most // 4, FIELDS), np.int32)  # within reach of further rounds
        used = cover(demand, most, self.rounds, entries)
        return entries[:used] if 0 <= used <= most else None

    def _trade(
        self, tile: int, strict: npt.NDArray[np.uint32], wish: npt.NDArray[np.int32]
    ) -> None:
        """Fit a tile with as little freedom as it takes; ``wish`` answers what is asked, if any."""
        paths = self.paths
        plan = (paths.hosts, paths.turns, paths.forward, paths.hop, paths.good)
        loose = np.empty_like(strict)
        for freedom, slack in _RUNGS:
            loosen(tile, slack, *plan, self.wanted, loose.reshape(paths.layers, -1))
            entries = self._least(strict, loose, wish)
            if entries is None:
                continue
            self.freedom[tile] = freedom
            self._keep(tile, entries)
            table = (entries, len(entries), self.wanted, self.moved)
            settle(tile, paths.width, paths.hosts, *table)
            return
        spare = np.zeros((MOST_ENTRIES, FIELDS), np.int32)
        used = cover(loose, 0, self.rounds, spare)
        self.need[tile] = used if used > 0 else MOST_ENTRIES + 1

    def _least(
        self,
        strict: npt.NDArray[np.uint32],
        loose: npt.NDArray[np.uint32],
        wish: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.int32] | None:
        """Loosen only what the lightest entries answer, if some number of them will do."""
        give_up = self.hurry * max(1, len(wish) - self.entries.shape[1])
        while give_up < len(wish):
            found = self._cover(soften(strict, loose, wish, len(wish), give_up))
            if found is not None:
                return found
            give_up += (self.hurry * give_up + 3) // 4
        return self._cover(loose)

    def require_fit(self) -> None:
        """Refuse when some tile found no table."""
        if not self.need.any():
            return
        tile = int(np.argmax(self.need != 0))
        need = int(self.need[tile])
        wants = f"{need} or more" if need <= MOST_ENTRIES else f"more than {MOST_ENTRIES}"
        raise InputError(
            f"route_entries is {self.entries.shape[1]}; allowed: {wants},"
            f" which tile ({tile % self.paths.width}, {tile // self.paths.width}) needs"
        )
