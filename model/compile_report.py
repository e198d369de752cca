"""What the compiler says about an image: repair, reach, path lengths, load, table use."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.graph import LinkGraph
from model.image import ConfigImage
from model.proof import PairWalk
from model.repair.figures import repair_figures, six
from model.repair.homes import HomePlan
from model.routing.reach import Reach
from model.tables.fit import FittedTables, Freedom
from model.wafer import inside

Report = dict[str, Any]


def compile_report(
    image: ConfigImage,
    homes: HomePlan,
    graph: LinkGraph,
    reach: Reach,
    tables: FittedTables,
    walk: PairWalk,
    **names: str,
) -> Report:
    """Collect the figures of one image.

    Parameters
    ----------
    image, homes, graph, tables, walk
        What the compiler made, and the proof's walk of all pairs.
    reach : Reach
        Tiles that reach each other, and those that packets may cross.
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
    used_links = graph.out_ok & reach.ways[:, None] & reach.ways[graph.neighbour]
    entries = tables.count[reach.ways]
    return {
        **names,
        "tiles": image.spec.tiles,
        "healthy_tiles": int(graph.core_ok.sum()),
        "core_defects": int((graph.live & ~graph.core_ok).sum()),
        "tile_defects": int((~graph.live).sum()),
        "dead_links": _dead_links(graph),
        **repair_figures(homes, image.remap_tile, graph.core_ok, reach.served),
        "reachable_pairs": walk.arrived / walk.pairs if walk.pairs else 1.0,
        "mean_hops": six(walk.hops / max(1, walk.arrived)),
        "mean_shortest": six(walk.shortest / max(1, walk.arrived)),
        "max_hops": walk.most_hops,
        "stretch": six(walk.stretch),
        "max_stretch": six(walk.worst_stretch),
        "max_channel_load": six(walk.load.max(initial=0) / cores),
        "mean_channel_load": six(walk.load.sum() / cores / max(1, used_links.sum())),
        "entries_mean": six(entries.mean()),
        "entries_p95": int(np.percentile(entries, 95, method="higher")),
        "entries_max": int(entries.max()),
        "tiles_rechosen": int((tables.freedom == Freedom.GOOD).sum()),
        "tiles_traded": int((tables.freedom == Freedom.LEGAL).sum()),
    }


def _dead_links(graph: LinkGraph) -> int:
    """Links that are dead although both their tiles live."""
    both = inside(graph.width, graph.height) & graph.live[:, None] & graph.live[graph.neighbour]
    return int((both & ~graph.out_ok).sum())
