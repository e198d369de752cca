"""One row of the routing benchmark: a wafer, compiled, bounded and driven to saturation."""

from __future__ import annotations

import functools
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from model.capacity import capacity
from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.graph import LinkGraph
from model.image import ConfigImage
from model.routing import Effort
from model.routing.forced import cannot_be_joined
from model.routing.reach import Reach
from model.saturation import find_saturation
from tools import rows
from tools.common import reproduce
from tools.rows import Row

FROM_REPORT: Final = (
    "hosted",
    "cut_off",
    "reachable_pairs",
    "stretch",
    "max_stretch",
    "mean_hops",
    "max_channel_load",
    "entries_mean",
    "entries_p95",
    "entries_max",
    "tiles_rechosen",
    "tiles_traded",
    "plan",
)

FINE_TILES: Final = 400
"""Up to here bounds 1 % apart, and proofs of what cannot be served, cost a second or two."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a row is about; equal cases give equal figures, times apart.

    Members
    -------
    width, height : int
    tile_rate, link_rate : float
    vcs : int
    routing : str
    effort : str
    seed : int
        Of the defects and of the traffic.
    cycles : int
        Measured cycles of a deciding run; 0 leaves the simulation out.
    """

    width: int
    height: int
    tile_rate: float
    link_rate: float
    vcs: int
    routing: str
    effort: Effort
    seed: int
    cycles: int

    @property
    def group(self) -> tuple[Any, ...]:
        """What rows have in common that differ by their seed only."""
        return tuple(value for name, value in asdict(self).items() if name != "seed")

    @property
    def rates(self) -> str:
        """Rates in per cent, as on the command line."""
        return f"{100 * self.tile_rate:g}/{100 * self.link_rate:g}"

    def command(self) -> str:
        """The command that makes this row alone."""
        words: list[object] = ["bench", "routing", "--size", f"{self.width}x{self.height}"]
        words += ["--rates", self.rates, "--vcs", self.vcs, "--routing", self.routing]
        words += ["--effort", self.effort, "--seed", self.seed, "--wafers", 1]
        words += ["--cycles", self.cycles] if self.cycles else ["--static"]
        return reproduce(*words)


def measure(case: Case) -> Row:
    """Compile, bound and drive one wafer.

    Returns
    -------
    dict
        The case, ``error`` (empty unless the wafer could not be compiled), the compiler's figures,
        the capacity's bounds, ``static`` and ``saturation`` in flits per hosted core and cycle and
        as shares of the upper bound, and times in seconds. ``connected_cores``: most cores that
        reach each other by any turns; ``impossible_cores``: how many of them are not served and
        provably cannot be, beside those that are, with one VC.
    """
    row: Row = {**asdict(case), "error": "", "command": case.command()}
    try:
        return row | _figures(case)
    except InputError as error:
        return row | {"error": str(error), "static_share": 0.0, "saturation_share": 0.0}


def _figures(case: Case) -> Row:
    # Wafers without defects are all the same: their seed is the traffic's only.
    defects = case.seed if case.tile_rate or case.link_rate else 0
    place = (case.width, case.height, case.tile_rate, case.link_rate, defects)
    image, seconds = _compiled(*place, case.vcs, case.routing, case.effort)
    row: Row = {"compile_seconds": seconds}
    graph = LinkGraph.from_wafer(_wafer(*place))
    started = time.perf_counter()
    hosts = np.unique(image.remap_tile[image.remap_tile >= 0])
    bounds = capacity(graph, hosts, gap=0.01 if graph.tiles <= FINE_TILES else 0.02)
    row["capacity_seconds"] = time.perf_counter() - started
    row |= {"capacity_lower": bounds.lower, "capacity_upper": bounds.upper}
    row |= {name: image.report[name] for name in FROM_REPORT}
    row["connected_cores"] = _connected_cores(graph)
    row["impossible_cores"] = _impossible_cores(*place)
    row["static"] = min(1.0, 1 / image.report["max_channel_load"])
    row["static_share"] = row["static"] / bounds.upper
    if case.cycles:
        started = time.perf_counter()
        found = find_saturation(image, seed=case.seed, cycles=case.cycles)
        row["saturation_seconds"] = time.perf_counter() - started
        row |= {"saturation": found.load, "saturation_fails": found.above}
        row |= {"saturation_runs": found.runs, "saturation_cycles": found.cycles}
        row["saturation_share"] = found.load / bounds.upper
    return row


@functools.lru_cache(maxsize=4)
def _wafer(width: int, height: int, tile_rate: float, link_rate: float, seed: int) -> Any:
    return bernoulli(width, height, tile_rate=tile_rate, link_rate=link_rate, seed=seed)


@functools.lru_cache(maxsize=32)
def _compiled(
    width: int,
    height: int,
    tile_rate: float,
    link_rate: float,
    seed: int,
    vcs: int,
    routing: str,
    effort: Effort,
) -> tuple[ConfigImage, float]:
    """An image and the seconds that it took."""
    wafer = _wafer(width, height, tile_rate, link_rate, seed)
    started = time.perf_counter()
    image = compile_wafer(wafer, CompileOptions(routing=routing, effort=effort), vcs=vcs)
    return image, time.perf_counter() - started


def _connected_cores(graph: LinkGraph) -> int:
    """Most working cores of which each has a path to each, by any turns."""
    tail, port = np.nonzero(graph.out_ok)
    roads = csr_array(
        (np.ones(len(tail), np.int8), (tail, graph.neighbour[tail, port])),
        shape=(graph.tiles, graph.tiles),
    )
    _, part = connected_components(roads, connection="strong")
    return int(np.bincount(part[graph.core_ok]).max(initial=0))


@functools.lru_cache(maxsize=4)
def _impossible_cores(
    width: int, height: int, tile_rate: float, link_rate: float, seed: int
) -> int:
    """Cores that are not served and of which each is proven not to go with those that are.

    On large wafers, where a proof takes long: 0.
    """
    graph = LinkGraph.from_wafer(_wafer(width, height, tile_rate, link_rate, seed))
    if graph.tiles > FINE_TILES:
        return 0
    reach = Reach.of(graph)
    served = np.flatnonzero(reach.served & graph.core_ok)
    left = np.flatnonzero(reach.ways & ~reach.served & graph.core_ok)
    return sum(cannot_be_joined(graph, reach.ways, np.append(served, core)) for core in left)


def code() -> str:
    """Hash of the program that makes the figures."""
    return rows.code(__file__)
