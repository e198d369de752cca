"""The compiler: a wafer map in, a proven configuration image out (design.md §6).

Steps: legal turns for several candidates, hosts among the tiles that reach each other, the
candidate with the least loaded busiest link, balanced paths, tables, proof, report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import numpy.typing as npt

from model.compile_report import compile_report
from model.errors import InputError
from model.graph import LinkGraph
from model.image import ConfigImage
from model.proof import prove
from model.repair import repair_strategy
from model.repair.homes import HomePlan
from model.routing import Effort, TurnPlan, routing_strategy
from model.routing.paths import UNREACHED, Network, balance, first_choices, shortest_masks
from model.routing.plan import NOWHERE, PathPlan
from model.spec import FabricSpec
from model.tables.fit import FittedTables, fit_tables
from model.wafer import WaferMap

BALANCE_ROUNDS: Final = {"fast": 12, "best": 150}
RANK_GOALS: Final = 256
"""Destinations by whose paths candidates are ranked."""
TRIES: Final = 3
"""Candidates whose tables are fitted before a misfit is reported."""


@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """How to compile.

    Parameters
    ----------
    spares : str or int
        Spare lines as a count or a share (RMP-3); 0 means logical size = physical size.
    spare_place : str
        Where they lie (``PLACES``); ``dies`` counts the spares of each row of dies.
    routing, repair : str
        Strategy names (``ROUTINGS``, ``REPAIRS``).
    effort : str
        ``fast``, or ``best``: more candidates, longer balancing.
    """

    spares: str | int = 0
    spare_place: str = "columns"
    routing: str = "grown"
    repair: str = "displacement"
    effort: Effort = "fast"

    def __post_init__(self) -> None:
        if self.effort not in get_args(Effort):
            raise InputError(f"effort is {self.effort!r}; allowed: {', '.join(get_args(Effort))}")
        routing_strategy(self.routing)
        repair_strategy(self.repair)


DEFAULTS: Final = CompileOptions()


def compile_wafer(wafer: WaferMap, options: CompileOptions = DEFAULTS, **sizes: int) -> ConfigImage:
    """Repair, route and prove a wafer.

    Parameters
    ----------
    wafer : WaferMap
    options : CompileOptions
    **sizes
        Fields of the image's :class:`FabricSpec` beside the size: ``vcs``, ``depth``, …

    Returns
    -------
    ConfigImage
        With ``report`` filled.

    Raises
    ------
    InputError
        When an option is out of range, no core can be hosted, or a tile's table cannot fit.
    """
    spec = FabricSpec(width=wafer.width, height=wafer.height, **sizes)
    graph = LinkGraph.from_wafer(wafer)
    homes = HomePlan.build(wafer.width, wafer.height, options.spares, options.spare_place)
    plans = _largest(routing_strategy(options.routing)(graph, options.effort), graph)
    usable = plans[0].routable & graph.core_ok
    host = repair_strategy(options.repair)(homes, usable)
    if (host < 0).all():
        raise InputError("wafer has no working core; allowed: at least one")
    hosts = np.unique(host[host >= 0]).astype(np.int32)
    ranked = _rank(graph, plans, hosts)
    plan, network, tables = _first_that_fits(
        ranked, BALANCE_ROUNDS[options.effort], spec.route_entries, spec.vcs
    )
    image = _assemble(spec, graph, homes, host, network, tables)
    walk = prove(image)
    image.report = compile_report(
        image, homes, graph, plan.routable, tables, walk,
        routing=options.routing, plan=plan.label, repair=options.repair, effort=options.effort,
    )  # fmt: skip
    return image


def _largest(plans: list[TurnPlan], graph: LinkGraph) -> list[TurnPlan]:
    """Plans that join the most working cores, all with one routable set."""
    if not plans:
        raise InputError("wafer has no working tile; allowed: at least one")
    best = max(plans, key=lambda plan: int((plan.routable & graph.core_ok).sum()))
    return [plan for plan in plans if (plan.routable == best.routable).all()]


Candidate = tuple[TurnPlan, Network, npt.NDArray[np.uint8]]


def _rank(graph: LinkGraph, plans: list[TurnPlan], hosts: npt.NDArray[np.int32]) -> list[Candidate]:
    """Plans, each with its best first choice, by the load of their busiest link."""
    ranked = []
    for number, plan in enumerate(plans):
        network = Network.build(graph, plan, hosts)
        starts = first_choices(graph.width, graph.height)
        loads = [int(balance(network, start, 0, RANK_GOALS)[1].max(initial=0)) for start in starts]
        least = loads.index(min(loads))
        ranked.append((loads[least], number, plan, network, starts[least]))
    ranked.sort(key=lambda item: item[:2])
    return [item[2:] for item in ranked]


def _first_that_fits(
    ranked: list[Candidate], rounds: int, route_entries: int, vcs: int
) -> tuple[TurnPlan, Network, FittedTables]:
    """Balance and fit the best candidate; the next one where a tile's table cannot fit."""
    error = InputError("routing has no candidate; allowed: at least one")
    for plan, network, first in ranked[:TRIES]:
        choice, _ = balance(network, first, rounds)
        try:
            return plan, network, fit_tables(_paths(network, choice), route_entries, vcs)
        except InputError as misfit:
            error = misfit
    raise error


def _paths(network: Network, choice: npt.NDArray[np.uint8]) -> PathPlan:
    """One layer in all VCs: shortest outputs are good, one of each set is chosen."""
    masks = shortest_masks(network)
    good = np.where(masks == UNREACHED, 0, masks)
    tile = np.arange(good.shape[1]) // 5
    return PathPlan(
        width=network.width,
        height=network.height,
        hosts=network.hosts,
        turns=network.turns[None],
        forward=network.forward,
        layer_of=np.zeros((len(network.hosts),) * 2, np.uint8),
        hop=np.where(good, choice[tile, good], NOWHERE)[None],
        good=good[None],
    )


def _assemble(
    spec: FabricSpec,
    graph: LinkGraph,
    homes: HomePlan,
    host: npt.NDArray[np.int32],
    network: Network,
    tables: FittedTables,
) -> ConfigImage:
    """Put the parts into one image; destinations take the VCs in turn along each diagonal."""
    image = ConfigImage.blank(spec, homes.logical_width, homes.logical_height)
    image.live[:] = graph.live
    image.core_ok[:] = graph.core_ok
    image.in_ok[:], image.out_ok[:] = graph.in_ok, graph.out_ok
    image.remap_tile[:] = host
    hosted = np.flatnonzero(host >= 0)
    y, x = np.divmod(host[hosted], spec.width)
    image.remap_vc[hosted] = (x + y) % spec.vcs
    image.identity[host[hosted]] = hosted
    image.turns[:] = network.turns[:, :, :, None]
    used = np.arange(spec.route_entries) < tables.count[:, None]
    image.routes["valid"] = used
    for column, field in enumerate(("x_lo", "x_hi", "y_lo", "y_hi", "from_ports", "vcs", "to")):
        image.routes[field] = np.where(used, tables.entries[:, :, column], 0)
    return image
