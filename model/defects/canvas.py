"""What the parts of a defect model draw on: dead cores, tiles and links of one wafer (DEF-1)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.geometry import Places
from model.random import U64, draws
from model.spec import Port
from model.wafer import TileState, WaferMap

STREAMS: Final = 64
"""Random streams of one part of a model; part k has the streams from 64 · k on."""
BITS: Final = 53
"""Probabilities are multiples of 2**-53."""
_BLOCK: Final = 1 << 16

F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Canvas:
    """Masks of one wafer, and the random numbers of the part that draws.

    Members
    -------
    width, height, seed : int
    places : Places
        Where the tiles lie.
    part : int
        Number of the part that draws.
    tile, core : bool[height, width]
        Dead tiles; dead cores.
    link : bool[height, width, 4]
        Dead links by the tile they leave; also of dead tiles and beyond the edge, until
        :meth:`finish`.
    notes : dict
        What a part has to say about this wafer, for the map's origin.
    """

    def __init__(self, width: int, height: int, seed: int, places: Places) -> None:
        self.width, self.height, self.seed, self.places = width, height, seed, places
        self.part = 0
        self.tile = np.zeros((height, width), np.bool_)
        self.core = np.zeros((height, width), np.bool_)
        self.link = np.zeros((height, width, 4), np.bool_)
        self.notes: dict[str, Any] = {}

    def numbers(self, stream: int, count: int, start: int = 0) -> U64:
        """Numbers ``start`` … of one of this part's streams (0 to 63)."""
        return draws(self.seed, STREAMS * self.part + stream, count, start)

    def uniform(self, stream: int, count: int, start: int = 0) -> F64:
        """Numbers from 0 to below 1, multiples of 2**-53."""
        return (self.numbers(stream, count, start) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def happens(self, stream: int, limit: U64, each: int = 1, bits: int = BITS) -> Mask:
        """bool[height, width, each]: the number of each place is below its limit.

        Parameters
        ----------
        stream : int
            Place p's number k is number p · each + k of it.
        limit : uint64, broadcast to [height, width, each]
            Probability times 2**bits.
        each : int
            Numbers per tile.
        """
        shape = (self.height, self.width, each)
        hit = np.zeros(shape, np.bool_)
        if not limit.any():
            return hit
        limit = np.broadcast_to(limit, shape)
        rows = max(1, _BLOCK // (self.width * each))
        for y in range(0, self.height, rows):
            part = hit[y : y + rows]
            numbers = self.numbers(stream, part.size, y * self.width * each)
            np.less(
                (numbers >> np.uint64(64 - bits)).reshape(part.shape), limit[y : y + rows], out=part
            )
        return hit

    def add_pairs(self, pairs: Mask) -> None:
        """Kill both directions; bool[height, width, 2]: the wires to the east, to the south."""
        east, south = pairs[:, :-1, 0], pairs[:-1, :, 1]
        self.link[:, :-1, Port.EAST] |= east
        self.link[:, 1:, Port.WEST] |= east
        self.link[:-1, :, Port.SOUTH] |= south
        self.link[1:, :, Port.NORTH] |= south

    def finish(self, origin: dict[str, Any]) -> WaferMap:
        """The map: a dead tile has no core, and only links between live tiles can be dead."""
        wafer = WaferMap.perfect(self.width, self.height)
        wafer.state[self.core.ravel()] = TileState.CORE_DEFECT
        wafer.state[self.tile.ravel()] = TileState.TILE_DEFECT
        wafer.dead_link = self.link.reshape(-1, 4) & wafer.live_links()
        wafer.origin = origin
        return wafer
