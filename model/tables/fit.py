"""Tables for every tile from one set of paths; path quality is traded where entries run out.

The turns are acyclic, so every legal output from which the destination can still be reached is
right and ends there. A tile that needs more entries than it has is therefore fitted again with
more freedom, rung by rung: good outputs, then legal ones with longer and longer ways; on each rung
it first tries to give up only the entries that answer least. Its new paths may reach other tiles by
inputs not seen before, so the whole is repeated until nothing changes; the set of (tile, input,
destination) that is asked only grows, so it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.lanes import share
from model.routing.plan import NOWHERE, PathPlan, layer_vcs
from model.tables.cover import FIELDS, cover, cover_each
from model.tables.decode import answered_each, settle_each, soften_each
from model.tables.demand import GOOD, gather, loosen_each, trace

MOST_ENTRIES: Final = 64
"""Entries that are tried before a tile is said to need "more"."""

EFFORTS: Final = {"fast": (1, 2), "best": (48, 1)}
"""Greedy rounds before a tile's paths are traded, and how fast more of them are given up."""

_BLOCK: Final = 32  # tiles fitted at once


_Numbers = npt.NDArray[np.signedinteger[Any]]


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
    while fit.dirty.any():
        share(fit.fit, range(0, len(fit.dirty), _BLOCK))
        fit.require_fit()
        fit.trace()
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
    lost = paths.hop[paths.hosts * 5 + 4] == NOWHERE  # [source, destination]
    np.fill_diagonal(lost, False)
    if lost.any():
        source, goal = np.argwhere(lost)[0]
        raise InputError(
            f"paths.hop is nowhere from tile {paths.hosts[source]} to tile {paths.hosts[goal]} in"
            f" layer {paths.layer_of[goal]}; allowed: a way for every pair in its layer"
        )


class _Fit:
    """One fit on its way: tables and what is asked of them.

    Blocks of tiles are fitted at the same time. Each writes only what is its tiles' own and reads
    nothing that another writes meanwhile, so the result does not depend on who runs when.
    """

    def __init__(self, paths: PathPlan, route_entries: int, rounds: int, hurry: int) -> None:
        tiles = len(paths.forward)
        self.paths = paths
        self.rounds, self.hurry = rounds, hurry
        self.wanted = paths.asked.copy()
        self.dirty = self.wanted.max(axis=1, initial=0) > 0  # asked something new
        self.moved = np.zeros(tiles, np.bool_)  # answers something new
        self.entries = np.zeros((tiles, route_entries, FIELDS), np.int32)
        self.count = np.zeros(tiles, np.int32)
        self.freedom = np.zeros(tiles, np.uint8)
        self.need = np.zeros(tiles, np.int32)  # what a tile that does not fit would take

    def trace(self) -> None:
        """Find what is asked behind tiles that answer otherwise than before."""
        paths = self.paths
        trace(paths.hosts, paths.forward, paths.hop, self.moved, self.wanted, self.dirty)

    def fit(self, first: int) -> None:
        """Fit those of a block's tiles that are asked something new."""
        paths, most = self.paths, self.entries.shape[1]
        tiles = np.flatnonzero(self.dirty[first : first + _BLOCK]) + first
        if not len(tiles):
            return
        self.dirty[tiles] = False
        demands = np.empty((len(tiles), paths.layers, paths.height, paths.width), np.uint32)
        flat = demands.reshape(len(tiles), paths.layers, -1)
        gather(self.wanted[tiles], paths.hosts, paths.layer_of, flat)
        known = np.empty(len(tiles), np.bool_)
        answered_each(demands, self.entries[tiles], self.count[tiles], known)
        entries = np.zeros((len(tiles), MOST_ENTRIES, FIELDS), np.int32)
        count = np.zeros(len(tiles), np.int32)
        cover_each(demands, ~known, most, self.rounds, entries, count)
        fits = ~known & (count >= 0) & (count <= most)
        self._keep(tiles[fits], entries[fits], count[fits])
        left = ~known & ~fits
        if left.any():
            self._trade(tiles[left], demands[left], entries[left], np.maximum(count[left], 0))

    def _keep(self, tiles: _Numbers, entries: npt.NDArray[np.int32], count: _Numbers) -> None:
        self.entries[tiles] = entries[:, : self.entries.shape[1]]
        self.count[tiles] = count

    def _trade(
        self,
        tiles: _Numbers,
        strict: npt.NDArray[np.uint32],
        wish: npt.NDArray[np.int32],
        wishes: _Numbers,
    ) -> None:
        """Fit tiles with as little freedom as each takes; ``wish`` answers what is asked, if any.

        ``wishes`` is its number of entries, 0 for none.
        """
        paths, most = self.paths, self.entries.shape[1]
        plan = (paths.hosts, paths.layer_of, paths.turns, paths.forward, paths.hop, paths.good)
        for freedom, slack in _RUNGS:
            loose = np.empty_like(strict)
            flat = loose.reshape(len(tiles), paths.layers, -1)
            loosen_each(tiles, slack, *plan, self.wanted, flat)
            entries, count = self._least(strict, loose, wish, wishes)
            fits = (count >= 0) & (count <= most)
            done = tiles[fits]
            self._keep(done, entries[fits], count[fits])
            self.freedom[done] = freedom
            shape = (paths.layers, paths.height, paths.width)
            where = (done, shape, paths.hosts, paths.layer_of)
            settle_each(*where, self.entries, self.count, self.wanted, self.moved)
            tiles, wishes = tiles[~fits], wishes[~fits]
            strict, wish = strict[~fits], wish[~fits]
            if not len(tiles):
                return
        spare = np.zeros((MOST_ENTRIES, FIELDS), np.int32)
        for tile, demand in zip(tiles, loose[~fits], strict=True):
            used = cover(demand, 0, self.rounds, spare)
            self.need[tile] = used if used > 0 else MOST_ENTRIES + 1

    def _least(
        self,
        strict: npt.NDArray[np.uint32],
        loose: npt.NDArray[np.uint32],
        wish: npt.NDArray[np.int32],
        wishes: _Numbers,
    ) -> tuple[npt.NDArray[np.int32], _Numbers]:
        """Loosen only what the lightest entries answer, if some number of them will do."""
        most = self.entries.shape[1]
        # Room for what is within reach of further rounds.
        entries = np.zeros((len(strict), most + most // 4, FIELDS), np.int32)
        count = np.zeros(len(strict), np.int32)
        todo = np.ones(len(strict), np.bool_)
        mixed = np.empty_like(strict)
        give_up = self.hurry * np.maximum(1, wishes - most)
        while todo.any():
            partly = todo & (give_up < wishes)
            soften_each(strict, loose, wish, wishes, give_up, partly, mixed)
            mixed[todo & ~partly] = loose[todo & ~partly]
            cover_each(mixed, todo, most, self.rounds, entries, count)
            todo = partly & ((count < 0) | (count > most))
            give_up += (self.hurry * give_up + 3) // 4
        return entries, count

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
