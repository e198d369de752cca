"""From settings to everything the page shows of a wafer; runs in a worker process."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model.compile import ALL_PAIRS_MOST, CompileOptions, compile_wafer
from model.graph import LinkGraph
from model.image import ConfigImage
from model.repair.homes import HomePlan
from model.routing.reach import Reach
from model.wafer import WaferMap, inside
from tools.explore.settings import Settings


class Kind(IntEnum):
    """What a tile is on the page; the numbers are known to ``web/paint.js``."""

    HOME = 0
    """Hosts the logical core whose home it is."""
    REPAIRED = 1
    """Hosts a core whose home is elsewhere."""
    IDLE = 2
    """Works and hosts nobody: a spare, or left over."""
    CORE_DEFECT = 3
    """The core is dead, the router passes traffic on; its core lives elsewhere, or it had none."""
    TILE_DEFECT = 4
    CORE_LOST = 5
    """As CORE_DEFECT, and nobody hosts its core."""
    TILE_LOST = 6
    CUT_OFF = 7
    """Works, but not all others can reach it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """A wafer, repaired and routed.

    Members
    -------
    settings : Settings
    wafer : WaferMap
    image : ConfigImage
        With the compiler's report.
    homes : HomePlan
    kind : uint8[tiles]
        A :class:`Kind` of each.
    dead_links : uint8[tiles]
        Bit p: the link through mesh port p is dead although both its tiles live.
    clusters : int
        Groups of at least two defective tiles that touch, diagonally too.
    seconds : float
        How long map, repair, routes and proof took.
    """

    settings: Settings
    wafer: WaferMap
    image: ConfigImage
    homes: HomePlan
    kind: npt.NDArray[np.uint8]
    dead_links: npt.NDArray[np.uint8]
    clusters: int
    seconds: float

    @property
    def pair(self) -> tuple[int, int]:
        """Logical ids of the pair whose way is shown, as asked, else the first and last hosted."""
        hosted = np.flatnonzero(self.image.remap_tile >= 0)
        ends = []
        for wanted, otherwise in ((self.settings.source, 0), (self.settings.goal, -1)):
            known = 0 <= wanted < self.image.logical and self.image.remap_tile[wanted] >= 0
            ends.append(wanted if known else int(hosted[otherwise]))
        return ends[0], ends[1]


def make_outcome(settings: Settings) -> Outcome:
    """Draw, edit, repair, route and prove.

    Raises
    ------
    InputError
        When the settings contradict each other, or nothing on the wafer works.
    """
    started = time.perf_counter()
    wafer = settings.wafer()
    options = CompileOptions(
        spares=settings.spares, spare_place=settings.spare_place, routing=settings.routing,
        repair=settings.repair,
    )  # fmt: skip
    image = compile_wafer(wafer, options, vcs=settings.vcs)
    homes = HomePlan.build(wafer.width, wafer.height, settings.spares, settings.spare_place)
    return outcome_of(settings, wafer, image, homes, started)


def outcome_of(
    settings: Settings, wafer: WaferMap, image: ConfigImage, homes: HomePlan, started: float
) -> Outcome:
    """Classify tiles and links of an image; ``started`` is when the work began."""
    return Outcome(
        settings=replace(settings, width=wafer.width, height=wafer.height),
        wafer=wafer,
        image=image,
        homes=homes,
        kind=_kinds(wafer, image, homes),
        dead_links=_dead_links(wafer, image),
        clusters=_clusters(wafer),
        seconds=time.perf_counter() - started,
    )


def _kinds(wafer: WaferMap, image: ConfigImage, homes: HomePlan) -> npt.NDArray[np.uint8]:
    kind = np.full(image.spec.tiles, Kind.IDLE, np.uint8)
    kind[image.core_ok & ~_served(wafer, image)] = Kind.CUT_OFF
    kind[~image.core_ok] = Kind.CORE_DEFECT
    kind[~image.live] = Kind.TILE_DEFECT
    hosts = np.flatnonzero(image.identity >= 0)
    at_home = homes.home[image.identity[hosts]] == hosts
    kind[hosts] = np.where(at_home, Kind.HOME, Kind.REPAIRED)
    lost = homes.home[image.remap_tile < 0]
    kind[lost[kind[lost] == Kind.CORE_DEFECT]] = Kind.CORE_LOST
    kind[lost[kind[lost] == Kind.TILE_DEFECT]] = Kind.TILE_LOST
    return kind


def _served(wafer: WaferMap, image: ConfigImage) -> npt.NDArray[np.bool_]:
    """bool[tiles]: the compiler found the tile to reach all others, and to be reached."""
    if image.spec.tiles <= ALL_PAIRS_MOST:
        return Reach.of(LinkGraph.from_wafer(wafer)).served
    return np.asarray(image.routes["valid"].any(axis=1), np.bool_)


def _dead_links(wafer: WaferMap, image: ConfigImage) -> npt.NDArray[np.uint8]:
    whole = WaferMap.perfect(wafer.width, wafer.height)
    whole.state = wafer.state
    dead = whole.live_links() & inside(wafer.width, wafer.height) & ~image.out_ok
    return (dead @ np.array([1, 2, 4, 8])).astype(np.uint8)


def _clusters(wafer: WaferMap) -> int:
    grid = (wafer.state != 0).reshape(wafer.height, wafer.width)
    label, count = ndimage.label(grid, np.ones((3, 3)))
    sizes = np.bincount(label.ravel(), minlength=count + 1)[1:]
    return int((sizes >= 2).sum())
