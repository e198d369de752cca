"""The working links that packets may use, numbered and joined to what may follow them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """Links in the order of (tile, port) they leave.

    Members
    -------
    width, height : int
    hosts : int32[hosts]
        Tiles that send and receive, ascending.
    tail, head, port : int32[links]
        Tile a link leaves and enters, port it leaves through.
    number : int32[tiles, 4]
        Link by tile and port; -1 when it is not used.
    succ : int32[links, 3]
        Link that goes on straight, to the right, to the left; -1 when there is none. A way never
        turns back: what it came from was nearer.
    pred : int32[links, 3]
        Turns into this link as tail link * 3 + index in ``succ``; -1 when there is none.
    end : int32[links]
        Index of the host that a link enters; -1 when it is none.
    starts : int32[hosts, 4]
        Links that leave a host; -1 when there is none.
    host : int32[tiles]
        Index of the host at a tile; -1 when it is none.
    """

    width: int
    height: int
    hosts: Ints
    tail: Ints
    head: Ints
    port: Ints
    number: Ints
    succ: Ints
    pred: Ints
    end: Ints
    starts: Ints
    host: Ints

    @property
    def entry(self) -> Ints:
        """int32[links]: state (tile * 5 + input port) a link leads to."""
        return self.head * np.int32(5) + (self.port + 2) % 4

    def beside(self, dx: int, dy: int) -> Ints:
        """int32[hosts]: index of the host so far from each; -1 when there is none."""
        y, x = np.divmod(self.hosts, np.int32(self.width))
        x, y = x + np.int32(dx), y + np.int32(dy)
        inside = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
        tile = np.where(inside, y * np.int32(self.width) + x, 0)
        return np.where(inside, self.host[tile], np.int32(-1))

    @classmethod
    def build(cls, graph: LinkGraph, ways: npt.NDArray[np.bool_], hosts: Ints) -> Links:
        """Number the links that join tiles which packets may cross."""
        used = graph.out_ok & ways[:, None] & ways[graph.neighbour]
        tail, port = (part.astype(np.int32) for part in np.nonzero(used))
        links = np.arange(len(tail), dtype=np.int32)
        number = np.full((graph.tiles, 4), -1, np.int32)
        number[tail, port] = links
        head = graph.neighbour[tail, port]
        succ = number[head[:, None], (port[:, None] + np.array([0, 1, 3], np.int32)) % 4]
        # The turn that leaves through ``port`` after coming straight, from the left, the right.
        came = (port[:, None] + np.array([0, 3, 1], np.int32)) % 4
        back = graph.neighbour[tail[:, None], (came + 2) % 4]
        before = np.where(back >= 0, number[back, came], -1)
        pred = np.where(before >= 0, before * 3 + np.arange(3, dtype=np.int32), -1)
        host = np.full(graph.tiles, -1, np.int32)
        host[hosts] = np.arange(len(hosts), dtype=np.int32)
        return cls(
            width=graph.width, height=graph.height, hosts=hosts, tail=tail, head=head, port=port,
            number=number, succ=succ, pred=pred.astype(np.int32), end=host[head],
            starts=number[hosts], host=host,
        )  # fmt: skip
