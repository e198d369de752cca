"""A laid weave made better link by link: searched for less load, tidied for small tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.routing import anneal, sweep
from model.routing.weave import Weave

STEEP: Final = 12
"""Power of a link's load in its cost: nearly only the busiest links count."""
HOP: Final = 0.08
"""Price of a hop against that of one unit more on the busiest link."""
TIDY_HOP: Final = 0.2
"""The same while tidying, which leaves the turns as they are."""
BEND: Final = 0.08
"""Price of a turn: packets that go straight on block each other less, and make smaller tables."""
STAGES: Final = 8
"""Times that costs are renewed by the busiest link's load; each stage is colder."""
WARM: Final = 0.05
COLD: Final = 0.0005
"""Share of the total cost by which a kept move may raise it, at first and at the end."""
BORDER: Final = 0.3
"""Price of a border at first, in packets that go one hop farther."""
DEARER: Final = 1.5
"""Times that it rises, round by round, where entries run out."""
_FIRM: Final = 8
"""Times the busiest link's load, beyond which more costs no more."""

Costs = tuple[
    npt.NDArray[np.float64], npt.NDArray[np.float32], float, npt.NDArray[np.float32],
    npt.NDArray[np.float64],
]  # fmt: skip
"""See :func:`model.routing.sweep.sweep`."""


class Improver:
    """Improves one weave in place.

    Parameters
    ----------
    weave : Weave
        With all trees laid, and a way for every pair, which the pair keeps.

    Attributes
    ----------
    tile : int32[rows]
        Tile of each row (:mod:`model.routing.sweep`).
    fill : float
        Share of all tables' entries that are needed, when last tidied; infinite before.
    """

    def __init__(self, weave: Weave) -> None:
        assert not weave.lost.any(), "a pair has no way"
        links, hosts = weave.links, len(weave.links.hosts)
        self.weave = weave
        self._wires = links.succ, links.end, links.starts, links.port
        self._trees = weave.load, weave.step, weave.flow, weave.first, weave.ahead
        around = ((0, -1), (1, 0), (0, 1), (-1, 0), (1, -1), (1, 1), (-1, 1), (-1, -1))
        self._near = np.stack([links.beside(dx, dy) for dx, dy in around], axis=1)
        self.tile = np.concatenate([links.head, links.hosts])
        self._mates = _mates(self.tile)
        self._phase = 0
        self.fill = float("inf")
        self.border: npt.NDArray[np.float64] | None = None
        self._said = np.empty((len(self.tile), hosts), np.uint8)

    def costs(self, hop: float) -> Costs:
        """By today's busiest load, and a price of a hop."""
        load, hosts = self.weave.load, len(self.weave.links.hosts)
        busiest = max(1, int(load.max(initial=0)))
        share = np.arange(min(hosts * hosts, _FIRM * busiest) + 1) / busiest
        steep = np.ones_like(share)
        for _ in range(STEEP - 1):  # powers by products are the same bytes everywhere
            steep = steep * share
        price = (np.minimum(steep, 1e6) + hop).astype(np.float32)
        bend = np.array([0.0, BEND, BEND])
        slope = STEEP / busiest
        return share * (steep + STEEP * hop), price, slope, bend.astype(np.float32), slope * bend

    def sweep(
        self,
        costs: Costs,
        border: npt.NDArray[np.float64] | None = None,
        among: npt.NDArray[np.bool_] | None = None,
    ) -> int:
        """Let all trees take what is cheaper, once over; turns taken.

        ``border`` : float64[tiles], cost of a border in a tile's table, none by default; trees are
        changed only at the tiles ``among`` : bool[tiles], by default at all.
        """
        weave = self.weave
        self._phase += 1
        weight = np.zeros(len(self.tile)) if border is None else border[self.tile]
        open_ = np.ones(len(self.tile), np.bool_) if among is None else among[self.tile]
        # With two layers a destination's straight neighbours are in the other one.
        likes = np.array([1.0, 0.5, 1.0] if len(weave.places) == 1 else [0.5, 1.0, 1.0])
        run: Any = sweep.sweep  # Numba's stubs do not know dispatchers with tuples
        words = self._said, self._near, self._mates, weight, likes, open_, self._phase
        return int(
            run(
                weave.layer_of, weave.orders, weave.turns, self._wires, costs, self._trees, words,
            )
        )  # fmt: skip

    def search(self, seed: int, moves: int, renew: int) -> None:
        """Search for better orders and trees (:mod:`model.routing.anneal`).

        Before every ``renew`` moves prices are renewed, and all trees take what is cheaper now.
        """
        weave, links = self.weave, self.weave.links
        free = np.empty_like(weave.ahead)
        run: Any = anneal.anneal
        relax: Any = sweep.relax
        heats = WARM * np.linspace(1.0, 0.0, STAGES + 1) ** 2 + COLD
        blocks = -(-moves // (STAGES * renew))
        for stage in range(STAGES):
            costs = self.costs(HOP)
            warm, cold = heats[stage : stage + 2]
            for block in range(blocks):
                self.sweep(costs)
                relax(
                    weave.orders,
                    costs[3],
                    links.succ,
                    links.end,
                    costs[1],
                    weave.load,
                    weave.ahead,
                    free,
                )
                here, there = (warm + (cold - warm) * k / blocks for k in (block, block + 1))
                run(
                    (seed * STAGES + stage) * blocks + block, renew, here, there,
                    weave.layer_of, weave.orders, weave.places, weave.turns, self._wires,
                    links.pred, links.host[links.tail], costs, self._trees, free,
                )  # fmt: skip

    def tidy(
        self, need: Callable[[], npt.NDArray[np.int32]], most: int, sweeps: int, rounds: int
    ) -> None:
        """Make trees easy to write as tables, at little cost.

        Borders between what neighbouring destinations ask get a price, at first the same at every
        tile, then more and more where a table has too few entries.

        Parameters
        ----------
        need : callable
            int32[tiles]: entries that tables of today's trees take.
        most : int
            Entries a tile has.
        sweeps, rounds : int
            Times that all trees are gone over at first, and that borders get dearer where entries
            run out.
        """
        costs = self.costs(TIDY_HOP)
        unit = STEEP * TIDY_HOP / max(1, int(self.weave.load.max(initial=0)))
        if self.border is None:
            self.border = np.full(self.weave.links.width * self.weave.links.height, BORDER * unit)
            for _ in range(sweeps):
                self.sweep(costs, self.border)
        for _ in range(rounds):
            needed = need()
            self.fill = float(needed.mean()) / most
            over = needed > most
            if not over.any():
                return
            self.border[over] *= DEARER
            for _ in range(2):
                self.sweep(costs, self.border, over)

    def press(self, tiles: npt.NDArray[np.bool_]) -> None:
        """Make borders at some tiles dearer for the next :meth:`tidy`."""
        assert self.border is not None
        self.border[tiles] *= DEARER * DEARER


def _mates(tile: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """int32[rows, 4]: the other rows of a row's tile; -1 where there are fewer."""
    rows: dict[int, list[int]] = {}
    for row, at in enumerate(tile.tolist()):
        rows.setdefault(at, []).append(row)
    mates = np.full((len(tile), 4), -1, np.int32)
    for same in rows.values():
        for row in same:
            mates[row, : len(same) - 1] = [other for other in same if other != row]
    return mates
