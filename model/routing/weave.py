"""One routing while it is being made: orders of the links, and a tree for every destination."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.lanes import LANES, share
from model.routing import kernel
from model.routing.export import export
from model.routing.links import Links
from model.routing.orders import Place
from model.routing.plan import PathPlan
from model.spec import PORT_DX, PORT_DY

STEEP: Final = 6
"""Power of a link's load in its cost: the busiest link counts most, others a little."""

Taste = tuple[float, float]
"""Price of a hop, and what resembling a neighbouring destination's way may cost at each link; the
busiest link costs 1."""

CROWD: Final = 32
"""One destination of so many is laid at the same prices as others."""

FEW: Final = 200
"""Destinations for which a second thread does not pay."""

_SIDES: Final = (0, 2, 3, 1)  # neighbours to resemble, by sweep: north, south, west, east


class Weave:
    """Orders, trees and loads; the trees of destination d run in layer ``layer_of[d]``.

    Parameters
    ----------
    links : Links
    places : list of int32[links]
        An order per layer.
    """

    def __init__(self, links: Links, places: list[Place]) -> None:
        count, hosts = len(links.tail), len(links.hosts)
        self.links = links
        self.load = np.zeros(count, np.int64)
        # By link (or source) and destination.
        self.step = np.full((count, hosts), kernel.STAY, np.uint8)
        self.flow = np.zeros((count, hosts), np.int32)
        self.first = np.full((hosts, hosts), kernel.NO_PORT, np.uint8)
        self.laid = np.zeros(hosts, np.bool_)  # flow and first of others are as they began
        self.ahead = np.empty((count, hosts), np.float32)
        self.together = min(kernel.LANES, 1 + hosts // CROWD)
        self.taste: Taste = (0.3, 0.15)
        self.start(places)

    def start(self, places: list[Place]) -> None:
        """Begin again with other orders: no trees, and prices of one per hop."""
        self.places = np.array(places, np.int32)
        self.orders = np.argsort(self.places, axis=1).astype(np.int32)
        self.turns = np.zeros(self.places.shape, np.uint8)
        for place, turn in zip(self.places, self.turns, strict=True):
            kernel.set_turns(place, self.links.succ, turn)
        y, x = np.divmod(self.links.hosts, self.links.width)
        self.layer_of = ((x + y) % len(places)).astype(np.uint8)
        if self.load.any():
            self.load[:] = 0
            self.flow[:] = 0
            self.first[:] = kernel.NO_PORT
            self.laid[:] = False
        self.set_prices(1.0, reference=0)

    def set_prices(self, hop: float, reference: int | None = None) -> None:
        """Price links by load: one unit on the busiest costs 1, a hop ``hop`` more.

        ``reference`` is the load that counts as busiest; by default today's, and with 0 load costs
        nothing.
        """
        busiest = int(self.load.max(initial=0)) if reference is None else reference
        self._prices = busiest, STEEP - 1, hop

    def lay(
        self,
        goals: npt.NDArray[np.int64],
        lean: float = 0.0,
        sweep: int = 0,
        lanes: int = 1,
        interim: bool = False,
    ) -> int:
        """Lay trees anew; number of pairs without a way.

        Parameters
        ----------
        goals : int64[n]
        lean : float
            Extra price at which the neighbour's way is still taken.
        sweep : int
            The neighbour lies to another side in each.
        lanes : int
            Threads; each sees of the others' trees only what they were before.
        interim : bool
            They are laid again before :meth:`plan`, which wants ``ahead``: it is not written.
        """
        side = _SIDES[sweep % 4]
        near = self.links.beside(PORT_DX[side], PORT_DY[side])
        y, x = np.divmod(self.links.hosts, self.links.width)
        # A destination comes after the one it resembles, also where several are laid together.
        order = goals[np.lexsort((x[goals], y[goals]) if side in (0, 2) else (y[goals], x[goals]))]
        order = order if side in (0, 3) else order[::-1]
        parts = np.array_split(np.ascontiguousarray(order), min(lanes, 1 + len(order) // FEW))
        part = np.zeros(len(near), np.int64)
        for number_of, own in enumerate(parts):
            part[own] = number_of
        near[part != part[near]] = -1
        loads = [self.load.copy() for _ in parts]
        links, ahead = self.links, self.ahead[:0] if interim else self.ahead
        kernel_lay: Any = kernel.lay  # Numba's stubs do not know its many arguments

        def run(lane: int) -> int:
            lost = kernel_lay(
                parts[lane], self.together, self.layer_of, self.orders, links.succ, self.turns,
                links.end, links.starts, near, np.float32(lean), self._prices, loads[lane],
                self.laid, self.step, self.flow, self.first, ahead,
            )  # fmt: skip
            return int(lost)

        lost = sum(share(run, range(len(parts))))
        self.load += np.sum(loads, axis=0) - len(parts) * self.load
        self.laid[goals] = True
        return lost

    @property
    def lost(self) -> npt.NDArray[np.int64]:
        """int64[hosts]: sources without a way, per destination."""
        lost: npt.NDArray[np.int64] = (self.first == kernel.NO_PORT).sum(axis=0) - 1
        return lost

    @property
    def score(self) -> tuple[int, float]:
        """Pairs without a way, then the cost of all links; the smaller the better."""
        load = self.load / max(1, len(self.links.hosts))
        steep = load
        for _ in range(4):  # powers by products are the same bytes everywhere
            steep = steep * steep
        return int(self.lost.sum()), float(steep.sum())

    def plan(self, slack: float) -> PathPlan:
        """The trees as hops, with outputs that cost at most ``slack`` (a share) more as good."""
        links, layers = self.links, len(self.places)
        tiles, hosts = links.width * links.height, len(links.hosts)
        is_host = np.zeros(tiles, np.bool_)
        is_host[links.hosts] = True
        turns = np.zeros((layers, tiles, 5, 5), np.bool_)
        arrive = links.entry % 5
        for k in range(3):
            for layer in range(layers):
                tail = np.flatnonzero(self.turns[layer] >> k & 1)
                turns[layer, links.head[tail], arrive[tail], links.port[links.succ[tail, k]]] = True
        turns[:, links.tail, 4, links.port] = is_host[links.tail]
        turns[:, links.head, arrive, 4] = is_host[links.head]
        turns[:, links.hosts, 4, 4] = True
        forward = np.full((tiles, 4), -1, np.int32)
        forward[links.tail, links.port] = links.entry
        hop, good = np.empty((tiles * 5, hosts), np.uint8), np.zeros((tiles * 5, hosts), np.uint8)
        asked = np.zeros((tiles, hosts), np.uint32)
        entry = links.entry

        def write(lane: int) -> None:
            export(
                self.layer_of, self.turns, links.succ, links.starts, links.port, entry,
                links.hosts, self.step, self.flow, self.first, self.ahead, np.float32(1.0 + slack),
                lane * hosts // LANES, (lane + 1) * hosts // LANES, hop, good, asked,
            )  # fmt: skip

        share(write, range(LANES))
        return PathPlan(
            width=links.width, height=links.height, hosts=links.hosts, turns=turns,
            forward=forward, layer_of=self.layer_of, hop=hop, good=good, asked=asked,
        )  # fmt: skip
