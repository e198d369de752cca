"""Destinations of packets that are drawn one by one: fixed partners, uniform, hot tiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.image import ConfigImage
from model.random import U64, below, draws, threshold

DESTINATION, HOT = 2, 3
"""Streams of random numbers, one number per packet."""

Ids = npt.NDArray[np.int64]


class Destinations:
    """Destination of packet i of the schedule, a function of i, its source and the seed.

    Parameters
    ----------
    image : ConfigImage
    seed : int
    partner : int64[logical], optional
        Of every id; without it packets go to any hosted tile but their source, all alike.
    hot : sequence of (logical id, share)
        Shares of the packets that go to hot tiles; a packet of a hot tile to itself goes to any
        other instead.
    """

    def __init__(
        self,
        image: ConfigImage,
        seed: int,
        partner: Ids | None,
        hot: Sequence[tuple[int, float]] = (),
    ) -> None:
        self._seed, self._partner = seed, partner
        self._hosted = np.flatnonzero(image.remap_tile >= 0)
        self._rank = np.cumsum(image.remap_tile >= 0) - 1
        self._hot = np.array([tile for tile, _ in hot] + [-1])
        limits = [threshold("hotspot share", share) for _, share in hot]
        self._limits = np.cumsum(np.array(limits, np.uint64))
        if len(hot) and self._limits[-1] > 2**32:
            total = sum(share for _, share in hot)
            raise InputError(f"hotspot shares are {total:g} together; allowed: at most 1")

    def of(self, source: Ids, first: int) -> Ids:
        """int64: destinations of packets ``first``, ``first + 1``, … from these sources."""
        if self._partner is not None:
            return self._partner[source]
        count = len(source)
        goal = self._any_other(source, draws(self._seed, DESTINATION, count, first))
        if len(self._hot) == 1:
            return goal
        drawn = draws(self._seed, HOT, count, first) >> np.uint64(32)
        hot = self._hot[np.searchsorted(self._limits, drawn, side="right")]
        return np.where((hot >= 0) & (hot != source), hot, goal)

    def _any_other(self, source: Ids, numbers: U64) -> Ids:
        index = below(numbers, max(1, len(self._hosted) - 1))
        index += index >= self._rank[source]
        return self._hosted[index] if len(source) else source


def middle(image: ConfigImage) -> int:
    """The hosted tile nearest to the middle of the logical array, the lowest id at a tie, or -1."""
    hosted = np.flatnonzero(image.remap_tile >= 0)
    if not len(hosted):
        return -1
    width, height = image.logical_width, image.logical_height
    distance = abs(hosted % width - width // 2) + abs(hosted // width - height // 2)
    return int(hosted[np.argmin(distance)])


def hot_tiles(
    image: ConfigImage, hotspots: Sequence[tuple[int, float]], share: float
) -> list[tuple[int, float]]:
    """The hot tiles that were named, or ``share`` of the packets to the one in the middle.

    Raises
    ------
    InputError
        When a tile is not hosted.
    """
    hosted = set(np.flatnonzero(image.remap_tile >= 0).tolist())
    for row, (tile, _) in enumerate(hotspots):
        if tile not in hosted:
            raise InputError(f"hotspots[{row}] is {tile}; allowed: a hosted logical id")
    return list(hotspots) or [(middle(image), share)]
