"""What the capacity of a wafer is asked for: working links, who sends, how much to whom."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.graph import LinkGraph

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FlowProblem:
    """A maximum-concurrent-flow problem over links of capacity 1 flit per cycle.

    Every host's LOCAL link, into the fabric and out of it, has capacity 1 too.

    Members
    -------
    tiles : int
    tail, head : int32[links]
        Tiles that a working link leaves and enters, ascending by tail, then port.
    hosts : int32[hosts]
        Tiles that send and receive, ascending.
    demand : float64[hosts, hosts]
        [source, destination] flits per cycle when the throughput is 1.
    """

    tiles: int
    tail: npt.NDArray[np.int32]
    head: npt.NDArray[np.int32]
    hosts: npt.NDArray[np.int32]
    demand: Floats

    @classmethod
    def build(
        cls, graph: LinkGraph, hosts: npt.NDArray[np.int32], demand: Floats | None = None
    ) -> FlowProblem:
        """The problem of a wafer.

        Parameters
        ----------
        graph : LinkGraph
        hosts : int32[hosts]
            Live tiles, each once.
        demand : float64[hosts, hosts], optional
            By default each host sends one flit per cycle, spread evenly over all other hosts, so
            that throughput is flits per hosted core and cycle.

        Raises
        ------
        InputError
            When hosts or demand are malformed, or nothing is asked for.
        """
        hosts = np.asarray(hosts, np.int32)
        count = len(hosts)
        if count < 2 or (np.diff(hosts) <= 0).any() or not graph.live[hosts].all():
            raise InputError(f"hosts is {count} tiles; allowed: 2 or more live tiles, ascending")
        if demand is None:
            demand = np.full((count, count), 1 / (count - 1))
            np.fill_diagonal(demand, 0.0)
        demand = np.ascontiguousarray(demand, np.float64)
        if demand.shape != (count, count):
            raise InputError(f"demand has shape {demand.shape}; allowed: ({count}, {count})")
        if not np.isfinite(demand).all() or demand.min() < 0 or demand.max() <= 0:
            raise InputError(
                f"demand is from {demand.min():g} to {demand.max():g};"
                " allowed: finite numbers from 0 on, not all 0"
            )
        tail, port = np.nonzero(graph.out_ok)
        return cls(
            tiles=graph.tiles,
            tail=tail.astype(np.int32),
            head=graph.neighbour[tail, port],
            hosts=hosts,
            demand=demand,
        )

    @property
    def links(self) -> int:
        """Number of working links between tiles."""
        return len(self.tail)

    @property
    def local_limit(self) -> float:
        """Throughput at which the busiest LOCAL link is full."""
        return float(1 / max(self.demand.sum(axis=0).max(), self.demand.sum(axis=1).max()))

    def digest(self) -> str:
        """Name of the problem: equal problems have equal digests, on every machine."""
        found = hashlib.sha256(str(self.tiles).encode())
        for array in (self.tail, self.head, self.hosts, self.demand):
            found.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return found.hexdigest()
