"""What the compiler says about a whole wafer: the figures of other images, from samples."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.graph import LinkGraph
from model.image import ConfigImage
from model.repair.figures import repair_figures, six
from model.repair.homes import HomePlan
from model.wafer import inside
from model.wide.plan import WidePlan
from model.wide.walker import SampleWalk, Walker

_GOALS, _SOURCES = 24, 4000
_SEED: Final = 1


def wide_report(
    image: ConfigImage,
    homes: HomePlan,
    graph: LinkGraph,
    plan: WidePlan,
    walk: SampleWalk,
    near: SampleWalk,
    walker: Walker,
    repair: str,
) -> dict[str, Any]:
    """Collect the figures of one image.

    Parameters
    ----------
    image, homes, graph, plan
        What the compiler made.
    walk, near : SampleWalk
        Random pairs, and every pair near a defect.
    walker : Walker
        Measures stretch.
    repair : str
        Name of the strategy.

    Returns
    -------
    dict
        JSON-serialisable. Loads and hops are estimates from the random pairs, stretch from
        ``stretch_pairs`` pairs whose distance is searched.
    """
    hosted = int((image.remap_tile >= 0).sum())
    routable = plan.routable
    both = inside(graph.width, graph.height) & graph.live[:, None] & graph.live[graph.neighbour]
    used_links = int((graph.out_ok & routable[:, None] & routable[graph.neighbour]).sum())
    share = hosted / max(1, walk.pairs)  # one pair of the sample stands for so much load
    entries = plan.count[routable]
    stretch, worst = walker.stretch(_GOALS, _SOURCES, _SEED)
    return {
        "routing": "wide",
        "plan": f"spine, {plan.rounds} rounds",
        "repair": repair,
        "effort": "fast",
        "tiles": image.spec.tiles,
        "healthy_tiles": int(graph.core_ok.sum()),
        "core_defects": int((graph.live & ~graph.core_ok).sum()),
        "tile_defects": int((~graph.live).sum()),
        "dead_links": int((both & ~graph.out_ok).sum()),
        **repair_figures(homes, image.remap_tile, graph.core_ok, routable),
        "given_up": plan.given_up,
        "pockets": int(plan.pocket.sum()),
        "reachable_pairs": walk.arrived / walk.pairs if walk.pairs else 1.0,
        "pairs_walked": walk.pairs,
        "pairs_walked_near": near.pairs,
        "stretch_pairs": _GOALS * _SOURCES,
        "mean_hops": six(walk.hops / max(1, walk.arrived)),
        "mean_shortest": six(walk.hops / max(1, walk.arrived) / stretch),
        "max_hops": walk.most_hops,
        "stretch": six(stretch),
        "max_stretch": six(worst),
        "max_channel_load": six(walk.load.max(initial=0) * share),
        "mean_channel_load": six(walk.load.sum() * share / max(1, used_links)),
        "entries_mean": six(entries.mean()),
        "entries_p95": int(np.percentile(entries, 95, method="higher")),
        "entries_max": int(entries.max()),
        "tiles_rechosen": 0,
        "tiles_traded": 0,
    }
