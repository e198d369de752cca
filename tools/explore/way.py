"""The way of one pair through the tables, and what lengthens it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from model.graph import neighbours
from model.image import ConfigImage
from tools.explore.settings import FILM_TILES
from tools.inspect import walk_pair


@dataclass(frozen=True, kw_only=True)
class Way:
    """How packets go from one logical tile to another.

    Members
    -------
    source, goal : int
        Logical ids.
    tiles : list of int
        From the source's host to the goal's.
    vc : int
    shortest : int or None
        Hops of the shortest way over working links; None on a wafer too large to search.
    straight : int
        Hops between the two hosts without any defect.
    """

    source: int
    goal: int
    tiles: list[int]
    vc: int
    shortest: int | None
    straight: int

    @property
    def hops(self) -> int:
        """Links crossed."""
        return len(self.tiles) - 1


def find_way(image: ConfigImage, source: int, goal: int) -> Way:
    """Walk a hosted pair through the tables (RTR-7).

    Raises
    ------
    InputError
        When an id is out of range or lost.
    """
    walk = walk_pair(image, source, goal)
    width = image.spec.width
    tiles = [x + y * width for x, y in (step["tile"] for step in walk["steps"])]
    (first_y, first_x), (last_y, last_x) = (divmod(tile, width) for tile in (tiles[0], tiles[-1]))
    return Way(
        source=source,
        goal=goal,
        tiles=tiles,
        vc=walk["vc"],
        shortest=_shortest(image, tiles[0], tiles[-1]) if image.spec.tiles <= FILM_TILES else None,
        straight=abs(first_x - last_x) + abs(first_y - last_y),
    )


def _shortest(image: ConfigImage, start: int, goal: int) -> int:
    """Hops over working links, breadth first; the goal is known to be reachable."""
    near = neighbours(image.spec.width, image.spec.height).tolist()
    works = image.out_ok.tolist()
    hops = {start: 0}
    queue = deque([start])
    while goal not in hops:
        tile = queue.popleft()
        for port in range(4):
            there = near[tile][port]
            if works[tile][port] and there not in hops:
                hops[there] = hops[tile] + 1
                queue.append(there)
    return hops[goal]
