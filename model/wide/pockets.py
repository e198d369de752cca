"""Tiles that no line can pass: one way in, one way out, through a tile beside them.

A tile in a pocket hangs on a tile of the lines, or on one that hangs already. It sends everything
out by one link, which only such packets enter, and is entered by one link, which leads to it and
what hangs on it only; so its links close no cycle (:class:`LinkClass`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph
from model.random import draws
from model.wide.links import LinkClass
from model.wide.spine import NONE

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Tiles = npt.NDArray[np.intp]

_TRIES: Final = 8
"""Placements of the detours around a pocket before its way in is given up."""
_ALL: Final = 15


@dataclass(frozen=True, eq=False)
class Pockets:
    """Tiles off the lines: how each is left and entered.

    Members
    -------
    exits, entered : uint8[tiles]
        Port of its way out and of its way in; 255 for none.
    anchor : int32[tiles]
        Tile of the lines from which it is entered, maybe through other pockets; -1 for none.
    refused : uint8[tiles]
        Ports as a bit set through which no line could enter it.
    tries : int8[tiles]
        How often its way in was missed so far.
    """

    exits: Bytes
    entered: Bytes
    anchor: npt.NDArray[np.int32]
    refused: Bytes
    tries: npt.NDArray[np.int8]

    @classmethod
    def none(cls, tiles: int) -> Pockets:
        exits, entered = np.full((2, tiles), NONE, np.uint8)
        anchor = np.full(tiles, -1, np.int32)
        return cls(exits, entered, anchor, np.zeros(tiles, np.uint8), np.zeros(tiles, np.int8))

    def attach(self, graph: LinkGraph, joined: Flags, whole: Flags) -> None:
        """Hang every tile off the lines to a tile of the lines, or to one that hangs already."""
        self.exits[:] = self.entered[:] = NONE
        self.anchor[:] = -1
        waiting = np.flatnonzero(joined & ~whole).tolist()
        served = whole.copy()
        while waiting:
            left = [tile for tile in waiting if not self._hang(graph, tile, served)]
            for tile in set(waiting) - set(left):
                served[tile] = True
            if len(left) == len(waiting):
                return
            waiting = left

    def missed(
        self, graph: LinkGraph, tiles: Tiles, blamed: npt.NDArray[np.int32], south: Flags
    ) -> list[int]:
        """Lay the detours around these tiles on other sides; after some tries look for another way.

        What is in the way is mostly another detour, which could as well lead around the other side.
        Returned are tiles of the lines that had better be in a pocket themselves.
        """
        grid = south.reshape(graph.height, graph.width)
        worse = []
        for tile in tiles.tolist():
            self.tries[tile] += 1
            if self.tries[tile] % _TRIES == 0 and self.anchor[tile] >= 0:
                if blamed[tile] >= 0:
                    worse.append(int(blamed[tile]))
                else:
                    self.refused[tile] |= 1 << self.entered[tile]
            y, x = divmod(tile, graph.width)
            window = grid[max(0, y - 3) : y + 4, max(0, x - 4) : x + 5]
            numbers = draws(tile, int(self.tries[tile]), window.size)
            window[:] = (numbers >> np.uint64(63)).reshape(window.shape) != 0
        return worse

    def give_up(self, tiles: npt.NDArray[np.int32]) -> None:
        """Never hang these tiles again."""
        self.refused[tiles] = _ALL

    def _hang(self, graph: LinkGraph, tile: int, served: Flags) -> bool:
        near = graph.neighbour[tile]
        beside = (near >= 0) & served[near]
        allowed = (self.refused[tile] >> np.arange(4) & 1) == 0
        ways_in = np.flatnonzero(beside & graph.in_ok[tile] & allowed)
        ways_out = np.flatnonzero(beside & graph.out_ok[tile])
        if not len(ways_in) or not len(ways_out):
            return False
        self.exits[tile], self.entered[tile] = ways_out[0], ways_in[0]
        parent = int(near[ways_in[0]])
        self.anchor[tile] = parent if self.anchor[parent] < 0 else self.anchor[parent]
        return True

    def mark(self, graph: LinkGraph, kind: Bytes) -> None:
        """Class the links by which pockets are left and entered."""
        tile = np.flatnonzero(self.anchor >= 0)
        kind[tile, self.exits[tile]] = LinkClass.ROOT
        port = self.entered[tile]
        kind[graph.neighbour[tile, port], (port + 2) % 4] = LinkClass.LEAF

    def rules(self, graph: LinkGraph) -> npt.NDArray[np.int32]:
        """Rules from the anchors down to each tile."""
        made = []
        for tile in np.flatnonzero(self.anchor >= 0).tolist():
            row, column = divmod(tile, graph.width)
            at = tile
            while at != self.anchor[tile]:
                port = int(self.entered[at])
                at = int(graph.neighbour[at, port])
                made.append((at, row, column, column, 0, (port + 2) % 4))
        return np.array(made, np.int32).reshape(-1, 6)
