"""The compiler for whole wafers: repair, routes by construction, proof, a sample of walks.

All pairs are too many to walk (8 × 10¹¹ on the largest preset). That the turns are acyclic is
proven over every channel; that every pair arrives follows from how the routes are made
(docs/whole-wafer.md), and is checked by walking random pairs and every pair near a defect through
the finished tables.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.graph import LinkGraph
from model.hosted_image import hosted_image
from model.image import ConfigImage
from model.proof import require_acyclic
from model.repair import repair_strategy
from model.repair.homes import HomePlan
from model.spec import FabricSpec
from model.wafer import WaferMap
from model.wide.links import UNUSED, turns_of
from model.wide.plan import WidePlan, plan_routes
from model.wide.report import wide_report
from model.wide.walker import Progress, SampleWalk, Walker

WALKED: Final = 10_000_000
"""Random pairs that are walked."""

_NEAR_PAIRS: Final = 120_000_000
"""Pairs near defects, at most; also at most as many as there are pairs in all."""

_MOST_REACH: Final = 6
_ATTEMPTS: Final = 3
_SEED: Final = 1


def compile_wide(
    wafer: WaferMap,
    *,
    spares: str | int = 0,
    spare_place: str = "columns",
    repair: str = "displacement",
    walked: int = WALKED,
    progress: Progress | None = None,
    **sizes: int,
) -> ConfigImage:
    """Repair and route a wafer of any size.

    Parameters
    ----------
    wafer : WaferMap
    spares, spare_place, repair
        As :class:`model.compile.CompileOptions`.
    walked : int
        Random ordered pairs to walk, at least 0.
    progress : callable, optional
        Told each step's name, how far it is, and its end.
    **sizes
        Fields of the image's :class:`FabricSpec` beside the size: ``vcs``, ``depth``, …

    Returns
    -------
    ConfigImage
        With ``report`` filled.

    Raises
    ------
    InputError
        When an option is out of range, no core can be hosted, the wafer has no spine, a tile's
        table cannot fit, or a walked pair does not arrive.
    """
    tell = progress or (lambda what, done, total: None)
    spec = FabricSpec(width=wafer.width, height=wafer.height, **sizes)
    graph = LinkGraph.from_wafer(wafer)
    graph.require_live()
    homes = HomePlan.build(wafer.width, wafer.height, spares, spare_place)
    banned = np.zeros(0, np.int32)
    for _ in range(_ATTEMPTS):
        tell("routes", 0, 1)
        plan = plan_routes(graph, spec.route_entries, banned)
        tell("repair", 0, 1)
        host = repair_strategy(repair)(homes, plan.routable & graph.core_ok)
        if (host < 0).all():
            raise InputError("wafer has no working core; allowed: at least one")
        tell("tables", 0, 1)
        image = _assemble(spec, graph, homes, host, plan)
        tell("proof", 0, 1)
        require_acyclic(image)
        walker = Walker(image)
        places, reach = _near_defects(wafer)
        near = walker.windows(places, reach, tell)
        # Should a way into a pocket have been overlooked, the pocket is given up.
        lost = near.unreached[plan.pocket[near.unreached]]
        if not len(lost):
            break
        banned = np.union1d(banned, lost).astype(np.int32)
    _require_arrival(near, spec.width)
    walk = walker.random_pairs(walked, _SEED, tell)
    _require_arrival(walk, spec.width)
    tell("report", 0, 1)
    image.report = wide_report(image, homes, graph, plan, walk, near, walker, repair)
    image.report["walk_reach"] = reach
    tell("report", 1, 1)
    return image


def _near_defects(wafer: WaferMap) -> tuple[npt.NDArray[np.int32], int]:
    """Dead tiles and senders of dead links, and how far around them every pair is walked."""
    dead = wafer.dead_link.any(axis=1) | ~wafer.live
    places = np.flatnonzero(dead).astype(np.int32)
    reach = _MOST_REACH
    most = min(_NEAR_PAIRS, len(wafer.state) ** 2)
    while reach > 1 and len(places) * (2 * reach + 1) ** 4 > most:
        reach -= 1
    return places, reach


def _require_arrival(walk: SampleWalk, width: int) -> None:
    if walk.first_failure is None:
        return
    source, goal = (f"({tile % width}, {tile // width})" for tile in walk.first_failure)
    raise InputError(f"image.routes loses {source} to {goal}; allowed: every walked pair arrives")


def _assemble(
    spec: FabricSpec,
    graph: LinkGraph,
    homes: HomePlan,
    host: npt.NDArray[np.int32],
    plan: WidePlan,
) -> ConfigImage:
    """Put the parts into one image."""
    image = hosted_image(spec, graph, homes, host)
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
        image.routes[field] = plan.entries[:, :, column]
    image.routes["from_ports"] = used * np.uint8(31)
    image.routes["vcs"] = used * np.uint8((1 << spec.vcs) - 1)
    return image
