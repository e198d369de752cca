"""The compiler for whole wafers: repair, routes by construction, proof by walking a sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph
from model.image import ConfigImage
from model.repair.homes import HomePlan
from model.spec import FabricSpec
from model.wide.links import UNUSED, turns_of
from model.wide.plan import WidePlan


def assemble(
    spec: FabricSpec,
    graph: LinkGraph,
    homes: HomePlan,
    host: npt.NDArray[np.int32],
    plan: WidePlan,
) -> ConfigImage:
    """Put the parts into one image."""
    image = ConfigImage.blank(spec, homes.logical_width, homes.logical_height)
    image.live[:] = graph.live
    image.core_ok[:] = graph.core_ok
    image.in_ok[:], image.out_ok[:] = graph.in_ok, graph.out_ok
    image.remap_tile[:] = host
    hosted = np.flatnonzero(host >= 0)
    y, x = np.divmod(host[hosted], spec.width)
    image.remap_vc[hosted] = (x + y) % spec.vcs
    image.identity[host[hosted]] = hosted
    is_host = image.identity >= 0
    leaves = plan.kind != UNUSED
    turns = turns_of(plan.kind, graph.neighbour)
    turns[:, 4, :4] = leaves & is_host[:, None]
    for port in range(4):
        near = graph.neighbour[:, port]
        turns[:, port, 4] = is_host & (near >= 0) & leaves[near, (port + 2) % 4]
    turns[:, 4, 4] = is_host
    image.turns[:] = turns[:, :, :, None]
    used = np.arange(spec.route_entries) < plan.count[:, None]
    image.routes["valid"] = used
    for column, field in enumerate(("x_lo", "x_hi", "y_lo", "y_hi", "to")):
        image.routes[field] = np.where(used, plan.entries[:, :, column], 0)
    image.routes["from_ports"] = np.where(used, 31, 0)
    image.routes["vcs"] = np.where(used, (1 << spec.vcs) - 1, 0)
    return image
