"""What the compiler says about an image: repair, reach, path lengths, load, table use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph
from model.image import ConfigImage
from model.proof import PairWalk
from model.repair.homes import HomePlan
from model.tables.fit import FittedTables, Freedom
from model.wafer import inside

Report = dict[str, Any]


def compile_report(
    image: ConfigImage,
    homes: HomePlan,
    graph: LinkGraph,
    routable: npt.NDArray[np.bool_],
    tables: FittedTables,
    walk: PairWalk,
    **names: str,
) -> Report:
    """Collect the figures of one image.

    Parameters
    ----------
    image, homes, graph, tables, walk
        What the compiler made, and the proof's walk of all pairs.
    routable : bool[tiles]
        Tiles that reach each other.
    **names
        Strategies and effort, copied into the report.

    Returns
    -------
    dict
        JSON-serialisable; loads are flits per cycle on a link when every hosted core offers one
        flit per cycle, so 1 / ``max_channel_load`` bounds the throughput.
    """
    hosted = int((image.remap_tile >= 0).sum())
    cores = np.maximum(1, hosted - 1)
    used_links = graph.out_ok & routable[:, None] & routable[graph.neighbour]
    entries = tables.count[routable]
    return {
        **names,
        "tiles": image.spec.tiles,
        "healthy_tiles": int(graph.core_ok.sum()),
        "core_defects": int((graph.live & ~graph.core_ok).sum()),
        "tile_defects": int((~graph.live).sum()),
        "dead_links": _dead_links(graph),
        **_repair(image, homes, graph, routable),
        "reachable_pairs": walk.arrived / walk.pairs if walk.pairs else 1.0,
        "mean_hops": _round(walk.hops / max(1, walk.arrived)),
        "mean_shortest": _round(walk.shortest / max(1, walk.arrived)),
        "max_hops": walk.most_hops,
        "stretch": _round(walk.stretch),
        "max_stretch": _round(walk.worst_stretch),
        "max_channel_load": _round(walk.load.max(initial=0) / cores),
        "mean_channel_load": _round(walk.load.sum() / cores / max(1, used_links.sum())),
        "entries_mean": _round(entries.mean()),
        "entries_p95": int(np.percentile(entries, 95, method="higher")),
        "entries_max": int(entries.max()),
        "tiles_rechosen": int((tables.freedom == Freedom.GOOD).sum()),
        "tiles_traded": int((tables.freedom == Freedom.LEGAL).sum()),
    }


def _round(value: float) -> float:
    """Six significant digits: reports stay readable and byte-stable."""
    return float(f"{float(value):.6g}")


def _dead_links(graph: LinkGraph) -> int:
    """Links that are dead although both their tiles live."""
    both = inside(graph.width, graph.height) & graph.live[:, None] & graph.live[graph.neighbour]
    return int((both & ~graph.out_ok).sum())


def _repair(
    image: ConfigImage, homes: HomePlan, graph: LinkGraph, routable: npt.NDArray[np.bool_]
) -> Report:
    """RMP-3: hosted, repaired, lost and why, displacement, distance of logical neighbours."""
    host, home, width = image.remap_tile, homes.home, graph.width
    is_hosted = host >= 0
    moved = is_hosted & (host != home)
    shift = _distance(host, home, width)[moved]
    lost = int((~is_hosted).sum())
    # Without the cut-off cores' return this many would be lost still: spares are too few.
    homes_gone = int((~graph.core_ok[home]).sum())
    spares_left = int((graph.core_ok & homes.spare).sum())
    short = min(lost, max(0, homes_gone - spares_left))
    grid = host.reshape(homes.logical_height, homes.logical_width)
    pairs = [(grid[:, :-1], grid[:, 1:]), (grid[:-1], grid[1:])]
    near = np.concatenate([_distance(a, b, width)[(a >= 0) & (b >= 0)] for a, b in pairs])
    return {
        "logical": [homes.logical_width, homes.logical_height],
        "spare_tiles": int(homes.spare.sum()),
        "spare_share": _round(homes.spare.mean()),
        "hosted": int(is_hosted.sum()),
        "repaired": int(moved.sum()),
        "lost": lost,
        "lost_no_spare": short,
        "lost_cut_off": lost - short,
        "cut_off": int((graph.core_ok & ~routable).sum()),
        "displacement_mean": _round(shift.mean()) if len(shift) else 0.0,
        "displacement_max": int(shift.max(initial=0)),
        "neighbour_mean": _round(near.mean()) if len(near) else 0.0,
        "neighbour_max": int(near.max(initial=0)),
        "neighbour_adjacent": _round((near == 1).mean()) if len(near) else 1.0,
    }


def _distance(
    a: npt.NDArray[np.int32], b: npt.NDArray[np.int32], width: int
) -> npt.NDArray[np.int32]:
    """Manhattan distance of tiles, elementwise; nonsense where an id is -1."""
    return abs(a % width - b % width) + abs(a // width - b // width)
